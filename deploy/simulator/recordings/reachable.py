"""What an explorer of a recording can see at most: `python -m deploy.simulator.recordings.reachable FOLDER..`.

It prints the report of one recording, or writes one file a recording, `PACKAGE.json`, with `--into`.

Reachable from launch are the states that gestures lead to which the dump lets one see, timed transitions, HOME and BACK
included. BACK by the stack shows only what was shown before, so it adds no state but the recorded home screen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.simulator.hierarchy import FLAGS
from deploy.simulator.recordings import read
from deploy.simulator.recordings.model import Gesture, Recording, State


def reachable_states(recording: Recording, *, timed: bool = True) -> tuple[str, ...]:
    """Names of the states, in the order of a breadth-first walk from launch. `timed` False: time stands still."""
    reached = [recording.start]
    for name in reached:
        reached += [each for each in dict.fromkeys(_targets(recording, name, timed=timed)) if each not in reached]
    if recording.home and recording.home not in reached:
        reached.append(recording.home)
    return tuple(reached)


def _targets(recording: Recording, name: str, *, timed: bool) -> Iterator[str]:
    for (source, gesture), targets in recording.moves.items():
        if source == name and (gesture.kind in ("key", "launch") or _is_seen(recording.states[name], gesture)):
            yield from targets
    if timed:
        yield from recording.timed.get(name, ())


def _is_seen(state: State, gesture: Gesture) -> bool:
    """Whether the node says that it can be touched so, and the middle of its box hits it: where explorers tap."""
    node = dict(state.walk())[gesture.node]
    if not node.flags[FLAGS.index("enabled")]:
        return False
    left, top, right, bottom = node.bounds
    x, y = (left + right) // 2, (top + bottom) // 2
    return (state.scrolled(x, y) if gesture.kind == "scroll" else state.touched(x, y)) == gesture.node


def gesture_pairs(recording: Recording) -> tuple[tuple[str, Gesture], ...]:
    """Every distinct (state, gesture) of the whole recording: see `State.gestures`."""
    return tuple((name, gesture) for name, state in recording.states.items() for gesture in state.gestures())


def report(recording: Recording) -> dict[str, Any]:
    """The figures and the lists, ready for JSON."""
    reached = reachable_states(recording)
    still = reachable_states(recording, timed=False)
    return {
        "package": recording.package,
        "version": recording.version_name,
        "start": recording.start,
        "states": len(recording.states),
        "reachable": list(reached),
        "reachable_count": len(reached),
        "reachable_without_timed_count": len(still),
        "unreachable": [name for name in recording.states if name not in reached],
        "timed": {name: list(targets) for name, targets in recording.timed.items()},
        "state_gesture_pairs": len(gesture_pairs(recording)),
        "gestures": {name: len(state.gestures()) for name, state in recording.states.items()},
    }


def text(recording: Recording) -> str:
    """The report as it is printed and written."""
    return json.dumps(report(recording), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Prints the report of one folder, or writes those of several; 2 and a message where a folder is no recording."""
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator.recordings.reachable")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a recording")
    parser.add_argument("--into", type=Path, metavar="DIR", help="write DIR/PACKAGE.json for each")
    asked = parser.parse_args(arguments)
    if asked.into is None and len(asked.folders) > 1:
        parser.error("several recordings are written to files: say --into DIR")
    try:
        found = [read(folder) for folder in asked.folders]
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if asked.into is None:
        sys.stdout.write(text(found[0]))
        return 0
    asked.into.mkdir(parents=True, exist_ok=True)
    for recording in found:
        (asked.into / f"{recording.package}.json").write_text(text(recording), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
