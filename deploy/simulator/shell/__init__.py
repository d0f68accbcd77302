"""The phone's shell: a POSIX subset that is parsed, not guessed at."""
