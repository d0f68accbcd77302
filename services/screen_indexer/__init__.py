"""Is this screen known, what is on it, how are its elements located, and what changed between two versions."""
