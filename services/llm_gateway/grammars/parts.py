"""The parts of an answer: what is marked as thinking, what is marked as the answer, and what is not marked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

_MAX_THINKING: Final = 4_000
_TAG = re.compile(
    r"<(?P<shut>/?)(?P<name>think(?:ing)?|thoughts?|reasoning|answer|tool_call)>|<\|(?P<box>begin|end)_of_box\|>",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"<\|[^|<>\n]{1,40}\|>")
_MARKS: Final = " \t\r\n*`[{("
_LABEL = re.compile(r"(?:```[a-z]*|(?:^|\n)[ *#]*(?:final |next )?(?:action|answer)[ *]*[:：])$", re.IGNORECASE)
_LABEL_CHARS: Final = 40
_BEGUN_TAG = re.compile(r"<[/|]?[A-Za-z_]{0,12}$")
_ANSWERS: Final = frozenset({"answer", "tool_call"})


@dataclass(frozen=True)
class Part:
    """A part of an answer outside of what is marked as thinking, without special tokens; `before` is what stands before
    it. `tagged`: it is marked as the answer itself; `sealed`: and ends with its mark. `thinking`: it begins as
    thinking, and nothing says where that ends."""

    text: str
    before: str
    tagged: bool = False
    sealed: bool = False
    thinking: bool = False


@dataclass(frozen=True)
class _Tag:
    name: str
    shuts: bool
    start: int
    end: int

    @property
    def answers(self) -> bool:
        return self.name in _ANSWERS


def parts(text: str) -> list[Part]:
    """The parts outside of thinking, in order.

    A closing tag of thinking that nobody opened makes all before it thinking, where something follows. Thinking that is
    never closed holds the answer, where nothing else does.
    """
    found: list[Part] = []
    at, thinking, tagged = 0, -1, False
    text = _BEGUN_TAG.sub("", text)
    tags = _tags(text)
    for tag in tags:
        if thinking >= 0:
            if tag.shuts and not tag.answers:
                at, thinking = tag.end, -1
            continue
        part = _part(text, at, tag.start, tagged=tagged, sealed=tagged and tag.answers and tag.shuts)
        at = tag.end
        if tag.answers:
            found.append(part)
            tagged = not tag.shuts
        elif not tag.shuts:
            found.append(part)
            thinking, tagged = tag.start, False
        elif text[tag.end :].strip():
            found.clear()
    if thinking < 0:
        found.append(_part(text, at, len(text), tagged=tagged))
    elif not any(part.text.strip() for part in found):
        found = [_within_thinking(text, thinking, tags)]
    return [part for part in found if part.text.strip()]


def plain(text: str) -> str:
    """Thinking as it is kept: without tags and marks around what follows it, its end where it is long."""
    clean = _TOKEN.sub("", _TAG.sub("", text)).strip().rstrip(_MARKS)
    if (label := _LABEL.search(clean[-_LABEL_CHARS:])) is not None:
        clean = clean[: len(clean) - len(label.group())].rstrip(_MARKS)
    return clean if len(clean) <= _MAX_THINKING else f"…{clean[1 - _MAX_THINKING :]}"


def _part(text: str, start: int, end: int, *, tagged: bool = False, sealed: bool = False) -> Part:
    return Part(_TOKEN.sub("", text[start:end]), text[:start], tagged, sealed)


def _within_thinking(text: str, start: int, tags: list[_Tag]) -> Part:
    """The answer in thinking that does not end: what is marked as one last, else whatever stands there."""
    marks = [tag for tag in tags if tag.start > start and tag.answers]
    begun = next((tag for tag in reversed(marks) if not tag.shuts), None)
    if begun is None:
        return replace(_part(text, start, len(text)), thinking=True)
    shut = next((tag for tag in marks if tag.start > begun.start), None)
    return _part(text, begun.end, shut.start if shut else len(text), tagged=True, sealed=shut is not None)


def _tags(text: str) -> list[_Tag]:
    return [
        _Tag((tag["name"] or "answer").lower(), tag["shut"] == "/" or tag["box"] == "end", tag.start(), tag.end())
        for tag in _TAG.finditer(text)
    ]
