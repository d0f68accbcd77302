"""Rewrites XPath steps into equal ones that an index answers."""

from __future__ import annotations

from typing import assert_never

from services.hierarchy.node import ATTRIBUTE_NAMES
from services.hierarchy.xpath_syntax import ANYWHERE, Call, Expression, Filter, Literal, Operation, Path, Step


def joined(steps: list[Step]) -> tuple[Step, ...]:
    """`//x` is descendant-or-self::node()/child::x; without a place in its predicates that is descendant::x."""
    joined: list[Step] = []
    for given in steps:
        step = _split(given)
        before = joined[-1] if joined else None
        if before == ANYWHERE and step.axis == "child" and not any(map(_needs_place, step.predicates)):
            joined[-1] = Step("descendant", step.test, step.predicates, step.lookup)
        else:
            joined.append(step)
    return tuple(joined)


def _split(step: Step) -> Step:
    """`[a and b]` as `[a][b]`, which an index answers better; the same unless one of them asks for the position."""
    predicates: list[Expression] = []
    for predicate in step.predicates:
        pending = [predicate]
        while pending:
            one = pending.pop()
            if isinstance(one, Operation) and one.operator == "and" and not _mentions_place(one):
                pending += [Call("boolean", (one.right,)) if _needs_place(one.right) else one.right]
                pending += [Call("boolean", (one.left,)) if _needs_place(one.left) else one.left]
            else:
                predicates.append(one)
    return Step(step.axis, step.test, tuple(predicates), _equality(predicates[0]) if predicates else None)


def _equality(predicate: Expression) -> tuple[str, str] | None:
    """(name, value) of `@name = 'value'`."""
    match predicate:
        case Operation("=", Path(False, (Step("attribute", name, ()),), None), Literal(str(value))):
            return (name, value) if name in ATTRIBUTE_NAMES else None
        case _:
            return None


def _needs_place(expression: Expression) -> bool:
    """Whether a predicate depends on the position, or may (any number does)."""
    match expression:
        case Literal(value):
            return isinstance(value, float)
        case Call("boolean" | "not", arguments):
            return any(map(_mentions_place, arguments))
        case Call(name, arguments):
            is_number = name in ("position", "last", "count", "number", "string-length")
            return is_number or any(map(_mentions_place, arguments))
        case Operation(operator, left, right):
            return operator in "+-" or _mentions_place(left) or _mentions_place(right)
        case Path() | Filter():
            return False
        case _:
            assert_never(expression)


def _mentions_place(expression: Expression) -> bool:
    match expression:
        case Call(name, arguments):
            return name in ("position", "last") or any(map(_mentions_place, arguments))
        case Operation(_, left, right):
            return _mentions_place(left) or _mentions_place(right)
        case Literal() | Path() | Filter():
            return False
        case _:
            assert_never(expression)
