"""Asks a model what it is good at, once and within a budget, and says what its answer means."""
