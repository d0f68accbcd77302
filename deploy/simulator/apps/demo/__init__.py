"""The demo app of Waymark in two versions."""
