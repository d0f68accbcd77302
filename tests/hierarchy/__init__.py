"""Tests of the hierarchy library."""
