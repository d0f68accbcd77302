"""From a crash to the event that tells of it: which occurrence it is, in which run, after which action. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.device_agent import CrashSeen
from contracts.orchestrator import ActionRequested
from contracts.subjects import derived_id
from contracts.values import ObjectRef
from services.device_agent.crashes import Crash, CrashKind

SLACK = timedelta(milliseconds=50)
"""How exactly the phone's clock is known: an action that began so shortly after a crash may have begun before it."""
_HOUR, _EDGE = 3600, 120
_ANR_S = 300
_MESSAGE_CHARS, _STACK_CHARS = 2_000, 16_000


@dataclass(frozen=True)
class Stored:
    """Evidence in the object store. `absent`: why something is missing that should be there."""

    log: ObjectRef | None = None
    trace: ObjectRef | None = None
    exit_info: ObjectRef | None = None
    absent: str | None = None


def occurrences(device_id: UUID, crash: Crash, at: datetime | None) -> tuple[UUID, ...]:
    """The id of this occurrence, then others that are the same one if they are in the log.

    A process dies once, so process and number are enough wherever it is seen; the hour keeps apart what gets the same
    number weeks later. It may stop answering more than once, and is then ended some time after: of that, five minutes
    are one occurrence, and what ended up to ten minutes later belongs to it.
    """
    if at is None:
        return (derived_id("crash", device_id, crash.process, crash.pid, crash.time),)
    seconds = int(at.timestamp())
    if crash.kind is CrashKind.ANR:
        slots = [seconds // _ANR_S - back for back in range(3 if crash.source != "LOGCAT" else 1)]
    else:
        near = {(seconds - _EDGE) // _HOUR, (seconds + _EDGE) // _HOUR} - {seconds // _HOUR}
        slots = [seconds // _HOUR, *sorted(near)]
    kind = "ANR" if crash.kind is CrashKind.ANR else "END"
    return tuple(derived_id("crash", device_id, crash.process, crash.pid, kind, slot) for slot in slots)


def crash_event(
    crash: Crash,
    occurrence_id: UUID,
    device_id: UUID,
    during: ActionRequested | None,
    version_name: str | None,
    happened_at: datetime | None,
    stored: Stored,
    seen_at: datetime,
) -> CrashSeen:
    """`during`: the action that was the last to begin before it; its run is the one that the crash belongs to."""
    return CrashSeen(
        occurrence_id=occurrence_id,
        device_id=device_id,
        run_id=None if during is None else during.run_id,
        package=crash.package,
        version_name=version_name,
        kind=crash.kind.value,
        process=crash.process,
        exception=crash.exception,
        message=crash.message[:_MESSAGE_CHARS],
        stack="\n".join(crash.stack)[:_STACK_CHARS],
        stack_key=crash.key,
        seen_at=seen_at,
        source=crash.source.value,
        happened_at=happened_at,
        action_id=None if during is None else during.action_id,
        log=stored.log,
        trace=stored.trace,
        exit_info=stored.exit_info,
        evidence_absent=stored.absent,
    )
