"""Measurements: `python -m tests.bench [NAME ..]`, or `make bench`."""
