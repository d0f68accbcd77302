"""Recorded screens, indexed once for all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.hierarchy import corpus
from tests.screen_indexer.screens import Recorded, of_tree


@pytest.fixture(scope="session")
def recorded() -> list[Recorded]:
    return [
        Recorded(d.name, d.app, d.tree, d.width, d.height, of_tree(d.tree, d.width, d.height)) for d in corpus.dumps()
    ]


@pytest.fixture
def say() -> Callable[[str], object]:
    """Prints a measurement; `pytest -s` shows it."""
    return lambda text: sys.stdout.write(f"\n{text}\n")
