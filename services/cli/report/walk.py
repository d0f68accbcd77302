"""From the events of a run to its walk: screens in the order they were seen, steps, and transitions between screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import ActionRequested, CrashTraced, RunNoted, StateAdded, StepFinished
from contracts.sealed import Sealed
from contracts.values import (
    Action,
    Await,
    Click,
    Gesture,
    Input,
    Install,
    Navigate,
    Observe,
    PressKey,
    Scroll,
    StartApp,
    Swipe,
    Touch,
    TypeInto,
    Uninstall,
)
from services.cli.report.model import Edge, StepView
from services.runtime.log import Recorded

LABELS_OF_EDGE = 6


@dataclass(frozen=True)
class Seen:
    """A screen as the run met it. `states` counts how many of its states the run saw."""

    number: int
    added: StateAdded
    first_step: int
    is_new: bool
    states: int


@dataclass
class Walk:
    """The fold of a run's events. Screens are numbered from 1 in the order they were seen."""

    screens: dict[UUID, Seen] = field(default_factory=dict)
    steps: list[StepView] = field(default_factory=list)
    edges: dict[tuple[int, int], Edge] = field(default_factory=dict)
    occurrences: dict[UUID, int] = field(default_factory=dict)
    """Crashes, with the step that was under way."""
    traced: dict[str, CrashTraced] = field(default_factory=dict)
    """What the run found out about each crash, by its stack key."""
    _states: dict[str, StateAdded] = field(default_factory=dict)
    _asked: dict[UUID, Recorded[Event]] = field(default_factory=dict)
    _gestures: dict[tuple[str, str], Gesture] = field(default_factory=dict)

    def take(self, recorded: Recorded[Event], *, reveal: bool) -> None:
        event = recorded.event
        match event:
            case StateAdded():
                self._state(event)
            case ActionRequested():
                self._asked[event.action_id] = recorded
            case StepFinished():
                self._step(event, reveal=reveal)
            case CrashTraced():
                self.traced[event.stack_key] = event
            case RunNoted() if "occurrence_id" in event.detail:
                self.occurrences[UUID(event.detail["occurrence_id"])] = int(event.detail.get("sequence", 0))
            case _:
                pass

    def _state(self, added: StateAdded) -> None:
        self._states[added.state_id] = added
        for gesture in added.gestures:
            self._gestures[added.state_id, gesture.gesture_id] = gesture
        seen = self.screens.get(added.screen_id)
        if seen is None:
            step = len(self.steps) + 1
            self.screens[added.screen_id] = Seen(len(self.screens) + 1, added, step, added.inside, 1)
        else:
            self.screens[added.screen_id] = Seen(seen.number, seen.added, seen.first_step, seen.is_new, seen.states + 1)

    def _step(self, step: StepFinished, *, reveal: bool) -> None:
        asked = self._asked.get(step.action_id)
        if asked is None or not isinstance(asked.event, ActionRequested):
            return
        action = asked.event.action
        source, target = self._number(step.from_state), self._number(step.to_state)
        start, end = _points(action)
        view = StepView(
            number=step.sequence,
            at=asked.time,
            purpose=step.purpose,
            action=_action_name(action),
            target=self._target(step, action),
            screen=source,
            to=target,
            outcome=step.outcome,
            duration_ms=step.duration_ms,
            start=start,
            end=end,
            typed=_typed(action) if reveal else None,
        )
        self.steps.append(view)
        if source is not None and target is not None and source != target:
            self._edge(source, target, view)

    def _number(self, state_id: str | None) -> int | None:
        added = None if state_id is None else self._states.get(state_id)
        return None if added is None else self.screens[added.screen_id].number

    def _target(self, step: StepFinished, action: Action) -> str:
        if isinstance(action, Navigate):
            return action.uri or (action.package or "" if action.to in {"LAUNCH", "STOP"} else "")
        if isinstance(action, Observe):
            return f"{len(action.checks)} locators" if action.checks else ""
        if step.step is not None:
            return f"{step.step.words} (step {step.step.number} of {step.step.of})"
        gesture = self._gestures.get((step.from_state or "", step.gesture_id or ""))
        return "" if gesture is None else gesture.label or gesture.resource_id or ""

    def _edge(self, source: int, target: int, step: StepView) -> None:
        label = f"{step.action} {step.target}".strip()
        known = self.edges.get((source, target))
        if known is None:
            discovers = next((s.first_step == step.number for s in self.screens.values() if s.number == target), False)
            self.edges[source, target] = Edge(source, target, (label,), 1, step.number, discovers)
            return
        labels = known.labels
        if label not in labels and len(labels) < LABELS_OF_EDGE:
            labels = (*labels, label)
        self.edges[source, target] = Edge(source, target, labels, known.count + 1, known.first_step, known.discovers)


def walk(events: Sequence[Recorded[Event]], *, reveal: bool = False) -> Walk:
    """`reveal`: typed texts are shown, where they can be opened."""
    found = Walk()
    for recorded in events:
        found.take(recorded, reveal=reveal)
    return found


def _action_name(action: Action) -> str:
    match action:
        case Click():
            return {"TAP": "tap", "LONG": "long press", "DOUBLE": "double tap"}[action.press]
        case Input():
            return "type into"
        case Scroll():
            return "scroll"
        case Navigate():
            return action.to.lower().replace("_", " ")
        case Observe():
            return "check" if action.checks else "look"
        case Touch():
            return {"TAP": "tap", "LONG": "long press", "DOUBLE": "double tap"}[action.press]
        case TypeInto():
            return "type into"
        case Swipe():
            return "swipe"
        case PressKey():
            return "press"
        case Await():
            return "wait"
        case StartApp():
            return "launch"
        case Install():
            return "install"
        case Uninstall():
            return "uninstall"
        case _:
            assert_never(action)


def _points(action: Action) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    match action:
        case Click() | Input():
            return (action.point.x, action.point.y), None
        case Scroll():
            return (action.start.x, action.start.y), (action.end.x, action.end.y)
        case _:
            return None, None


def _typed(action: Action) -> str | None:
    text: Sealed[str] | None = action.text if isinstance(action, Input | TypeInto) else None
    return None if text is None else text.clear
