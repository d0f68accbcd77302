"""What DroidBot's events mean for a player: the edge of a state by the node that a finger hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from deploy.simulator.recordings.model import Box, Gesture, Move, State

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = Callable[[list[list[int]]], Box]
"""Recorded bounds to pixels."""
_Found: TypeAlias = tuple[dict[Move, tuple[str, ...]], dict[str, tuple[str, ...]]]


def find_moves(graph: Json, states: Mapping[str, State], events: list[Json], place: Place) -> _Found:
    """Moves by gesture, and the timed transitions: edges that no gesture on the shown state can follow.

    A touch belongs to the topmost node under the middle of the recorded view, where DroidBot put the finger: the view
    itself, a button in it, or the row that it is in. Gestures that were recorded without any effect are moves to the
    same state, unless an edge is known for them.
    """
    bounds = {view["view_str"]: view["bounds"] for each in events if (view := each["event"].get("view"))}
    moves: dict[Move, list[str]] = {}
    timed: dict[str, list[str]] = {}
    for source, target, event in _edges(graph):
        view = re.search(r"view=(\w+)", event["event_str"])
        box = place(bounds[view.group(1)]) if view and view.group(1) in bounds else None
        gesture = _gesture(states[source], event["event_type"], event["event_str"], box)
        known = timed.setdefault(source, []) if gesture is None else moves.setdefault((source, gesture), [])
        if target not in known:
            known.append(target)
    for event in events:
        name = event["start_state"]
        if name not in states or name != event["stop_state"]:
            continue
        view = event["event"].get("view")
        box = place(view["bounds"]) if view else None
        gesture = _gesture(states[name], event["event"]["event_type"], event["event_str"], box)
        if gesture is not None:
            moves.setdefault((name, gesture), [name])
    return {move: tuple(each) for move, each in moves.items()}, {name: tuple(each) for name, each in timed.items()}


def _edges(graph: Json) -> Iterator[tuple[str, str, Json]]:
    """Edges with one event each, in the order of recording."""
    every = [(edge["from"], edge["to"], event) for edge in graph["edges"] for event in edge["events"]]
    yield from sorted(every, key=lambda each: int(each[2]["event_id"]))


def _gesture(state: State, kind: str, text: str, box: Box | None) -> Gesture | None:
    """The gesture that a finger can do on the state; None where there is nothing to touch."""
    detail = re.search(r"(?:name|direction)=(\w+)", text)
    named = detail.group(1) if detail else ""
    middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2) if box and box[0] < box[2] and box[1] < box[3] else None
    match kind:
        case "key":
            return Gesture("key", detail=named)
        case "intent":
            return Gesture("launch")
        case "touch" | "long_touch":
            node = state.touched(*middle) if middle else None
            return Gesture("tap" if kind == "touch" else "hold", node) if node else None
        case "scroll":
            node = state.scrolled(*middle) if middle else None
            return Gesture("scroll", node, named) if node else None
        case _:
            return None
