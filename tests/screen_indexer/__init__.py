"""Tests of the screen-indexer."""
