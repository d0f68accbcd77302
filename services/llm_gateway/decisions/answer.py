"""What a model's answer means: gestures of the very screen that was asked about, in an order, and texts for its fields.

An answer can do nothing else, whatever it says: what it names is looked up among the elements of the question, and what
is not found there is dropped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from contracts.values import ActionType, Gesture
from services.llm_gateway.decisions.asking import Answer, MalformedAnswerError
from services.llm_gateway.grammars.literals import objects

MAX_TEXT_CHARS: Final = 200
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_ID_KEYS: Final = ("id", "n", "number", "element", "gesture_id")
_TEXT_KEYS: Final = ("text", "value")


def parse_answer(text: str, listed: Sequence[Gesture]) -> Answer:
    """Reads an answer about `listed`, which the question numbered from 1: gesture ids in `order`, the most useful
    first, and `texts` by gesture id. Raises `MalformedAnswerError`.

    Dropped is what names no element (unknown_element) or one again (repeated_element), and texts that cannot be typed
    (text_for_no_field, text_not_a_text, text_too_long).

    Of several objects the last that has `order` or `texts` counts: models think before they answer.
    """
    answers = [found for found in objects(_THOUGHT.sub(" ", text)) if "order" in found or "texts" in found]
    if not answers:
        raise MalformedAnswerError("it holds no JSON object with `order` or `texts`")
    reading = _Reading(listed)
    named = _entries(answers[-1].get("order"))
    order = reading.order(named)
    texts = reading.texts(_pairs(answers[-1].get("texts")))
    if reading.dropped["unknown_element"] and not order and not texts:
        raise MalformedAnswerError("none of the elements that it names was listed")
    return Answer(order, texts, {why: count for why, count in sorted(reading.dropped.items()) if count})


class _Reading:
    """Looks up elements by their number or id, and counts what had to be dropped."""

    def __init__(self, listed: Sequence[Gesture]) -> None:
        self._by_name = {str(number): gesture for number, gesture in enumerate(listed, 1)}
        self._by_name |= {gesture.gesture_id: gesture for gesture in listed}
        self.dropped: Counter[str] = Counter()

    def order(self, named: Sequence[Any]) -> tuple[str, ...]:
        order: dict[str, None] = {}
        for name in named:
            gesture = self._find(name)
            if gesture is not None and gesture.gesture_id in order:
                self.dropped["repeated_element"] += 1
            elif gesture is not None:
                order[gesture.gesture_id] = None
        return tuple(order)

    def texts(self, pairs: Sequence[tuple[Any, Any]]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, text in pairs:
            gesture = self._find(name)
            if gesture is None:
                continue
            if gesture.action_type is not ActionType.INPUT:
                self.dropped["text_for_no_field"] += 1
            elif (clean := self._clean(text)) is not None:
                texts[gesture.gesture_id] = clean
        return texts

    def _find(self, name: Any) -> Gesture | None:
        found = None
        if isinstance(name, str):
            found = self._by_name.get(name.strip().strip("#[]").removesuffix(".0"))
        if found is None:
            self.dropped["unknown_element"] += 1
        return found

    def _clean(self, text: Any) -> str | None:
        """One line of printable text; None for what is none."""
        if not isinstance(text, str):
            self.dropped["text_not_a_text"] += 1
            return None
        clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if not clean:
            self.dropped["text_not_a_text"] += 1
            return None
        if len(clean) > MAX_TEXT_CHARS:
            self.dropped["text_too_long"] += 1
            return None
        return clean


def _entries(order: Any) -> list[Any]:
    """The names in `order`: a list of them, or of objects that have one. Raises `MalformedAnswerError`."""
    match order:
        case None:
            return []
        case list():
            return [_first(entry, _ID_KEYS) if isinstance(entry, dict) else entry for entry in order]
        case _:
            raise MalformedAnswerError("`order` is not a list")


def _pairs(texts: Any) -> list[tuple[Any, Any]]:
    """Name and text: of an object by name, or of a list of objects. Raises `MalformedAnswerError`."""
    match texts:
        case None:
            return []
        case dict():
            return list(texts.items())
        case list():
            entries = [entry for entry in texts if isinstance(entry, dict)]
            return [(_first(entry, _ID_KEYS), _first(entry, _TEXT_KEYS)) for entry in entries]
        case _:
            raise MalformedAnswerError("`texts` is not an object")


def _first(entry: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((entry[key] for key in keys if key in entry), None)
