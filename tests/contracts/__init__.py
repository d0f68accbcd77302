"""Tests of the contracts: schemas, golden corpus, subjects, topology, the AsyncAPI document."""
