"""Tests of what the simulated phones play: described apps and recordings."""
