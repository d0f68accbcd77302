"""The golden corpus: every example of an event as the log once held it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from contracts.catalogue import OWNERS, events_of
from contracts.envelope import Envelope
from contracts.event import Event
from services.runtime.log import Recorded
from tests.contracts.building import GOLDEN

EVENT_TYPES: list[type[Event]] = [cls for owner in OWNERS for cls in events_of(owner)]


@cache
def examples() -> tuple[tuple[Path, int, str], ...]:
    """File, line number and line of every example."""
    files = sorted(GOLDEN.rglob("*.jsonl"))
    return tuple(
        (file, number, line)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    )


@cache
def recorded() -> tuple[Recorded[Event], ...]:
    """Every example of a type that is known, as a reader gets it, in one imaginary log."""
    found: list[Recorded[Event]] = []
    for _, _, line in examples():
        envelope = Envelope.model_validate_json(line)
        found.append(
            Recorded(
                seq=len(found) + 1,
                id=envelope.id,
                time=envelope.time,
                causation_id=envelope.causationid,
                run_id=envelope.runid,
                traceparent=envelope.traceparent,
                event=envelope.open(),
            )
        )
    return tuple(found)


def recorded_of(cls: type[Event]) -> list[Recorded[Event]]:
    return [r for r in recorded() if type(r.event) is cls]
