"""Reads XPath by recursive descent.

Supported: location paths with all element axes and attributes, predicates, `|`, `and`, `or`, `+`, `-`, comparisons,
numbers, strings, and the functions of `FUNCTIONS`. Anything else is a LocatorError that names it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from services.hierarchy.errors import LocatorError
from services.hierarchy.xpath_rewrite import joined
from services.hierarchy.xpath_syntax import ANYWHERE, Call, Expression, Filter, Literal, Operation, Path, Step

MAX_LENGTH: Final = 4_000
_MAX_NESTING: Final = 40

AXES: Final = frozenset({
    "child", "descendant", "descendant-or-self", "self", "parent", "ancestor", "ancestor-or-self", "following-sibling",
    "preceding-sibling", "following", "preceding", "attribute",
})  # fmt: skip
FUNCTIONS: Final = {
    "position": (0, 0), "last": (0, 0), "count": (1, 1), "not": (1, 1), "true": (0, 0), "false": (0, 0),
    "boolean": (1, 1), "number": (0, 1), "string": (0, 1), "concat": (2, 20), "contains": (2, 2),
    "starts-with": (2, 2), "ends-with": (2, 2), "normalize-space": (0, 1), "string-length": (0, 1), "translate": (3, 3),
}  # fmt: skip


_WORD: Final = re.compile(
    r"""\s*(?:(?P<string>"[^"]*"|'[^']*')|(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<axis>[a-z-]+)\s*::"""
    r"""|(?P<symbol>//|\.\.|!=|<=|>=|[/.@*|=<>()\[\],+-])|(?P<name>[^\W\d][\w.\-]*))"""
)
_NODE_TYPES: Final = frozenset({"node", "text", "comment", "processing-instruction"})


@lru_cache(maxsize=4096)
def parse_xpath(text: str) -> Expression:
    """The syntax tree of an expression. Raises LocatorError, which quotes what is wrong."""
    if len(text) > MAX_LENGTH:
        raise LocatorError(f"the XPath has {len(text)} characters, more than {MAX_LENGTH}")
    parser = _Parser(text)
    expression = parser.either()
    if parser.kind:
        parser.fail("something is left over")
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._nesting = 0
        self.kind = ""
        self.word = ""
        self._advance()

    def fail(self, what: str) -> LocatorError:
        raise LocatorError(f"the XPath {self._text!r} cannot be read: {what} before {self._text[self._at :]!r}")

    def _advance(self) -> None:
        if not self._text[self._at :].strip():
            self.kind, self.word, self._at = "", "", len(self._text)
            return
        found = _WORD.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self.fail("an unknown character")
        self.kind, self.word, self._at = found.lastgroup, found[found.lastgroup], found.end()

    def _take(self, *symbols: str) -> str:
        if self.kind == "symbol" and self.word in symbols:
            taken = self.word
            self._advance()
            return taken
        return ""

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self.fail(f"{symbol!r} is missing")

    def either(self) -> Expression:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise LocatorError(f"the XPath is nested deeper than {_MAX_NESTING} expressions")
        left = self._both()
        while self.kind == "name" and self.word == "or":
            self._advance()
            left = Operation("or", left, self._both())
        self._nesting -= 1
        return left

    def _both(self) -> Expression:
        left = self._comparison(("=", "!="))
        while self.kind == "name" and self.word == "and":
            self._advance()
            left = Operation("and", left, self._comparison(("=", "!=")))
        return left

    def _comparison(self, operators: tuple[str, ...]) -> Expression:
        is_equality = "=" in operators
        left = self._comparison(("<", "<=", ">", ">=")) if is_equality else self._sum()
        while operator := self._take(*operators):
            right = self._comparison(("<", "<=", ">", ">=")) if is_equality else self._sum()
            left = Operation(operator, left, right)
        return left

    def _sum(self) -> Expression:
        left = self._union()
        while operator := self._take("+", "-"):
            left = Operation(operator, left, self._union())
        return left

    def _union(self) -> Expression:
        left = self._path()
        while self._take("|"):
            left = Operation("|", left, self._path())
        return left

    def _path(self) -> Expression:
        if self.kind in ("string", "number"):
            value: str | float = self.word[1:-1] if self.kind == "string" else float(self.word)
            self._advance()
            return Literal(value)
        if self._take("("):
            return self._continued(self._closed())
        is_call = self.kind == "name" and self._text[self._at :].lstrip().startswith("(")
        if is_call and self.word not in _NODE_TYPES:
            return self._continued(self._call())
        if separator := self._take("/", "//"):
            lead = (ANYWHERE,) if separator == "//" else ()
            return Path(True, self._steps(lead)) if lead or self._begins_step() else Path(True, ())
        if not self._begins_step():
            raise self.fail("a path or a value is missing")
        return Path(False, self._steps(()))

    def _closed(self) -> Expression:
        inner = self.either()
        self._expect(")")
        return inner

    def _continued(self, inner: Expression) -> Expression:
        """Predicates and steps after a parenthesis or a call."""
        predicates = self._predicates()
        if predicates:
            inner = Filter(inner, predicates)
        if separator := self._take("/", "//"):
            return Path(False, self._steps((ANYWHERE,) if separator == "//" else ()), inner)
        return inner

    def _call(self) -> Expression:
        name = self.word
        if name not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise LocatorError(f"the XPath uses {name}(), which is not supported here; supported are: {known}")
        self._advance()
        self._expect("(")
        arguments: list[Expression] = []
        if not self._take(")"):
            arguments.append(self.either())
            while self._take(","):
                arguments.append(self.either())
            self._expect(")")
        least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise LocatorError(f"the XPath gives {name}() {len(arguments)} arguments")
        return Call(name, tuple(arguments))

    def _begins_step(self) -> bool:
        return self.kind in ("name", "axis") or (self.kind == "symbol" and self.word in (".", "..", "@", "*"))

    def _steps(self, lead: tuple[Step, ...]) -> tuple[Step, ...]:
        steps = [*lead, self._step()]
        while separator := self._take("/", "//"):
            if separator == "//":
                steps.append(ANYWHERE)
            steps.append(self._step())
        return joined(steps)

    def _step(self) -> Step:
        if self._take("."):
            return Step("self", "node()")
        if self._take(".."):
            return Step("parent", "node()")
        axis = "child"
        if self.kind == "axis":
            axis = self.word
            if axis not in AXES:
                raise self.fail(f"the axis {axis!r} is unknown")
            self._advance()
        elif self._take("@"):
            axis = "attribute"
        return Step(axis, self._test(), self._predicates())

    def _test(self) -> str:
        if self._take("*"):
            return "*"
        if self.kind != "name":
            raise self.fail("a tag or an attribute is missing")
        name = self.word
        self._advance()
        if self._take("("):
            self._expect(")")
            if name != "node":
                raise LocatorError(f"the XPath uses {name}(): Android keeps texts in attributes, so use @text")
            return "node()"
        return name

    def _predicates(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while self._take("["):
            found.append(self.either())
            self._expect("]")
        return tuple(found)
