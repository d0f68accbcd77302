"""The `waymark` command, its report, and what it looks after."""
