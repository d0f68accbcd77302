"""From tokens to a syntax tree.

Spec: POSIX.1-2017, Shell Command Language, 2.10 Shell Grammar, without functions, `case` and here-documents.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .tokens import END, Operator, Tokeniser
from .tree import (
    AndOr,
    Arithmetic,
    Command,
    For,
    Group,
    If,
    Literal,
    Loop,
    Parameter,
    Pipeline,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
    Substitution,
    Word,
)

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_REDIRECTS = frozenset({"<", ">", ">>", "<&", ">&", ">|", "&>"})
_CLOSERS = frozenset({"then", "else", "elif", "fi", "do", "done", "}"})
_UNSUPPORTED = frozenset({"case", "function", "select"})
_MAX_DEPTH = 50


@lru_cache(maxsize=4096)
def parse(source: str) -> Script:
    """The tree of a script; ShellSyntaxError where it has none. Remembered for repeated commands."""
    return _Parser(Tokeniser(source).tokens()).whole()


class _Parser:
    def __init__(self, tokens: list[Word | Operator]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Script:
        script = self._script()
        if self._peek() is not END:
            raise self._unexpected()
        return script

    def _peek(self) -> Word | Operator:
        return self._tokens[self._at]

    def _operator(self) -> str:
        token = self._tokens[self._at]
        return token.text if isinstance(token, Operator) else ""

    def _reserved(self) -> str:
        """The unquoted plain word that is next, which may be a reserved one; "" where none is."""
        token = self._tokens[self._at]
        return token.plain if isinstance(token, Word) and token.plain is not None and not token.quoted else ""

    def _unexpected(self) -> ShellSyntaxError:
        token = self._peek()
        if token is END:
            return ShellSyntaxError("syntax error: unexpected end of file")
        shown = token.text.replace("\n", "newline") if isinstance(token, Operator) else (token.plain or "word")
        return ShellSyntaxError(f"syntax error: unexpected '{shown}'")

    def _newlines(self) -> None:
        while self._operator() == "\n":
            self._at += 1

    def _script(self) -> Script:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ShellSyntaxError("syntax error: nested too deeply")
        items = []
        self._newlines()
        while self._peek() is not END and self._operator() != ")" and self._reserved() not in _CLOSERS:
            first = self._pipeline()
            rest = []
            while (joint := self._operator()) in ("&&", "||"):
                self._at += 1
                self._newlines()
                rest.append((joint, self._pipeline()))
            end = self._operator()
            items.append(AndOr(first, tuple(rest), background=end == "&"))
            if end not in (";", "&", "\n"):
                break
            self._at += 1
            self._newlines()
        self._depth -= 1
        return Script(tuple(items))

    def _body(self) -> Script:
        script = self._script()
        if not script.items:
            raise self._unexpected()
        return script

    def _pipeline(self) -> Pipeline:
        negated = False
        while self._reserved() == "!":
            negated = not negated
            self._at += 1
        commands = [self._command()]
        while self._operator() == "|":
            self._at += 1
            self._newlines()
            commands.append(self._command())
        return Pipeline(tuple(commands), negated)

    def _command(self) -> Command:
        if self._operator() == "(":
            self._at += 1
            body = self._body()
            self._take_operator(")")
            return Group(body, self._redirects(), subshell=True)
        reserved = self._reserved()
        if reserved == "{":
            self._at += 1
            body = self._body()
            self._take("}")
            return Group(body, self._redirects(), subshell=False)
        if reserved == "if":
            return self._if()
        if reserved in ("while", "until"):
            self._at += 1
            condition = self._body()
            body = self._do()
            return Loop(condition, body, reserved == "until", self._redirects())
        if reserved == "for":
            return self._for()
        if reserved in _UNSUPPORTED:
            raise ShellSyntaxError(f"syntax error: '{reserved}' is not part of the simulated shell")
        if reserved in _CLOSERS:
            raise self._unexpected()
        return self._simple()

    def _take(self, word: str) -> None:
        if self._reserved() != word:
            raise self._unexpected()
        self._at += 1

    def _take_operator(self, text: str) -> None:
        if self._operator() != text:
            raise self._unexpected()
        self._at += 1

    def _do(self) -> Script:
        self._take("do")
        body = self._body()
        self._take("done")
        return body

    def _if(self) -> If:
        branches = []
        while self._reserved() in ("if", "elif"):
            self._at += 1
            condition = self._body()
            self._take("then")
            branches.append((condition, self._body()))
        otherwise = None
        if self._reserved() == "else":
            self._at += 1
            otherwise = self._body()
        self._take("fi")
        return If(tuple(branches), otherwise, self._redirects())

    def _for(self) -> For:
        self._at += 1
        name = self._reserved()
        if not name.isidentifier():
            raise self._unexpected()
        self._at += 1
        self._newlines()
        self._take("in")
        words = []
        while isinstance(token := self._peek(), Word):
            check(token)
            words.append(token)
            self._at += 1
        if self._operator() not in (";", "\n"):
            raise self._unexpected()
        self._at += 1
        self._newlines()
        return For(name, tuple(words), self._do(), self._redirects())

    def _redirects(self) -> tuple[Redirect, ...]:
        found = []
        while self._operator() in _REDIRECTS:
            found.append(self._redirect())
        return tuple(found)

    def _redirect(self) -> Redirect:
        operator = self._peek()
        assert isinstance(operator, Operator)
        self._at += 1
        target = self._peek()
        if not isinstance(target, Word):
            raise self._unexpected()
        self._at += 1
        check(target)
        default = 0 if operator.text[0] == "<" else 1
        descriptor = default if operator.descriptor is None else operator.descriptor
        if operator.text == "&>":
            return Redirect(1, ">", target, both=True)
        return Redirect(descriptor, ">" if operator.text == ">|" else operator.text, target)

    def _simple(self) -> Simple:
        assignments, words, redirects = [], list[Word](), []
        while True:
            token = self._peek()
            if isinstance(token, Word):
                self._at += 1
                check(token)
                assignment = None if words else _assignment(token)
                if assignment is None:
                    words.append(token)
                else:
                    assignments.append(assignment)
            elif token.text in _REDIRECTS:
                redirects.append(self._redirect())
            elif token.text == "<<":
                raise ShellSyntaxError("syntax error: here-documents are not part of the simulated shell")
            else:
                break
        if not (assignments or words or redirects) or self._operator() == "(":
            raise self._unexpected()
        return Simple(tuple(assignments), tuple(words), tuple(redirects))


def _assignment(word: Word) -> tuple[str, Word] | None:
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Literal) or first.quoted or not (match := _ASSIGNMENT.match(first.text)):
        return None
    rest = first.text[match.end() :]
    parts = (Literal(rest, quoted=False), *word.parts[1:]) if rest else word.parts[1:]
    plain = None if word.plain is None else word.plain[match.end() :]
    return match[1], Word(parts, plain, word.quoted)


def check(word: Word) -> None:
    """Raises ShellSyntaxError for a substitution, anywhere in the word, that is no script."""
    if word.plain is not None:
        return
    for part in word.parts:
        match part:
            case Substitution(source):
                parse(source)
            case Parameter(word=Word() as inner):
                check(inner)
            case Literal() | Parameter() | Arithmetic():
                pass
