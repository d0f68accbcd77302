"""The `waymark` command: starts and watches runs, reads what they found, looks after the log and the tables."""
