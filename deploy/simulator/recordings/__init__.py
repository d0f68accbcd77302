"""Recordings of real apps, played as phones: DroidBot output folders, and traces of XML with pictures."""

from __future__ import annotations

from pathlib import Path

from deploy.simulator.recordings import droidbot, trace
from deploy.simulator.recordings.model import Recording
from deploy.simulator.recordings.player import RecordedWorld

__all__ = ["RecordedWorld", "load", "read"]


def read(folder: Path) -> Recording:
    """What was recorded in the folder. A folder of another kind is a `ValueError` that says what is expected."""
    if droidbot.is_droidbot(folder):
        return droidbot.read(folder)
    if trace.is_trace(folder):
        return trace.read(folder)
    raise ValueError(f"{folder} is no recording: it needs utg.js and states/ (DroidBot), or xmls/ and screenshots/")


def load(folder: Path, seed: int) -> RecordedWorld:
    """A phone that plays the recording, the home screen in front. `seed` says which of several targets comes first."""
    return RecordedWorld(read(folder), seed)
