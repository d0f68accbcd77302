"""What a turn is told beside its screen, within bounds: a request does not grow with the length of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.values import AnyIntent, TurnContext, TurnNote

HISTORY: Final = 12
_THINKING_CHARS: Final = 600
_WORDS_CHARS: Final = 600
_TEXT_CHARS: Final = 300
"""Of a text in an intent that is over."""
_EARLIER_CHARS: Final = 4_000
_ONE_CHARS: Final = 4_500
"""Of one note, and of one thing that is told: the answer of an HTTP call fits."""
_ALL_CHARS: Final = 12_000
_LONG_FIELDS: Final = ("text", "instruction", "message", "question", "sensitive", "app")


def bounded(context: TurnContext) -> TurnContext:
    """The same, shortened: of turns the last, of notes and of what is told the newest."""
    return TurnContext(
        history=tuple(_note(note) for note in context.history[-HISTORY:]),
        earlier=_short(context.earlier, _EARLIER_CHARS),
        notes=_newest(context.notes),
        told=_newest(context.told),
    )


def _note(note: TurnNote) -> TurnNote:
    return TurnNote(
        turn=note.turn,
        thinking=_short(note.thinking, _THINKING_CHARS),
        intent=None if note.intent is None else _intent(note.intent),
        did=_short(note.did, _WORDS_CHARS),
        came=_short(note.came, _WORDS_CHARS),
    )


def _intent(intent: AnyIntent) -> AnyIntent:
    values = {name: getattr(intent, name, None) for name in _LONG_FIELDS}
    long = {name: text for name, text in values.items() if isinstance(text, str) and len(text) > _TEXT_CHARS}
    return intent.model_copy(update={name: _short(text, _TEXT_CHARS) for name, text in long.items()})


def _newest(texts: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    size = 0
    for text in reversed(texts):
        short = _short(text, _ONE_CHARS)
        size += len(short)
        if size > _ALL_CHARS:
            break
        kept.append(short)
    return tuple(reversed(kept))


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
