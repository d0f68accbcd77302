"""The state of a run: the graph of states that it has seen, what it tried in each, and what it is waiting for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    AdviceTaken,
    PlanPending,
    RunEnding,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    RunStarted,
    StateAdded,
    StepFinished,
    WatchSet,
)
from contracts.values import ActionType, Gesture
from services.runtime.log import Recorded

BACK = "back"
WAIT = "wait"
"""Gestures that every state has: the back key, and just looking again."""


@dataclass(frozen=True)
class UiState:
    """A node of the UI transition graph. `tried` counts tries by gesture; `targets` is where each led last."""

    state_id: str
    screen_id: UUID
    screen_name: str
    package: str
    activity: str | None
    inside: bool
    gestures: tuple[Gesture, ...]
    tried: Mapping[str, int] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)
    """How often a gesture led elsewhere than the time before."""
    came_from: str | None = None
    """The state before it, when it was seen for the first time."""
    sprung: bool = False
    """Whether it came of a tap or a text on the same screen: what did nothing before may do something now."""


@dataclass(frozen=True)
class Place:
    """A gesture on a screen, in whichever of its states. `screens` are those it led to, `last` the state it led to
    last, `news` counts the new states among them."""

    tries: int = 0
    moved: bool = False
    screens: frozenset[UUID] = frozenset()
    last: str | None = None
    news: int = 0


NOT_TRIED = Place()

Kind = Literal["BACK", "WAIT", "MOVED", "IDLE", "WOKEN"]
"""Kinds of tries that are repeated: the two keys on further screens; gestures that led elsewhere, that did nothing, and
that did nothing before something was set on their screen."""


@dataclass(frozen=True)
class Luck:
    """How many tries of a kind there were in a run, and how many of them showed something new."""

    tries: int = 0
    news: int = 0


def kind_of(state: UiState, gesture_id: str, place: Place) -> Kind | None:
    """What kind of repetition a gesture would be in a state in which it was not tried; None: it is the first try."""
    if gesture_id == BACK:
        return "BACK"
    if gesture_id == WAIT:
        return "WAIT"
    if place.tries == 0:
        return None
    if place.moved:
        return "MOVED"
    return "WOKEN" if state.sprung else "IDLE"


def kin_of(gesture: Gesture) -> str:
    """Gestures of one screen that are likely to do the same: those on equal parts of the rows of a list."""
    name = gesture.resource_id or gesture.gesture_id
    return f"{name}|{gesture.action_type}|{gesture.press}|{gesture.direction or ''}"


@dataclass(frozen=True)
class Run:
    """Folded from the events of a run. `action` is the one under way; `waiting` says what the run waits for."""

    started: RunStarted | None = None
    states: Mapping[str, UiState] = field(default_factory=dict)
    screens: Mapping[UUID, int] = field(default_factory=dict)
    """Screens of the app under test, with the number of their states."""
    places: Mapping[UUID, Mapping[str, Place]] = field(default_factory=dict)
    """By screen and gesture."""
    barren: Mapping[tuple[UUID, str], int] = field(default_factory=dict)
    """How many gestures of a kin on a screen were tried since the last one that showed a new screen."""
    luck: Mapping[Kind, Luck] = field(default_factory=dict)
    """What trying again brought so far."""
    current: str | None = None
    entry: str | None = None
    action: ActionRequested | None = None
    plan: PlanPending | None = None
    call: AdviceRequested | None = None
    ending: RunEnding | None = None
    finished: RunFinished | None = None
    paused: bool = False
    watch_at: datetime | None = None
    sequence: int = 0
    succeeded: int = 0
    unseen: int = 0
    """Steps in a row after which nothing was seen."""
    outside: int = 0
    """Steps in a row that ended outside the app."""
    restarts: int = 0
    fruitless_restarts: int = 0
    """Restarts since the last state that was new."""
    crashes: int = 0
    crashing: frozenset[tuple[str, str]] = frozenset()
    """(state, gesture) pairs that crashed the app: not tried again."""
    activities: frozenset[str] = frozenset()
    declared: tuple[str, ...] = ()
    checked_screens: frozenset[UUID] = frozenset()
    advised_screens: frozenset[UUID] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    preferred: Mapping[str, int] = field(default_factory=dict)
    tokens: int = 0

    @property
    def packages(self) -> frozenset[str]:
        """Apps that were in front in this run, the one under test included."""
        return frozenset(s.package for s in self.states.values()) | {self.spec_started.app.package}

    @property
    def most_promising(self) -> float:
        """No promise in this run is greater."""
        return 1.0 if not self.preferred and not self.spec_started.spec.coverage.priorities else float("inf")

    @property
    def waiting(self) -> Literal["ACTION", "PLAN", "CALL", "NOTHING"]:
        if self.action is not None:
            return "ACTION"
        if self.plan is not None:
            return "PLAN"
        return "CALL" if self.call is not None else "NOTHING"

    @property
    def spec_started(self) -> RunStarted:
        assert self.started is not None
        return self.started

    @property
    def here(self) -> UiState | None:
        return None if self.current is None else self.states.get(self.current)


def evolve(run: Run, recorded: Recorded[Event]) -> Run:
    return apply(run, recorded.event)


def apply(run: Run, event: Event) -> Run:
    match event:
        case RunStarted():
            return replace(run, started=event, watch_at=event.watch_at)
        case StateAdded():
            return _add_state(run, event)
        case ActionRequested():
            return _request(run, event)
        case StepFinished():
            return _finish_step(run, event)
        case PlanPending():
            return replace(run, plan=event, checked_screens=run.checked_screens | {event.screen_id})
        case AdviceRequested():
            return replace(run, call=event, advised_screens=run.advised_screens | {event.screen_id})
        case AdviceTaken():
            preferred = {g: len(event.order) - i for i, g in enumerate(event.order)}
            return replace(
                run,
                call=None,
                texts={**run.texts, **event.texts},
                preferred={**run.preferred, **preferred},
                tokens=run.tokens + event.tokens,
            )
        case WatchSet():
            return replace(run, watch_at=event.watch_at)
        case RunNoted():
            return _note(run, event)
        case RunPaused():
            return replace(run, paused=True)
        case RunResumed():
            return replace(run, paused=False)
        case RunEnding():
            return replace(run, ending=event, plan=None, call=None)
        case RunFinished():
            return replace(run, finished=event, action=None, plan=None, call=None)
        case _:
            return run


def _add_state(run: Run, event: StateAdded) -> Run:
    state = UiState(
        state_id=event.state_id,
        screen_id=event.screen_id,
        screen_name=event.screen_name,
        package=event.package,
        activity=event.activity,
        inside=event.inside,
        gestures=event.gestures,
        came_from=run.current,
    )
    screens = run.screens
    if event.inside:
        screens = {**screens, event.screen_id: screens.get(event.screen_id, 0) + 1}
    activities = run.activities
    if event.activity is not None and event.package == run.spec_started.app.package:
        activities = activities | {event.activity}
    return replace(
        run,
        states={**run.states, event.state_id: state},
        screens=screens,
        activities=activities,
        fruitless_restarts=0,
    )


def _request(run: Run, event: ActionRequested) -> Run:
    """A gesture counts as tried when it is asked for: its outcome can get lost, and it must not be tried for ever."""
    run = replace(run, action=event, plan=None, call=None, sequence=event.sequence)
    if event.purpose == "LAUNCH":
        run = replace(run, restarts=run.restarts + 1, fruitless_restarts=run.fruitless_restarts + 1)
    if event.state_id is None or event.gesture_id is None or event.state_id not in run.states:
        return run
    state = run.states[event.state_id]
    tried = {**state.tried, event.gesture_id: state.tried.get(event.gesture_id, 0) + 1}
    place = run.places.get(state.screen_id, {}).get(event.gesture_id, NOT_TRIED)
    place = replace(place, tries=place.tries + 1)
    return replace(
        run,
        states={**run.states, state.state_id: replace(state, tried=tried)},
        places=_with_place(run, state.screen_id, event.gesture_id, place),
    )


def _with_place(run: Run, screen_id: UUID, gesture_id: str, place: Place) -> Mapping[UUID, Mapping[str, Place]]:
    return {**run.places, screen_id: {**run.places.get(screen_id, {}), gesture_id: place}}


def _finish_step(run: Run, event: StepFinished) -> Run:
    reached = event.to_state
    target = None if reached is None else run.states.get(reached)
    if event.from_state is not None and event.gesture_id is not None and target is not None:
        run = _learn(run, event, event.from_state, event.gesture_id, target)
    inside = target is not None and target.inside
    return replace(
        run,
        action=None,
        current=reached if reached is not None else run.current,
        entry=reached if event.purpose == "LAUNCH" and inside else run.entry,
        succeeded=run.succeeded + int(event.succeeded),
        unseen=run.unseen + 1 if event.outcome in {"UNSEEN", "FAILED"} else 0,
        outside=0 if inside else run.outside + 1,
    )


def _learn(run: Run, event: StepFinished, source_id: str, gesture_id: str, target: UiState) -> Run:
    """Where the gesture led: an edge of the graph, and what is to be expected of it and its kin on that screen."""
    source = run.states.get(source_id)
    if source is None:
        return run
    place = run.places.get(source.screen_id, {}).get(gesture_id, NOT_TRIED)
    moved = target.state_id != source_id
    luck = _luck(run, event, source, place, target)
    place = replace(
        place,
        moved=place.moved or moved,
        screens=place.screens | {target.screen_id} if moved else place.screens,
        last=target.state_id if moved else place.last,
        news=place.news + int(event.outcome in _NEWS),
    )
    barren = run.barren
    gesture = next((g for g in source.gestures if g.gesture_id == gesture_id), None)
    if gesture is not None:
        kin = (source.screen_id, kin_of(gesture))
        barren = {**barren, kin: 0 if event.outcome == "NEW_SCREEN" else barren.get(kin, 0) + 1}
    states = _with_edge(run.states, source_id, gesture_id, target.state_id)
    if event.outcome == "NEW_STATE" and source.screen_id == target.screen_id and event.action_type in _SETTING:
        states = {**states, target.state_id: replace(target, sprung=True)}
    return replace(
        run,
        states=states,
        places=_with_place(run, source.screen_id, gesture_id, place),
        barren=barren,
        luck=luck,
    )


def _luck(run: Run, event: StepFinished, source: UiState, place: Place, target: UiState) -> Mapping[Kind, Luck]:
    """Counts a gesture that was tried before, but not in this state. A way that is known proves nothing."""
    assert event.gesture_id is not None
    if source.tried.get(event.gesture_id, 0) != 1:
        return run.luck
    kind = kind_of(source, event.gesture_id, replace(place, tries=place.tries - 1))
    if kind is None:
        return run.luck
    luck = run.luck.get(kind, Luck())
    is_news = event.outcome in _NEWS and not (kind == "MOVED" and target.screen_id in place.screens)
    return {**run.luck, kind: Luck(luck.tries + 1, luck.news + int(is_news))}


_NEWS = frozenset({"NEW_SCREEN", "NEW_STATE"})
_SETTING = frozenset({ActionType.CLICK, ActionType.INPUT})


def _with_edge(states: Mapping[str, UiState], source: str, gesture: str, target: str) -> Mapping[str, UiState]:
    state = states.get(source)
    if state is None:
        return states
    missed = state.targets.get(gesture, target) != target
    misses = {**state.misses, gesture: state.misses.get(gesture, 0) + 1} if missed else state.misses
    return {**states, source: replace(state, targets={**state.targets, gesture: target}, misses=misses)}


def _note(run: Run, event: RunNoted) -> Run:
    if event.detail.get("what") == "crash":
        state_id, gesture_id = event.detail.get("state_id"), event.detail.get("gesture_id")
        crashing = run.crashing
        if state_id is not None and gesture_id is not None:
            crashing = crashing | {(state_id, gesture_id)}
        return replace(run, crashes=run.crashes + 1, crashing=crashing)
    if event.detail.get("what") == "no locators to check":
        return replace(run, plan=None)
    if event.detail.get("what") == "declared":
        return replace(run, declared=tuple(event.detail["activities"]))
    return run
