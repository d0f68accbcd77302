"""What a turn is asked with: the last turns whole, those before in one text, notes, and what has to be said now."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.orchestrator import NoteKept
from contracts.values import AccountRef, AnyIntent, SwipeTo, TapAt, TurnContext, TurnNote, TypeText
from services.orchestrator.decisions.tasking.state import TaskProgress, Turn
from services.orchestrator.decisions.tasking.wording import came_of

HISTORY = 12
"""Turns that a model is told of one by one."""
EARLIER_CHARS = 2_500
NOTES_CHARS = 12_000
TOLD_CHARS = 4_500
_THINKING_CHARS = 600
_TYPED_CHARS = 300
_LINE_CHARS = 160
_AN_ANSWER = "an answer"
"""What a turn is called in which nobody knows what was wanted."""


def context_of(progress: TaskProgress, account: AccountRef | None, warning: str | None = None) -> TurnContext:
    """The context of the next turn. `warning`: that the task goes round in circles."""
    turns = [turn for turn in progress.turns if turn.taken.verdict != "AWAY"]
    history, before = turns[-HISTORY:], turns[:-HISTORY]
    told = [*progress.told, *([] if warning is None else [warning]), *_account(account)]
    return TurnContext(
        history=tuple(_note(turn) for turn in history),
        earlier=summary(before),
        notes=tuple(newest(progress.notes).values()),
        told=tuple(text[:TOLD_CHARS] for text in told),
    )


def summary(turns: Sequence[Turn]) -> str:
    """Turns in one text, a line each; the oldest are only counted where there is no room for all."""
    lines: list[str] = []
    room = EARLIER_CHARS
    for turn in reversed(turns):
        line = f"{turn.taken.turn}. {turn.taken.words or _AN_ANSWER}: {came_of(turn)}"[:_LINE_CHARS]
        if len(line) + 1 > room:
            break
        lines.append(line)
        room -= len(line) + 1
    left_out = len(turns) - len(lines)
    if left_out:
        lines.append(f"({left_out} turns before that are left out)")
    return "\n".join(reversed(lines))


def _note(turn: Turn) -> TurnNote:
    read = turn.read
    return TurnNote(
        turn=turn.taken.turn,
        thinking="" if read is None else read.thinking[:_THINKING_CHARS],
        intent=None if read is None or read.intent is None else _bare(read.intent),
        did=turn.taken.words or _AN_ANSWER,
        came=came_of(turn),
    )


def _bare(intent: AnyIntent) -> AnyIntent:
    """Without the element, and without the most of a long text."""
    match intent:
        case TapAt():
            return intent.model_copy(update={"element": None})
        case TypeText(text=text):
            return intent.model_copy(update={"element": None, "text": text[:_TYPED_CHARS]})
        case SwipeTo():
            return intent.model_copy(update={"within": None})
        case _:
            return intent


def newest(notes: Sequence[NoteKept]) -> dict[int, str]:
    """Notes in words, by turn: the newest, as far as there is room."""
    kept: dict[int, str] = {}
    room = NOTES_CHARS
    for note in reversed(notes):
        text = _note_words(note)
        if len(text) > room:
            break
        kept[note.turn] = text
        room -= len(text)
    return dict(sorted(kept.items()))


def _note_words(note: NoteKept) -> str:
    text = "[erased]" if note.text.clear is None else note.text.clear
    where = ", ".join(part for part in (note.app, note.screen_name) if part)
    return f"{text} ({where})" if where else text


def _account(account: AccountRef | None) -> list[str]:
    """A test account is told by the names of its fields: what they hold is put in by the platform."""
    if account is None:
        return []
    names = ", ".join(f"{{{{account.{name}}}}}" for name in (*account.fields, *account.secrets))
    return [f"There is a test account for this task. Type these as they are, they are filled in for you: {names}"]
