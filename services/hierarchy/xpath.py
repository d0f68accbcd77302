"""Evaluates XPath on a Tree, as Appium and uiautomator2 understand it: tags are class names, under one `hierarchy`.

Own evaluator instead of libxml2: it counts its steps and gives up in time, because a locator may come from anybody, and
it answers the usual `//*[@resource-id='x']` from an index. Tests compare it with libxml2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from services.hierarchy.errors import LocatorError
from services.hierarchy.node import ATTRIBUTE_NAMES, ROOT, Node, Tree, attribute
from services.hierarchy.xpath_parser import parse_xpath
from services.hierarchy.xpath_syntax import Call, Expression, Filter, Literal, Operation, Path, Step
from services.hierarchy.xpath_values import (
    Place,
    Places,
    Strings,
    Value,
    as_number,
    as_string,
    compared,
    string_function,
    truth,
    width_of,
)

MAX_VISITS: Final = 400_000
"""Nodes looked at in one evaluation before it is given up: about 0.2 s. A usual locator needs under 1,000."""

_DOCUMENT: Final = Place(ROOT - 1)
_HIERARCHY: Final = Place(ROOT)
_REVERSE: Final = frozenset({"ancestor", "ancestor-or-self", "preceding", "preceding-sibling", "parent"})


@dataclass(frozen=True, slots=True)
class Context:
    place: Place
    position: int
    size: int


def evaluate_xpath(tree: Tree, expression: str) -> list[Node]:
    """Nodes that the expression addresses, in document order. Raises LocatorError: syntax, cost, or not a node set."""
    value = _Evaluation(tree).value(parse_xpath(expression), Context(_DOCUMENT, 1, 1))
    if not isinstance(value, Places):
        raise LocatorError(f"the XPath {expression!r} yields a value, not elements")
    return [tree.nodes[place] for place in value.found if place >= 0]


class _Evaluation:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._left = MAX_VISITS
        self._all: Sequence[Place] = range(len(tree))  # type: ignore[assignment]  # Place is an int by another name

    def _spend(self, visits: int) -> None:
        self._left -= visits
        if self._left < 0:
            raise LocatorError(f"the XPath is too costly: it looks at more than {MAX_VISITS} nodes; make it narrower")

    # --- expressions

    def value(self, expression: Expression, context: Context) -> Value:
        match expression:
            case Literal(value):
                return value
            case Path():
                return self._path(expression, context)
            case Filter(inner, predicates):
                places = self._places(self.value(inner, context)).found
                for predicate in predicates:
                    places = self._filtered(places, predicate)
                return Places(places)
            case Operation():
                return self._operation(expression, context)
            case Call():
                return self._call(expression, context)
            case _:
                assert_never(expression)

    def _places(self, value: Value) -> Places:
        if isinstance(value, Places):
            return value
        raise LocatorError("the XPath applies a step or a predicate to a value that is not a set of elements")

    def _operation(self, operation: Operation, context: Context) -> Value:
        left = self.value(operation.left, context)
        match operation.operator:
            case "or":
                return truth(left) or truth(self.value(operation.right, context))
            case "and":
                return truth(left) and truth(self.value(operation.right, context))
            case "|":
                right = self.value(operation.right, context)
                return Places(sorted({*self._places(left).found, *self._places(right).found}))
            case "+" | "-":
                right = self.value(operation.right, context)
                return as_number(left) + (as_number(right) if operation.operator == "+" else -as_number(right))
            case operator:
                right = self.value(operation.right, context)
                self._spend(width_of(left) * width_of(right))
                return compared(operator, left, right)

    def _call(self, call: Call, context: Context) -> Value:  # one per function
        given = [self.value(argument, context) for argument in call.arguments]
        match call.name:
            case "position":
                return float(context.position)
            case "last":
                return float(context.size)
            case "count":
                return float(width_of(given[0])) if isinstance(given[0], Places | Strings) else math.nan
            case "not":
                return not truth(given[0])
            case "boolean":
                return truth(given[0])
            case "true" | "false":
                return call.name == "true"
            case "number":
                return as_number(given[0]) if given else math.nan
        return string_function(call.name, [as_string(one) for one in given])

    # --- paths

    def _path(self, path: Path, context: Context) -> Value:
        if path.start is not None:
            places = self._places(self.value(path.start, context)).found
        else:
            places = [_DOCUMENT if path.absolute else context.place]
        for at, step in enumerate(path.steps):
            if step.axis == "attribute":
                if at < len(path.steps) - 1:
                    raise LocatorError("the XPath goes on after an attribute, which has nothing below it")
                return Strings(self._attributes(places, step))
            places = self._stepped(places, step)
        return Places(places)

    def _attributes(self, places: Sequence[Place], step: Step) -> list[str]:
        if step.test not in ATTRIBUTE_NAMES and step.test != "*":
            return []
        names = sorted(ATTRIBUTE_NAMES) if step.test == "*" else [step.test]
        self._spend(len(places) * len(names))
        return [attribute(self._tree.nodes[place], name) for place in places if place >= 0 for name in names]

    def _stepped(self, places: Sequence[Place], step: Step) -> Sequence[Place]:
        quick = self._looked_up(places, step)
        if quick is not None:
            return quick
        reached: list[Place] = []
        for place in places:
            one: Sequence[Place] = self._tested(self._axis(step.axis, place), step.test)
            for predicate in step.predicates:
                one = self._filtered(one, predicate)
            reached.extend(one)
        if len(places) == 1:
            return reached[::-1] if step.axis in _REVERSE else reached
        return sorted(set(reached))

    def _looked_up(self, places: Sequence[Place], step: Step) -> Sequence[Place] | None:
        """`descendant::x[@name='literal']..` from one place: candidates come from an index instead of a walk."""
        wanted = step.lookup
        if wanted is None or step.axis != "descendant" or len(places) != 1:
            return None
        place = places[0]
        low, high = (0, len(self._tree)) if place < 0 else (place + 1, self._tree.nodes[place].end)
        known, tags = self._tree.with_attribute(*wanted), self._tree.tags
        self._spend(len(known) + 1)
        found: Sequence[Place] = [
            Place(node.position) for node in known
            if low <= node.position < high and (step.test in ("*", "node()") or tags[node.position] == step.test)
        ]  # fmt: skip
        for predicate in step.predicates[1:]:
            found = self._filtered(found, predicate)
        return found

    def _filtered(self, places: Sequence[Place], predicate: Expression) -> Sequence[Place]:
        if isinstance(predicate, Literal) and isinstance(predicate.value, float):
            at = predicate.value
            return [places[int(at) - 1]] if at.is_integer() and 1 <= at <= len(places) else []
        kept: list[Place] = []
        for position, place in enumerate(places, 1):
            self._spend(1)
            value = self.value(predicate, Context(place, position, len(places)))
            numeric = isinstance(value, float)
            if (value == position) if numeric else truth(value):
                kept.append(place)
        return kept

    def _tested(self, places: Sequence[Place], test: str) -> Sequence[Place]:
        """Those that have the tag asked for."""
        self._spend(len(places))
        if test == "node()":
            return places
        if test == "*":
            return [place for place in places if place != _DOCUMENT]
        tags = self._tree.tags
        return [place for place in places if (tags[place] if place >= 0 else _tag_above(place)) == test]

    def _axis(self, axis: str, place: Place) -> Sequence[Place]:  # one per axis
        """Places on the axis, in the order of the axis (reverse axes: nearest first)."""
        match axis:
            case "child":
                return self._children(place)
            case "descendant":
                return self._below(place)
            case "descendant-or-self":
                return [place, *self._below(place)]
            case "self":
                return [place]
            case "parent":
                return list(self._above(place))[:1]
            case "ancestor":
                return list(self._above(place))
            case "ancestor-or-self":
                return [place, *self._above(place)]
            case "following-sibling":
                return [one for one in self._siblings(place) if one > place]
            case "preceding-sibling":
                return [one for one in reversed(self._siblings(place)) if one < place]
            case "following":
                return [] if place < 0 else self._all[self._tree.nodes[place].end :]
            case _:
                above = set(self._above(place))
                return [Place(at) for at in range(place - 1, -1, -1) if at not in above]

    def _children(self, place: Place) -> list[Place]:
        if place == _DOCUMENT:
            return [_HIERARCHY]
        nodes = self._tree.roots if place == _HIERARCHY else self._tree.nodes[place].children
        return [Place(node.position) for node in nodes]

    def _below(self, place: Place) -> Sequence[Place]:
        if place >= 0:
            return self._all[place + 1 : self._tree.nodes[place].end]
        return self._all if place == _HIERARCHY else [_HIERARCHY, *self._all]

    def _above(self, place: Place) -> Iterator[Place]:
        while place != _DOCUMENT:
            place = _DOCUMENT if place == _HIERARCHY else Place(self._tree.nodes[place].parent)
            yield place

    def _siblings(self, place: Place) -> list[Place]:
        return [] if place < 0 else self._children(Place(self._tree.nodes[place].parent))


def _tag_above(place: Place) -> str:
    return "hierarchy" if place == _HIERARCHY else ""
