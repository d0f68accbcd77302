"""The shortest way to a state through the graph of a run. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from contracts.values import Action, CrashStep, Navigate, Observe
from services.orchestrator.decisions.exploration import is_explorable
from services.orchestrator.decisions.graph import BACK, WAIT, Graph, UiState
from services.orchestrator.decisions.steps import gesture_action
from services.orchestrator.decisions.trail import step

_TRUSTED_MISSES = 2
_WAIT_S = 5.0


def shortest(
    graph: Graph, entry: str | None, goal: str | None, crashing: frozenset[tuple[str, str]]
) -> tuple[tuple[UiState, str], ...] | None:
    """The fewest gestures from the state after a start to `goal`, each with its state; None where there is no way."""
    if entry is None or goal is None or entry not in graph.states:
        return None
    came: dict[str, tuple[str, str] | None] = {entry: None}
    queue = deque([entry])
    while queue and goal not in came:
        state = graph.states[queue.popleft()]
        for gesture_id, target_id in state.targets.items():
            target = graph.states.get(target_id)
            if target is None or target_id in came or (state.state_id, gesture_id) in crashing:
                continue
            if is_explorable(target) and state.misses.get(gesture_id, 0) <= _TRUSTED_MISSES:
                came[target_id] = (state.state_id, gesture_id)
                queue.append(target_id)
    if goal not in came:
        return None
    way: list[tuple[UiState, str]] = []
    at = goal
    while (step := came[at]) is not None:
        way.append((graph.states[step[0]], step[1]))
        at = step[0]
    return tuple(reversed(way))


def steps_of(way: Sequence[tuple[UiState, str]], seed: int, texts: Mapping[str, str]) -> tuple[CrashStep, ...]:
    """The steps of a way through the graph."""
    return tuple(step(state, gesture_id, _action(state, gesture_id, seed, texts)) for state, gesture_id in way)


def _action(state: UiState, gesture_id: str, seed: int, texts: Mapping[str, str]) -> Action:
    if gesture_id == BACK:
        return Navigate(to="BACK")
    if gesture_id == WAIT:
        return Observe(patience_s=_WAIT_S)
    gesture = next(g for g in state.gestures if g.gesture_id == gesture_id)
    return gesture_action(gesture, seed, texts.get(gesture_id))
