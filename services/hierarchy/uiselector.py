"""Android's UiSelector expressions: `new UiSelector().resourceId("..").childSelector(new UiSelector().text(".."))`.

Meaning as in UiAutomator: conditions of one selector hold together; `instance(n)` is the n-th match in document order,
from 0; `childSelector` searches below a match, `fromParent` below its parent. UiAutomator looks in the active window
only; here all windows of the dump are searched, which can only find more and so never hides an ambiguity.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from services.hierarchy.errors import LocatorError
from services.hierarchy.node import Node, Tree

MAX_LENGTH: Final = 4_000
_MAX_NESTING: Final = 10
_MAX_PATTERN: Final = 200
_MAX_MATCHED_CHARS: Final = 500
_MAX_VISITS: Final = 400_000


@dataclass(frozen=True, slots=True)
class Condition:
    method: str
    argument: str | int | bool


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions, the instance asked for (None: every match), and what is searched from a match."""

    conditions: tuple[Condition, ...]
    instance: int | None = None
    relation: Literal["childSelector", "fromParent"] | None = None
    inner: Selector | None = None


_STRINGS: Final[dict[str, Callable[[Node], str]]] = {
    "resourceId": lambda node: node.resource_id,
    "text": lambda node: node.text,
    "description": lambda node: node.content_desc,
    "className": lambda node: node.class_name,
    "packageName": lambda node: node.package,
}
_FLAGS: Final[dict[str, Callable[[Node], bool]]] = {
    "checkable": lambda node: node.checkable,
    "checked": lambda node: node.checked,
    "clickable": lambda node: node.clickable,
    "enabled": lambda node: node.enabled,
    "focusable": lambda node: node.focusable,
    "focused": lambda node: node.focused,
    "longClickable": lambda node: node.long_clickable,
    "scrollable": lambda node: node.scrollable,
    "selected": lambda node: node.selected,
}
_SUFFIXES: Final = ("Matches", "Contains", "StartsWith")
_RARITY: Final = ("resourceId", "text", "description", "className", "packageName")
_ATTRIBUTES: Final = {
    "resourceId": "resource-id", "text": "text", "description": "content-desc", "className": "class",
    "packageName": "package",
}  # fmt: skip

