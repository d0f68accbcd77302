"""Tests of the locator-validator."""
