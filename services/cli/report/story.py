"""From the events of a task in plain language, or of a replay, to its story: a card for each turn or step. Pure.

Pictures are told by where they lie; who draws them fetches them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallTaken,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    RunStarted,
    ScriptDrafted,
    StateAdded,
    StepFinished,
    TurnTaken,
)
from contracts.sealed import Sealed
from contracts.values import AnyIntent, ObjectRef, Observe, Point, TypeText
from services.cli.live.spotlight import places_of
from services.cli.report.task_model import Remark
from services.cli.turns import came_of, drag_of, intent_of, question_of, thinking_of
from services.orchestrator.decisions.trail import words
from services.orchestrator.redacting import error_text, typed
from services.runtime.log import Recorded

OF_TASKS = frozenset({"SETUP", "STEP", "TURN"})
_UNREADABLE = "[sealed, and its key is gone]"


@dataclass
class Card:
    """A card while it is told. `picture`: what was on the screen before."""

    label: str
    at: datetime
    words: str
    picture: ObjectRef | None
    point: Point | None = None
    end: Point | None = None
    screen: str = ""
    verdict: str | None = None
    thinking: str = ""
    typed: str | None = None
    came: str = ""
    done: bool | None = None
    remarks: list[Remark] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    model_ms: int = 0
    attempts: int = 0
    phone_ms: int = 0


@dataclass
class Story:
    """The fold of a run's events."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    script: ScriptDrafted | None = None
    cards: list[Card] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    _shown: ObjectRef | None = None
    _screen: str = ""
    _names: dict[str, str] = field(default_factory=dict)
    _by_turn: dict[int, Card] = field(default_factory=dict)
    _intents: dict[int, AnyIntent | None] = field(default_factory=dict)
    _by_action: dict[UUID, Card] = field(default_factory=dict)

    def take(self, recorded: Recorded[Event], *, reveal: bool) -> None:
        event = recorded.event
        match event:
            case RunStarted():
                self.started = event
            case StateAdded():
                self._names[event.state_id] = event.screen_name
            case TurnTaken():
                self._turn(event, recorded.time, reveal=reveal)
            case ActionRequested():
                self._action(event, recorded.time)
            case StepFinished():
                self._step(event)
            case PersonAsked() | PersonAnswered() | NoteKept() | ApiCallTaken() | ModelAwaited():
                self._beside(event, recorded.time)
            case ScriptDrafted():
                self.script = event
            case RunFinished():
                self.finished = event
            case _:
                pass

    def _turn(self, event: TurnTaken, at: datetime, *, reveal: bool) -> None:
        intent, drag = intent_of(event), drag_of(event)
        card = Card(
            f"turn {event.turn}", at, event.words, event.screenshot, event.point or (drag.start if drag else None),
            drag.end if drag else None, self._screen, event.verdict, thinking_of(event),
            typed(intent) if reveal and isinstance(intent, TypeText) else None,
            prompt_tokens=event.prompt_tokens, completion_tokens=event.completion_tokens, cost=Decimal(event.cost),
            model_ms=event.latency_ms, attempts=event.attempts,
        )  # fmt: skip
        heading = {"MISREAD": "Not understood", "REFUSE": "Refused", "AWAY": "The model did not answer"}.get(
            event.verdict
        )
        if heading is not None:
            card.remarks.append(Remark(heading, error_text(event.reason) or "", "bad"))
        self.cards.append(card)
        self._by_turn[event.turn] = card
        self._intents[event.turn] = intent

    def _action(self, event: ActionRequested, at: datetime) -> None:
        """Steps that no model was asked about: of a script, or of what sets the task up. Looks are no steps."""
        looks_only = isinstance(event.action, Observe) and not event.action.checks
        if event.purpose not in OF_TASKS or event.turn is not None or looks_only:
            return
        point, end = places_of(event.action)
        if event.step is None:
            label, said = f"action {event.sequence}", words(event.action, None, "")
        else:
            label, said = f"step {event.step.number} of {event.step.of}", event.step.words
        if event.purpose == "SETUP":
            label = f"set-up, {label}"
        card = Card(label, at, said, self._shown, point, end, self._screen)
        self.cards.append(card)
        self._by_action[event.action_id] = card

    def _step(self, event: StepFinished) -> None:
        card = self._by_turn.get(event.turn) if event.turn is not None else self._by_action.get(event.action_id)
        self._screen = self._names.get(event.to_state or "", self._screen)
        if card is not None:
            card.done, card.phone_ms = event.succeeded, card.phone_ms + event.duration_ms
            if event.succeeded:
                card.came = came_of(event) + (f": {self._screen}" if self._screen and event.to_state else "")
            else:
                refused = event.error_code == "GUARD"
                heading = "The guard did not hold" if refused else "The phone did not do it"
                why = error_text(event.error_message or event.error_code) or came_of(event)
                card.came = ""
                card.remarks.append(Remark(heading, why, "bad"))
            sighting = event.sighting
            if sighting is not None:
                card.point = sighting.point or card.point
                if sighting.healed_by is not None:
                    card.remarks.append(Remark("Found by another locator", sighting.healed_by.words, "warn"))
                if sighting.score is not None:
                    card.remarks.append(Remark("Guard", f"the screen is alike by {sighting.score}"))
        self._shown = event.screenshot or self._shown

    def _beside(
        self, event: PersonAsked | PersonAnswered | NoteKept | ApiCallTaken | ModelAwaited, at: datetime
    ) -> None:
        turn = None if isinstance(event, PersonAnswered) else event.turn
        card = self._by_turn.get(turn or 0) or (self.cards[-1] if self.cards else None)
        if card is None:
            card = Card("before the first turn", at, "", self._shown)
            self.cards.append(card)
        match event:
            case PersonAsked():
                asked = event.question.replace("_", " ").lower()
                said = question_of(event, self._intents.get(event.turn))
                card.remarks.append(Remark(f"A person is asked ({asked})", said, "warn"))
            case PersonAnswered():
                text = _opened(event.text)
                good = event.verdict in {"CONFIRMED", "DONE", "ANSWERED"}
                by = event.by or "nobody, in time"
                heading = f"{event.verdict.replace('_', ' ').capitalize()} by {by}"
                card.remarks.append(Remark(heading, text, "good" if good else "bad"))
            case NoteKept():
                text = _opened(event.text)
                self.notes.append((event.screen_name or event.app, text))
                card.remarks.append(Remark("Noted", text, "good"))
            case ApiCallTaken():
                text = error_text(event.error_message or event.error_code) or _opened(event.answer)
                status = "" if event.status is None else f", HTTP {event.status}"
                card.remarks.append(Remark(f"Call {event.name}{status}", text, "bad" if event.error_code else "good"))
            case ModelAwaited():
                until = event.until.strftime("%H:%M:%S UTC")
                text = f"{error_text(event.reason)}; asked again at {until}"
                card.remarks.append(Remark(f"The model is away, try {event.tries}", text, "bad"))


def story(events: Sequence[Recorded[Event]], *, reveal: bool = False) -> Story:
    """`reveal`: typed texts are shown, but for those of password fields."""
    told = Story()
    for recorded in events:
        told.take(recorded, reveal=reveal)
    return told


def _opened(field: Sealed[str] | None) -> str:
    return "" if field is None else field.clear or _UNREADABLE