_WORD: Final = re.compile(
    r"""\s*(?:(?P<new>new\s+(?:[a-z.]+\.)?UiSelector\s*\(\s*\))|\.\s*(?P<method>[A-Za-z]+)\s*\(|(?P<close>\))"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+)|(?P<flag>true|false)\b)""",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_RISKY_PATTERN: Final = re.compile(r"\)\s*[*+{]|\\[1-9]|\(\?[^:]")


def evaluate_uiselector(tree: Tree, expression: str) -> list[Node]:
    """Nodes that the expression addresses, in document order. Raises LocatorError for one that cannot be read."""
    return _found(tree, parse_uiselector(expression), tree.nodes)


def _found(tree: Tree, selector: Selector, candidates: tuple[Node, ...]) -> list[Node]:
    matching = _matching(tree, selector.conditions, candidates)
    if selector.instance is not None:
        matching = matching[selector.instance : selector.instance + 1]
    if selector.inner is None:
        return matching
    found: dict[int, Node] = {}
    visits = 0
    for node in matching:
        base = node if selector.relation == "childSelector" else tree.parent(node)
        below = tree.descendants(base) if base is not None else tree.nodes
        visits += len(below)
        if visits > _MAX_VISITS:
            raise LocatorError(f"the UiSelector is too costly: it looks at more than {_MAX_VISITS} nodes")
        for one in _found(tree, selector.inner, below):
            found[one.position] = one
    return [found[position] for position in sorted(found)]


def _matching(tree: Tree, conditions: tuple[Condition, ...], candidates: tuple[Node, ...]) -> list[Node]:
    """The candidates that meet all conditions. One that asks for an exact string is answered by an index."""
    if len(candidates) > 1:
        exact = [condition for condition in conditions if condition.method in _ATTRIBUTES]
        for condition in sorted(exact, key=lambda one: _RARITY.index(one.method))[:1]:
            low, high = candidates[0].position, candidates[-1].position
            known = tree.with_attribute(_ATTRIBUTES[condition.method], str(condition.argument))
            rest = [one for one in conditions if one is not condition]
            return [node for node in known if low <= node.position <= high and all(_holds(one, node) for one in rest)]
    return [node for node in candidates if all(_holds(condition, node) for condition in conditions)]


def _holds(condition: Condition, node: Node) -> bool:
    method, argument = condition.method, condition.argument
    if method in _FLAGS:
        return _FLAGS[method](node) is argument
    if method == "index":
        return node.index == argument
    for suffix in _SUFFIXES:
        if method.endswith(suffix):
            value = _STRINGS[method.removesuffix(suffix)](node)
            match suffix:
                case "Contains":
                    return str(argument).lower() in value.lower()
                case "StartsWith":
                    return value.lower().startswith(str(argument).lower())
                case _:
                    return _pattern(str(argument)).fullmatch(value[:_MAX_MATCHED_CHARS]) is not None
    return _STRINGS[method](node) == argument


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > _MAX_PATTERN or _RISKY_PATTERN.search(text):
        raise LocatorError(f"the pattern {text!r} is too long or repeats a group, which can take for ever: simplify it")
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise LocatorError(f"the pattern {text!r} is not a regular expression: {error}") from error


@lru_cache(maxsize=4096)
def parse_uiselector(expression: str) -> Selector:
    """The selector of an expression. Raises LocatorError, which quotes what is wrong."""
    if len(expression) > MAX_LENGTH:
        raise LocatorError(f"the UiSelector has {len(expression)} characters, more than {MAX_LENGTH}")
    if re.match(r"\s*new\s+UiScrollable", expression):
        raise LocatorError("UiScrollable scrolls the phone while it looks: give a UiSelector")
    reader = _Reader(expression.strip().rstrip(";"))
    selector = reader.selector(0)
    if reader.kind:
        raise reader.wrong("something is left over")
    return selector


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.kind = ""
        self._word = ""
        self._advance()

    def wrong(self, what: str) -> LocatorError:
        return LocatorError(f"the UiSelector {self._text!r} cannot be read: {what} before {self._text[self._at :]!r}")

    def _advance(self) -> None:
        if not self._text[self._at :].strip():
            self.kind, self._word = "", ""
            return
        found = _WORD.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self.wrong("an unknown word")
        self.kind, self._word, self._at = found.lastgroup, found[found.lastgroup], found.end()

    def _expect(self, kind: str) -> str:
        if self.kind != kind:
            raise self.wrong(f"a {kind} is missing")
        word = self._word
        self._advance()
        return word

    def selector(self, nesting: int) -> Selector:
        if nesting > _MAX_NESTING:
            raise LocatorError(f"the UiSelector is nested deeper than {_MAX_NESTING} selectors")
        self._expect("new")
        conditions: list[Condition] = []
        instance: int | None = None
        relation: Literal["childSelector", "fromParent"] | None = None
        inner: Selector | None = None
        while self.kind == "method":
            method = self._expect("method")
            if method == "childSelector":
                relation, inner = "childSelector", self.selector(nesting + 1)
            elif method == "fromParent":
                relation, inner = "fromParent", self.selector(nesting + 1)
            elif method == "instance":
                instance = self._number()
            else:
                conditions.append(self._condition(method))
            self._expect("close")
        return Selector(tuple(conditions), instance, relation, inner)

    def _number(self) -> int:
        number = int(self._expect("number"))
        if not 0 <= number < 100_000:
            raise self.wrong(f"{number} is no place")
        return number

    def _condition(self, method: str) -> Condition:
        if method in _FLAGS:
            return Condition(method, True if self.kind == "close" else self._expect("flag") == "true")
        if method == "index":
            return Condition(method, self._number())
        if method in _STRINGS or any(method == name + suffix for name in _STRINGS for suffix in _SUFFIXES):
            condition = Condition(method, _unescaped(self._expect("string")[1:-1]))
            if method.endswith("Matches"):
                _pattern(str(condition.argument))
            return condition
        raise LocatorError(f"UiSelector has no {method}() that Waymark knows")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _unescaped_one(found[1]), text)


def _unescaped_one(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPED.get(escape, escape)


def quoted(text: str) -> str:
    """`text` as a string of a UiSelector expression, in double quotes."""
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + body.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
