"""The part of XPath that addresses elements, as a syntax tree: `xpath_parser` reads it, `xpath` gives its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """`operator` is one of: or, and, =, !=, <, <=, >, >=, +, -, |"""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Step:
    """`test` is a tag or attribute name, `*` for any, `node()` for any with the document.

    `lookup` is the (attribute, value) that the first predicate asks for, where it does: an index can answer it.
    """

    axis: str
    test: str
    predicates: tuple[Expression, ...] = ()
    lookup: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the document (absolute), from `start` when given, or from the context node."""

    absolute: bool
    steps: tuple[Step, ...]
    start: Expression | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """`(paths)[2]`: a predicate over the whole set in document order."""

    inner: Expression
    predicates: tuple[Expression, ...]


Expression = Literal | Call | Operation | Path | Filter

ANYWHERE: Final = Step("descendant-or-self", "node()")
"""What stands between two slashes."""
