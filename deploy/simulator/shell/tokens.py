"""From script text to tokens: words with their quoting, and operators.

Spec: POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.3 Token Recognition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tree import Arithmetic, Literal, Parameter, Part, ShellSyntaxError, Substitution, Word

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_PLAIN = re.compile(r"[^ \t\n'\"\\$`;&|<>()]+")
_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_IN_BRACES = re.compile(r"[^'\"\\$`}]+")
_OPERATOR = re.compile(r"&&|\|\||;;|&>|>>|>&|<&|>\||<<|[;&|<>()\n]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[?$#@*!]")
_BRACED_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?$#@*!]")
_PARAMETER_OPERATOR = re.compile(r":-|:=|:\+|:\?|%%|##|[-=+?%#]")
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Operator:
    """`text` is the operator; a newline is one too. `descriptor` is the digit before a redirection."""

    text: str
    descriptor: int | None = None


END = Operator("")


class Tokeniser:
    """Reads tokens of `text` from `position` on. With `nested` it stops at the `)` that closes a substitution."""

    def __init__(self, text: str, position: int = 0, nested: bool = False) -> None:
        self.text = text
        self.position = position
        self._nested = nested

    def tokens(self) -> list[Word | Operator]:
        found: list[Word | Operator] = []
        depth = 0
        while True:
            token = self._next()
            if token is END:
                if self._nested:
                    raise ShellSyntaxError("syntax error: unexpected end of file, ')' expected")
                found.append(END)
                return found
            if isinstance(token, Operator):
                if token.text == "(":
                    depth += 1
                elif token.text == ")":
                    if self._nested and depth == 0:
                        return found
                    depth -= 1
            found.append(token)

    def _next(self) -> Word | Operator:
        text = self.text
        if blank := _BLANK.match(text, self.position):
            self.position = blank.end()
        if self.position >= len(text):
            return END
        if text[self.position] == "#":
            end = text.find("\n", self.position)
            self.position = len(text) if end < 0 else end
            return self._next()
        if operator := _OPERATOR.match(text, self.position):
            self.position = operator.end()
            return Operator(operator[0])
        start = self.position
        if text[start].isdigit() and text[start + 1 : start + 2] in ("<", ">"):
            operator = _OPERATOR.match(text, start + 1)
            if operator is not None and operator[0][0] in "<>":
                self.position = operator.end()
                return Operator(operator[0], int(text[start]))
        return self._word()

    def _word(self) -> Word:
        text, parts = self.text, list[Part]()
        while self.position < len(text):
            if plain := _PLAIN.match(text, self.position):
                parts.append(Literal(plain[0], quoted=False))
                self.position = plain.end()
                continue
            character = text[self.position]
            if character in " \t\n;&|<>()":
                break
            self._special(character, parts)
        return make_word(parts)

    def _special(self, character: str, parts: list[Part]) -> None:
        """One quoted or expanded piece outside double quotes."""
        if character == "'":
            end = self.text.find("'", self.position + 1)
            if end < 0:
                raise ShellSyntaxError("no closing quote")
            parts.append(Literal(self.text[self.position + 1 : end], quoted=True))
            self.position = end + 1
        elif character == '"':
            self.position += 1
            self._double(parts)
        elif character == "\\":
            self._escape(parts)
        elif character == "$":
            self._dollar(parts, quoted=False)
        else:
            self._backquote(parts, quoted=False)

    def _escape(self, parts: list[Part]) -> None:
        following = self.text[self.position + 1 : self.position + 2]
        if following != "\n":
            parts.append(Literal(following or "\\", quoted=True))
        self.position = min(self.position + 2, len(self.text))

    def _double(self, parts: list[Part]) -> None:
        before = len(parts)
        while self.position < len(self.text):
            if run := _IN_DOUBLE.match(self.text, self.position):
                parts.append(Literal(run[0], quoted=True))
                self.position = run.end()
                continue
            character = self.text[self.position]
            if character == '"':
                self.position += 1
                if len(parts) == before:
                    parts.append(Literal("", quoted=True))
                return
            if character == "\\":
                following = self.text[self.position + 1 : self.position + 2]
                if following != "\n":
                    parts.append(Literal(following if following and following in '$`"\\' else "\\" + following, True))
                self.position = min(self.position + 2, len(self.text))
            elif character == "$":
                self._dollar(parts, quoted=True)
            else:
                self._backquote(parts, quoted=True)
        raise ShellSyntaxError("no closing quote")

    def _dollar(self, parts: list[Part], quoted: bool) -> None:
        text, start = self.text, self.position
        if text.startswith("$((", start):
            end = text.find("))", start)
            if end < 0:
                raise ShellSyntaxError("syntax error: '))' expected")
            parts.append(Arithmetic(text[start + 3 : end], quoted))
            self.position = end + 2
        elif text.startswith("$(", start):
            inner = Tokeniser(text, start + 2, nested=True)
            inner.tokens()
            parts.append(Substitution(text[start + 2 : inner.position - 1], quoted))
            self.position = inner.position
        elif text.startswith("${", start):
            self.position = start + 2
            parts.append(self._braced(quoted))
        elif name := _NAME.match(text, start + 1):
            parts.append(Parameter(name[0], "", None, quoted))
            self.position = name.end()
        else:
            parts.append(Literal("$", quoted))
            self.position = start + 1

    def _braced(self, quoted: bool) -> Parameter:
        text = self.text
        if text.startswith("#", self.position) and (name := _BRACED_NAME.match(text, self.position + 1)):
            self._expect_brace(name.end())
            return Parameter(name[0], "length", None, quoted)
        name = _BRACED_NAME.match(text, self.position)
        if name is None:
            raise ShellSyntaxError("bad substitution")
        self.position = name.end()
        operator = _PARAMETER_OPERATOR.match(text, self.position)
        if operator is None:
            self._expect_brace(self.position)
            return Parameter(name[0], "", None, quoted)
        self.position = operator.end()
        parts = list[Part]()
        while self.position < len(text) and text[self.position] != "}":
            if run := _IN_BRACES.match(text, self.position):
                parts.append(Literal(run[0], quoted))
                self.position = run.end()
            elif quoted and text[self.position] == "'":
                parts.append(Literal("'", quoted))
                self.position += 1
            else:
                self._special(text[self.position], parts)
        self._expect_brace(self.position)
        return Parameter(name[0], operator[0], make_word(parts), quoted)

    def _expect_brace(self, position: int) -> None:
        if not self.text.startswith("}", position):
            raise ShellSyntaxError("bad substitution")
        self.position = position + 1

    def _backquote(self, parts: list[Part], quoted: bool) -> None:
        match = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, self.position)
        if match is None:
            raise ShellSyntaxError("no closing quote")
        parts.append(Substitution(re.sub(r"\\([`\\$])", r"\1", match[1]), quoted))
        self.position = match.end()


def make_word(parts: list[Part]) -> Word:
    """A word of these parts, with its value where that needs no expansion."""
    plain: str | None = ""
    quoted = False
    for part in parts:
        if isinstance(part, Literal):
            quoted |= part.quoted
            if plain is not None and (part.quoted or not _PATTERN.search(part.text)):
                plain += part.text
                continue
        plain = None
    return Word(tuple(parts), plain, quoted)
