"""What a run knows of its task in plain language: its turns, its notes, whom and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    ApiCallTaken,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunEnding,
    RunNoted,
    RunPaused,
    RunResumed,
    RunUsage,
    ScreenAsked,
    StepFinished,
    TurnRequested,
    TurnTaken,
)
from contracts.values import AnyIntent, TurnRead
from services.orchestrator.decisions.tasking.replies import quoted, words_of_answer, words_of_call

PLATFORM = "waymark"
"""Who pauses a run that waits for a person or a model."""
TURNS_KEPT = 1_000
"""Turns whose whole is kept; more steps than a script may have."""
NOTES_KEPT = 200


@dataclass(frozen=True)
class Turn:
    """One turn: what the run made of the answer, the last action that followed, and what came of it.

    `action` and `finished` are none where nothing was done: it was refused, misread, only noted, or it is to come.
    `before` is the screen that the model was asked about, `after` the one that it was asked about next.
    """

    taken: TurnTaken
    action: ActionRequested | None = None
    finished: StepFinished | None = None
    before: ScreenAsked | None = None
    after: ScreenAsked | None = None
    actions: int = 0
    """How many actions it took: a wait is made of several looks."""
    called: bool = False
    """Whether it made an HTTP call."""
    person: PersonAnswered | None = None
    """What a person said to it, where they were asked to agree."""

    @property
    def read(self) -> TurnRead | None:
        """The whole answer; none where there was none, or where its key was erased."""
        return read_of(self.taken)

    @property
    def intent(self) -> AnyIntent | None:
        read = self.read
        return None if read is None else read.intent

    @property
    def is_done(self) -> bool:
        """Whether the phone did what the model wanted."""
        return self.finished is not None and self.finished.succeeded


@dataclass(frozen=True)
class TaskProgress:
    """Folded from the run's events. `asked`: the model is being asked; `api`: an HTTP call is under way; `person`: the
    run waits for somebody; `away`: the model is asked again later."""

    turns: tuple[Turn, ...] = ()
    """Oldest first, the last `TURNS_KEPT`."""
    count: int = 0
    """Turns so far, those included that are kept no more."""
    notes: tuple[NoteKept, ...] = ()
    asked: TurnRequested | None = None
    screen: ScreenAsked | None = None
    """The last screen that the model was asked about."""
    api: ApiCallRequested | None = None
    person: PersonAsked | None = None
    away: ModelAwaited | None = None
    tries: int = 0
    """Times in a row that the model did not answer."""
    away_reason: str = ""
    held: bool = False
    """Whether the platform has told that the run is paused."""
    paused: RunPaused | None = None
    """That somebody has paused the run."""
    stale: bool = True
    """Whether the screen has to be looked at before the model is asked: at the beginning, and after any waiting."""
    told: tuple[str, ...] = ()
    """What the model is told in the next turn."""
    since: int = 0
    """Turns before this number do not count as going round in circles: a person has helped since."""
    usage: RunUsage = field(default_factory=RunUsage)

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    @property
    def waiting(self) -> Literal["TURN", "API", "PERSON", "MODEL"] | None:
        if self.asked is not None:
            return "TURN"
        if self.api is not None:
            return "API"
        if self.person is not None:
            return "PERSON"
        return None if self.away is None else "MODEL"


def read_of(taken: TurnTaken) -> TurnRead | None:
    if taken.read is None or taken.read.clear is None:
        return None
    return TurnRead.model_validate(taken.read.clear)


def apply(progress: TaskProgress, event: Event) -> TaskProgress:
    """The progress after an event of the run; most events change nothing."""
    match event:
        case TurnRequested():
            return _asked(progress, event)
        case TurnTaken():
            return _taken(progress, event)
        case ActionRequested():
            return _acted(progress, event)
        case StepFinished(turn=int() as turn):
            return _with_turn(progress, turn, finished=event)
        case NoteKept():
            return replace(progress, notes=(*progress.notes, event)[-NOTES_KEPT:])
        case ApiCallRequested(turn=turn):
            return replace(_with_turn(progress, turn, called=True), api=event)
        case ApiCallTaken():
            return replace(progress, api=None, stale=True, told=(*progress.told, words_of_call(event)))
        case PersonAsked():
            return replace(progress, person=event, stale=True)
        case PersonAnswered():
            return _answered(progress, event)
        case ModelAwaited():
            return replace(progress, away=event, tries=event.tries, away_reason=event.reason, stale=True)
        case RunPaused(by=by):
            return replace(progress, held=True) if by == PLATFORM else replace(progress, paused=event, stale=True)
        case RunResumed(by=by):
            progress = replace(progress, held=False, away=None, stale=True)
            return progress if by == PLATFORM else replace(progress, paused=None)
        case RunNoted(detail={"what": "crash" | "crash elsewhere", "exception": exception}):
            return replace(progress, told=(*progress.told, f"An app crashed: {quoted(exception)}"))
        case RunEnding():
            return replace(progress, asked=None, api=None, person=None, away=None)
        case _:
            return progress


def _asked(progress: TaskProgress, event: TurnRequested) -> TaskProgress:
    return replace(shown(progress, event.screen), asked=event, screen=event.screen, stale=False, away=None)


def shown(progress: TaskProgress, screen: ScreenAsked) -> TaskProgress:
    """The same, where the last turn is known to have led to this screen."""
    last = progress.last
    if last is None or last.after is not None:
        return progress
    return replace(progress, turns=(*progress.turns[:-1], replace(last, after=screen)))


def _taken(progress: TaskProgress, event: TurnTaken) -> TaskProgress:
    turn = Turn(event, before=progress.screen)
    usage = progress.usage
    usage = RunUsage(
        turns=usage.turns + int(event.verdict != "AWAY"),
        prompt_tokens=usage.prompt_tokens + event.prompt_tokens,
        completion_tokens=usage.completion_tokens + event.completion_tokens,
        cost=str(Decimal(usage.cost) + Decimal(event.cost)),
        model_ms=usage.model_ms + event.latency_ms,
    )
    is_away = event.verdict == "AWAY"
    told = progress.told if is_away else ()
    if event.verdict in {"REFUSE", "MISREAD"}:
        told = (f"Your last answer was not followed: {event.reason}",)
    return replace(
        progress,
        turns=(*progress.turns, turn)[-TURNS_KEPT:],
        count=event.turn,
        asked=None,
        tries=progress.tries if is_away else 0,
        told=told,
        stale=progress.stale or event.verdict == "MISREAD",
        usage=usage,
    )


def _acted(progress: TaskProgress, event: ActionRequested) -> TaskProgress:
    progress = replace(progress, stale=True, away=None)
    if event.turn is None:
        return progress
    last = progress.last
    before = 0 if last is None or last.taken.turn != event.turn else last.actions
    return _with_turn(progress, event.turn, action=event, actions=before + 1)


def _answered(progress: TaskProgress, event: PersonAnswered) -> TaskProgress:
    asked = progress.person
    if asked is None or asked.ask_id != event.ask_id:
        return progress
    has_helped = event.verdict not in {"DENIED", "TIMED_OUT"}
    since = progress.count if has_helped else progress.since
    progress = replace(progress, person=None, away=None, stale=True, since=since)
    progress = replace(progress, told=(*progress.told, words_of_answer(asked, event)))
    return _with_turn(progress, asked.turn, person=event) if asked.question == "CONFIRM" else progress


def _with_turn(progress: TaskProgress, turn: int, **changes: Any) -> TaskProgress:
    """The turn of this number, changed; it is one of the last."""
    at = len(progress.turns) - 1
    while at >= 0 and progress.turns[at].taken.turn != turn:
        at -= 1
    if at < 0:
        return progress
    changed = replace(progress.turns[at], **changes)
    return replace(progress, turns=(*progress.turns[:at], changed, *progress.turns[at + 1 :]))
