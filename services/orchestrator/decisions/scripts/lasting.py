"""Which turns of a task a script is made of: those that did something that lasted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from contracts.orchestrator import PersonAnswered, ScreenAsked, StepFinished, TurnTaken
from contracts.values import ScreenSeen
from contracts.values.intents import (
    AnyIntent,
    CallApi,
    LaunchApp,
    Press,
    SwipeTo,
    TakeNote,
    TapAt,
    TurnRead,
    TypeText,
    WaitFor,
)
from services.orchestrator.decisions.tasking.wording import content_changed

Acting = LaunchApp | TapAt | TypeText | SwipeTo | Press | WaitFor
"""Intents that do something on the phone."""


class TurnDone(Protocol):
    """A turn of a task that is over: what came of its last action, where it had one, the screens before and after it,
    what a person said to it."""

    @property
    def taken(self) -> TurnTaken: ...
    @property
    def finished(self) -> StepFinished | None: ...
    @property
    def before(self) -> ScreenAsked | None: ...
    @property
    def after(self) -> ScreenAsked | None: ...
    @property
    def person(self) -> PersonAnswered | None: ...


@dataclass(frozen=True)
class Act:
    """Something that was done on the phone, and lasted.

    `after`: the screen that the next turn was asked about, `package` the app that was in front then. `size`: width and
    height of the screen in pixels. `by_hand`: what a person did on the phone before it, in the words in which that was
    asked for. `noted`: something was read since the act before it. `confirmed`: a person allowed it. `after_crash`: an
    app has crashed since the act before it.
    """

    turn: int
    intent: Acting
    taken: TurnTaken
    finished: StepFinished
    screen: ScreenSeen | None
    after: ScreenSeen | None = None
    package: str | None = None
    size: tuple[int, int] | None = None
    confirmed: bool = False
    after_crash: bool = False
    by_hand: str | None = None
    noted: bool = False

    @property
    def went_nowhere(self) -> bool:
        return self.finished.from_state == self.finished.to_state


@dataclass(frozen=True)
class Lasting:
    """Acts in a row. `by_hand`: what a person did after the last of them; `left_out` are kinds of turns that no script
    has, such as NOTE."""

    acts: tuple[Act, ...]
    by_hand: str | None = None
    left_out: frozenset[str] = frozenset()


def lasting(turns: Sequence[TurnDone], by_hand: Mapping[int, str], crashed_by: frozenset[int] = frozenset()) -> Lasting:
    """What was refused, not understood, failed, did nothing, crashed an app, or was undone at once is left out.
    `by_hand`: what a person did on the phone after a turn, or instead of it, by its number; `crashed_by`: numbers of
    the actions that crashed an app."""
    acts: list[Act] = []
    pending = by_hand.get(0)  # Before the first turn.
    noted, crashed, left_out = False, False, set()
    screens = [_read(turn).screen for turn in turns]
    for at, turn in enumerate(turns):
        intent = _read(turn).intent
        if isinstance(intent, TakeNote | CallApi) and turn.taken.verdict in {"NOTE", "CALL"}:
            noted = True
            left_out.add(intent.act)
        after = next((screen for screen in screens[at + 1 :] if screen is not None), None)
        act = _act(turn, intent, screens[at], after)
        if act is not None and act.finished.sequence in crashed_by:
            crashed = True
        elif act is not None:
            act = replace(act, by_hand=_moved(acts, act, pending), noted=noted, after_crash=crashed)
            if acts and _undoes(act, acts[-1]):
                undone = acts.pop()
                pending, noted = undone.by_hand, undone.noted
            else:
                if acts and _only_focused(acts[-1], act):
                    focused = acts.pop()
                    act = replace(act, by_hand=focused.by_hand or act.by_hand, after_crash=focused.after_crash)
                acts.append(act)
                pending, noted, crashed = None, False, False
        pending = by_hand.get(turn.taken.turn, pending)
    return Lasting(tuple(acts), pending, frozenset(left_out))


def _act(turn: TurnDone, intent: AnyIntent | None, screen: ScreenSeen | None, after: ScreenSeen | None) -> Act | None:
    """None: the turn did nothing on the phone."""
    if not isinstance(intent, LaunchApp | TapAt | TypeText | SwipeTo | Press | WaitFor):
        return None
    finished, before = turn.finished, turn.before
    if finished is None or not _did_something(intent, finished, content_changed(before, turn.after)):
        return None
    return Act(
        turn=turn.taken.turn,
        intent=intent,
        taken=turn.taken,
        finished=finished,
        screen=screen,
        after=after,
        package=None if turn.after is None else turn.after.package,
        size=None if before is None or not before.width or not before.height else (before.width, before.height),
        confirmed=turn.person is not None and turn.person.verdict == "CONFIRMED",
    )


def _read(turn: TurnDone) -> TurnRead:
    """What the answer meant; nothing where there was none, or where its key was erased."""
    sealed = turn.taken.read
    return TurnRead() if sealed is None or sealed.clear is None else TurnRead.model_validate(sealed.clear)


def _did_something(intent: Acting, finished: StepFinished, changed: bool) -> bool:
    """A text counts although the screen may look the same: it may have been there before. `changed`: what the screen
    says, such as a number that was counted up, or the part of a list that is in sight."""
    if not finished.succeeded or finished.outcome == "FAILED":
        return False
    return finished.outcome != "NOTHING" or changed or isinstance(intent, TypeText)


def _moved(acts: list[Act], act: Act, by_hand: str | None) -> str | None:
    """What a person did counts where the phone shows something else since."""
    stayed = bool(acts) and acts[-1].finished.to_state == act.finished.from_state
    return None if stayed else by_hand


def _only_focused(before: Act, act: Act) -> bool:
    """Whether an act types into a field that it names, and the one before it did no more than touch a field."""
    is_named = isinstance(act.intent, TypeText) and act.intent.element is not None
    if not is_named or not isinstance(before.intent, TapAt) or before.finished.outcome != "NOTHING":
        return False
    touched = before.intent.element
    return touched is not None and (touched.editable or touched.password)


def _undoes(act: Act, before: Act) -> bool:
    """Whether an act leads back to where the one before it came from. Something noted in between was worth the way; a
    text that was typed stays."""
    back = isinstance(act.intent, Press) and act.intent.key == "BACK"
    if not back or act.noted or act.by_hand is not None or isinstance(before.intent, TypeText):
        return False
    there, here = before.finished, act.finished
    return (
        there.from_state is not None
        and not before.went_nowhere
        and (there.from_state, there.to_state)
        == (
            here.to_state,
            here.from_state,
        )
    )
