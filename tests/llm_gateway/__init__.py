"""Tests of the llm-gateway."""
