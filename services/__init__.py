"""The seven services, the runtime and the hierarchy library that they share, and the `waymark` command."""
