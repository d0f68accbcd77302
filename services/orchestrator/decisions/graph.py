"""The UI transition graph as one run knows it: its states, and what gestures did on its screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from contracts.orchestrator import StepFinished
from contracts.values import ActionType, Gesture, ObjectRef

BACK = "back"
WAIT = "wait"
"""Gestures that every state has: the back key, and just looking again."""
END_CALL: Literal["end_call"] = "end_call"
"""The key that ends or declines a call, made where one is in front."""


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
    screenshot: ObjectRef | None = None
    came_from: str | None = None
    """The state before it, when it was seen for the first time."""
    sprung: bool = False
    """Whether it came of a tap or a text on the same screen: what did nothing before may do something now."""

    @property
    def takes_nothing(self) -> bool:
        """Nothing on it says that it takes a gesture."""
        return all(gesture.guess for gesture in self.gestures)


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
class Rows:
    """What rows of a list led to on their screen: `screens`, and whether two of them led to the same, or one to none.

    The rows of a menu lead to a screen each, those of a list of products all to the same.
    """

    screens: frozenset[UUID] = frozenset()
    alike: bool = False

    @property
    def is_menu(self) -> bool:
        return bool(self.screens) and not self.alike


@dataclass(frozen=True)
class Graph:
    """Everything that was seen and tried. `places` are by screen and gesture; `barren` counts, by screen and kin, the
    gestures since the last one that showed a new screen; `rows` is by screen and group; `luck` is what trying again
    brought so far."""

    states: Mapping[str, UiState] = field(default_factory=dict)
    places: Mapping[UUID, Mapping[str, Place]] = field(default_factory=dict)
    barren: Mapping[tuple[UUID, str], int] = field(default_factory=dict)
    rows: Mapping[tuple[UUID, str], Rows] = field(default_factory=dict)
    luck: Mapping[Kind, Luck] = field(default_factory=dict)

    def place(self, state: UiState, gesture_id: str) -> Place:
        return self.places.get(state.screen_id, {}).get(gesture_id, NOT_TRIED)

    def with_state(self, state: UiState) -> Graph:
        return replace(self, states={**self.states, state.state_id: state})

    def with_place(self, screen_id: UUID, gesture_id: str, place: Place) -> Graph:
        return replace(self, places={**self.places, screen_id: {**self.places.get(screen_id, {}), gesture_id: place}})


def tried(graph: Graph, state_id: str, gesture_id: str) -> Graph:
    """A gesture counts as tried when it is asked for: its outcome can get lost, and it must not be tried for ever."""
    state = graph.states.get(state_id)
    if state is None:
        return graph
    place = graph.place(state, gesture_id)
    tries = {**state.tried, gesture_id: state.tried.get(gesture_id, 0) + 1}
    graph = graph.with_place(state.screen_id, gesture_id, replace(place, tries=place.tries + 1))
    return graph.with_state(replace(state, tried=tries))


def untried(graph: Graph, state_id: str, gesture_id: str) -> Graph:
    """As if a gesture had not been made in this state: it surely did not happen, and can be made in another way."""
    state = graph.states.get(state_id)
    if state is None:
        return graph
    left = {name: tries for name, tries in state.tried.items() if name != gesture_id}
    return graph.with_state(replace(state, tried=left))


def learnt(graph: Graph, step: StepFinished) -> Graph:
    """Where a gesture led: an edge of the graph, and what is to be expected of it and its kin on that screen."""
    source, target = graph.states.get(step.from_state or ""), graph.states.get(step.to_state or "")
    if source is None or target is None or step.gesture_id is None:
        return graph
    place = graph.place(source, step.gesture_id)
    gesture = next((g for g in source.gestures if g.gesture_id == step.gesture_id), None)
    luck, barren = _luck(graph, step, source, target), _barren(graph, step, source, gesture)
    rows = _rows(graph, source, target, gesture) if place.tries == 1 else graph.rows
    moved = target.state_id != source.state_id
    place = replace(
        place,
        moved=place.moved or moved,
        screens=place.screens | {target.screen_id} if moved else place.screens,
        last=target.state_id if moved else place.last,
        news=place.news + int(step.outcome in NEWS),
    )
    graph = replace(graph, luck=luck, barren=barren, rows=rows).with_place(source.screen_id, step.gesture_id, place)
    graph = graph.with_state(_with_edge(source, step.gesture_id, target.state_id))
    if step.outcome == "NEW_STATE" and source.screen_id == target.screen_id and step.action_type in _SETTING:
        graph = graph.with_state(replace(target, sprung=True))
    return graph


def _luck(graph: Graph, step: StepFinished, source: UiState, target: UiState) -> Mapping[Kind, Luck]:
    """Counts a gesture that was tried before, but not in this state. A way that is known proves nothing."""
    assert step.gesture_id is not None
    place = graph.place(source, step.gesture_id)
    kind = kind_of(source, step.gesture_id, replace(place, tries=place.tries - 1))
    if kind is None or source.tried.get(step.gesture_id, 0) != 1:
        return graph.luck
    luck = graph.luck.get(kind, Luck())
    is_news = step.outcome in NEWS and not (kind == "MOVED" and target.screen_id in place.screens)
    return {**graph.luck, kind: Luck(luck.tries + 1, luck.news + int(is_news))}


def _rows(graph: Graph, source: UiState, target: UiState, gesture: Gesture | None) -> Mapping[tuple[UUID, str], Rows]:
    if gesture is None or gesture.group is None:
        return graph.rows
    key = (source.screen_id, gesture.group)
    rows = graph.rows.get(key, Rows())
    alike = rows.alike or target.screen_id in rows.screens or target.screen_id == source.screen_id
    return {**graph.rows, key: Rows(rows.screens | {target.screen_id}, alike)}


def _barren(
    graph: Graph, step: StepFinished, source: UiState, gesture: Gesture | None
) -> Mapping[tuple[UUID, str], int]:
    if gesture is None:
        return graph.barren
    kin = (source.screen_id, kin_of(gesture))
    return {**graph.barren, kin: 0 if step.outcome == "NEW_SCREEN" else graph.barren.get(kin, 0) + 1}


def _with_edge(state: UiState, gesture_id: str, target: str) -> UiState:
    missed = state.targets.get(gesture_id, target) != target
    misses = {**state.misses, gesture_id: state.misses.get(gesture_id, 0) + 1} if missed else state.misses
    return replace(state, targets={**state.targets, gesture_id: target}, misses=misses)


NEWS = frozenset({"NEW_SCREEN", "NEW_STATE"})
_SETTING = frozenset({ActionType.CLICK, ActionType.INPUT})
