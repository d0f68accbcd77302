"""Whether a task goes round in circles. First the model is told, then a person is asked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.values import AnyIntent, ElementSeen, LaunchApp, Press, SwipeTo, TapAt, TypeText, WaitFor
from services.orchestrator.decisions.tasking.acting import element_of
from services.orchestrator.decisions.tasking.state import TaskProgress, Turn
from services.orchestrator.decisions.tasking.wording import is_fruitless

SAME_TOLD, SAME_ASKED = 3, 5
"""The same action on the very same content of a screen: so often, and the model is told; a person is asked."""
ALIKE_TOLD, ALIKE_ASKED = 6, 12
"""The same action on a screen that is the same but for its texts: a number may be counted up that way."""
FRUITLESS_TOLD, FRUITLESS_ASKED = 3, 6
"""Actions in a row after which nothing had happened."""
CYCLES_TOLD, CYCLES_ASKED = 2, 4
"""Rounds of a cycle of two to four screens with the same actions and the very same content."""
ROUNDS_TOLD, ROUNDS_ASKED = 5, 10
"""The same where the texts of the screens differ: a feed may be gone through that way."""
LONGEST_CYCLE = 4
WINDOW = 30
"""Turns that are looked at."""
MISREADS_TOLD, MISREADS_ASKED = 2, 5
"""Answers in a row that could not be understood."""
REFUSALS_TOLD, REFUSALS_ASKED = 2, 3
"""Refusals in a row by the same rule."""
WAITS_TOLD, WAITS_ASKED = 4, 8
"""Waits in a row."""
IDLE_TOLD, IDLE_ASKED = 5, 10
"""Turns in a row in which nothing was done on the phone."""
_NAMED = 3

Key = tuple[object, ...]
Kind = Literal["REFUSED", "MISREAD", "SAME", "ALIKE", "CYCLE", "FRUITLESS", "WAITING", "IDLE"]


@dataclass(frozen=True)
class Loop:
    """`asks`: the model was told and goes on; a person is needed. `words` say what was done, to both of
    them; `warning` is what the model is told."""

    kind: Kind
    count: int
    asks: bool
    words: str

    @property
    def warning(self) -> str:
        return f"You are getting nowhere: {self.words}. Do something else than before"


def going_round(progress: TaskProgress) -> Loop | None:
    """What the last turns have in common that leads nowhere; what needs a person first. None: the task gets on."""
    turns = [t for t in progress.turns[-WINDOW:] if t.taken.turn > progress.since and t.taken.verdict != "AWAY"]
    if not turns:
        return None
    found = [loop for look in _LOOKS if (loop := look(turns)) is not None]
    return next((loop for loop in found if loop.asks), found[0] if found else None)


def action_key(turn: Turn) -> Key | None:
    return None if turn.intent is None else key_of(turn.intent)


def key_of(intent: AnyIntent) -> Key | None:
    """What is equal for the same action: on the same element, of the same kind, with the same text. None: no action."""
    element = element_of(intent)
    match intent:
        case TapAt(press=press, point=point):
            return ("TAP", press, *_element(element, (point.x, point.y)))
        case TypeText(text=text):
            return ("TYPE", text, *_element(element, ()))
        case SwipeTo(direction=direction):
            return ("SWIPE", direction, *_element(element, ()))
        case LaunchApp(app=app):
            return ("LAUNCH", app)
        case Press(key=key):
            return ("PRESS", key)
        case _:
            return None


def _element(element: ElementSeen | None, otherwise: tuple[int, ...]) -> Key:
    if element is None:
        return otherwise
    named = (element.element_type, element.resource_id, element.label, element.beside)
    return (*named, element.bounds.x, element.bounds.y)


def _state(turn: Turn) -> str | None:
    return None if turn.before is None else turn.before.state_id


def _content(turn: Turn) -> Key:
    before = turn.before
    if before is None:
        return ()
    shown = before.hierarchy or before.screenshot
    return (before.state_id, None if shown is None else shown.sha256)


def _in_a_row(turns: Sequence[Turn], holds: Callable[[Turn], bool]) -> int:
    count = 0
    for turn in reversed(turns):
        if not holds(turn):
            break
        count += 1
    return count


def _loop(kind: Kind, count: int, told: int, asked: int, words: str) -> Loop | None:
    return Loop(kind, count, count >= asked, words) if count >= told else None


def _refused(turns: Sequence[Turn]) -> Loop | None:
    rule = _against(turns[-1])
    if rule in {None, "PAUSED"}:
        return None
    count = _in_a_row(turns, lambda t: _against(t) == rule)
    words = f"{count} times in a row what was wanted is not allowed ({turns[-1].taken.reason})"
    return _loop("REFUSED", count, REFUSALS_TOLD, REFUSALS_ASKED, words)


def _against(turn: Turn) -> str | None:
    """Which rule was against it; a person who did not agree, or did not answer, is one."""
    denied = turn.person is not None and turn.person.verdict == "DENIED"
    return "DENIED" if denied else turn.taken.rule


def _misread(turns: Sequence[Turn]) -> Loop | None:
    count = _in_a_row(turns, lambda t: t.taken.verdict == "MISREAD")
    words = f"{count} answers in a row could not be understood"
    return _loop("MISREAD", count, MISREADS_TOLD, MISREADS_ASKED, words)


def _same(turns: Sequence[Turn]) -> Loop | None:
    last = turns[-1]
    key = action_key(last)
    if key is None or last.action is None:
        return None
    same = [t for t in turns if t.action is not None and action_key(t) == key]
    exact = sum(_content(t) == _content(last) for t in same)
    words = f"{exact} times the same was done on the same screen: {last.taken.words}"
    if (loop := _loop("SAME", exact, SAME_TOLD, SAME_ASKED, words)) is not None:
        return loop
    if isinstance(last.intent, SwipeTo):
        return None  # A long list is one screen, whatever part of it is in sight.
    alike = _in_a_row(turns, lambda t: action_key(t) == key and _state(t) == _state(last))
    words = f"{alike} times in a row the same was done on the same screen: {last.taken.words}"
    return _loop("ALIKE", alike, ALIKE_TOLD, ALIKE_ASKED, words)


def _cycle(turns: Sequence[Turn]) -> Loop | None:
    made = [t for t in turns if t.action is not None]
    for period in range(2, LONGEST_CYCLE + 1):
        names = ", ".join(t.taken.words for t in made[-period:])
        exact = _rounds([(_content(t), action_key(t)) for t in made], period)
        if (loop := _loop("CYCLE", exact, CYCLES_TOLD, CYCLES_ASKED, _round_words(exact, names))) is not None:
            return loop
        alike = _rounds([(_state(t), action_key(t)) for t in made], period)
        if (loop := _loop("CYCLE", alike, ROUNDS_TOLD, ROUNDS_ASKED, _round_words(alike, names))) is not None:
            return loop
    return None


def _round_words(rounds: int, names: str) -> str:
    return f"{rounds} times the same round was made: {names}"


def _rounds(made: Sequence[tuple[object, Key | None]], period: int) -> int:
    """How often the last so many steps were made in a row; 0 where they are no round at all."""
    tail = made[-period:]
    if len(set(tail)) < 2 or any(key is None for _, key in tail):
        return 0
    rounds = 1
    while made[-period * (rounds + 1) : -period * rounds] == tail:
        rounds += 1
    return rounds


def _fruitless(turns: Sequence[Turn]) -> Loop | None:
    made = [t for t in turns if t.action is not None and not isinstance(t.intent, WaitFor)]
    count = _in_a_row(made, is_fruitless)
    tried = dict.fromkeys(t.taken.words for t in made[-count:][::-1]) if count else {}
    words = f"{count} actions in a row did nothing ({', '.join(list(tried)[:_NAMED])})"
    return _loop("FRUITLESS", count, FRUITLESS_TOLD, FRUITLESS_ASKED, words)


def _waiting(turns: Sequence[Turn]) -> Loop | None:
    count = _in_a_row(turns, lambda t: isinstance(t.intent, WaitFor))
    return _loop("WAITING", count, WAITS_TOLD, WAITS_ASKED, f"{count} waits in a row")


def _idle(turns: Sequence[Turn]) -> Loop | None:
    count = _in_a_row(turns, lambda t: t.action is None)
    words = f"in {count} turns in a row nothing was done on the phone"
    return _loop("IDLE", count, IDLE_TOLD, IDLE_ASKED, words)


_LOOKS = (_refused, _misread, _same, _cycle, _fruitless, _waiting, _idle)
