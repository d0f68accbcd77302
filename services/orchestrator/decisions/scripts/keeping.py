"""Scripts are kept: what runs draft and people import becomes versions, and the replays of each are counted."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from contracts.event import Event
from contracts.orchestrator import (
    Receipt,
    RunFinished,
    ScriptDrafted,
    ScriptRecorded,
    ScriptRef,
    ScriptReplayed,
    ScriptSwitched,
    Snapshot,
)
from contracts.values import RunStatus
from services.orchestrator.decisions.scripts.requested import asked, script_key
from services.orchestrator.decisions.scripts.versions import Versions, checksum_of, described, version_id_of
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, Reactor, Trigger

_TWO_PLACES = Decimal("0.01")
_UNCOUNTED = frozenset({"NOT_FIT"})
"""Failures that say nothing of a script: the phone was not fit to be driven."""


class _Codec:
    def dump(self, state: Versions) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Versions:
        return Versions.model_validate_json(text)


SCRIPT = Aggregate[Versions](
    "script", "orchestrator", Versions, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt)
)


def script_reactor() -> Reactor[Versions]:
    return Reactor(
        "orchestrator-scripts",
        SCRIPT,
        {
            RawRequest: script_key,
            ScriptDrafted: lambda e: e.script_id,
            RunFinished: lambda e: None if e.replayed is None else e.replayed.script_id,
        },
        decide_script,
    )


def evolve(state: Versions, recorded: Recorded[Event]) -> Versions:
    match recorded.event:
        case ScriptRecorded() as event:
            return state.recorded(event, recorded.seq)
        case ScriptReplayed() as event:
            return state.replayed(event)
        case ScriptSwitched() as event:
            return state.switched(event)
        case _:
            return state


def decide_script(state: Versions, trigger: Trigger[Any], _now: datetime) -> Decision:
    match trigger.what:
        case ScriptDrafted() as draft:
            return _drafted(state, draft, trigger.seq)
        case RunFinished() as finished:
            return _replayed(state, finished)
        case RawRequest() as raw:
            return asked(state, raw)
        case what:
            raise AssertionError(f"{type(what).__name__} is no trigger of a script")


def _drafted(state: Versions, draft: ScriptDrafted, seq: int) -> Decision:
    """A version of its own, unless one has this very data already; a draft that comes again has."""
    checksum = checksum_of(draft.data)
    if state.alike(checksum) is not None or state.forgotten(seq):
        return NOTHING
    number = state.last + 1
    recorded = ScriptRecorded(
        script_id=draft.script_id,
        version=number,
        version_id=version_id_of(draft.script_id, number),
        checksum=checksum,
        origin=draft.origin,
        name=draft.data.name,
        user=draft.user,
        task_id=draft.task_id,
        run_id=draft.run_id,
        data=draft.data,
        defaults=draft.defaults,
        repairs=draft.repairs,
        serial=draft.serial,
        model_name=draft.model_name,
        duration_ms=draft.duration_ms,
        metadata=described(draft.data) | draft.metadata | _base(draft.base),
    )
    return Decision((recorded, *_older_base(state, draft, number)))


def _older_base(state: Versions, draft: ScriptDrafted, number: int) -> tuple[ScriptSwitched, ...]:
    """A repair of a version that is not the one in use any more is kept, and does not take the place of that one."""
    used = state.newest_active
    if draft.base is None or used is None or used.number <= draft.base.version:
        return ()
    reason = f"version {number} repairs version {draft.base.version}, and version {used.number} is in use"
    return tuple(
        ScriptSwitched(
            script_id=draft.script_id,
            version=version,
            version_id=version_id_of(draft.script_id, version),
            active=version == used.number,
            by="waymark",
            reason=reason,
        )
        for version in (number, used.number)
    )


def _replayed(state: Versions, finished: RunFinished) -> Decision:
    """Counted, unless a person stopped it or the phone was not fit: that says nothing of the script."""
    replayed = finished.replayed
    version = None if replayed is None else state.get(replayed.version)
    succeeded = finished.status is RunStatus.SUCCEEDED
    counts = succeeded or (finished.status is RunStatus.FAILED and finished.failure_code not in _UNCOUNTED)
    if replayed is None or version is None or not counts:
        return NOTHING
    took_ms = max(round((finished.ended_at - finished.started_at).total_seconds() * 1000), 0)
    replays, successes = version.replays + 1, version.successes + int(succeeded)
    successful_ms = version.successful_ms + (took_ms if succeeded else 0)
    counted = ScriptReplayed(
        script_id=replayed.script_id,
        version=version.number,
        version_id=version_id_of(replayed.script_id, version.number),
        task_id=finished.task_id,
        run_id=finished.run_id,
        succeeded=succeeded,
        reason=finished.failure_reason,
        duration_ms=took_ms,
        replays=replays,
        successes=successes,
        success_rate=_decimal(100 * successes, replays),
        execution_time_s=_decimal(successful_ms, 1000 * successes),
    )
    return Decision((counted,))


def _base(base: ScriptRef | None) -> dict[str, Any]:
    return {} if base is None else {"base_version": base.version}


def _decimal(part: int, whole: int) -> str:
    value = Decimal(part) / Decimal(whole) if whole else Decimal(0)
    return str(value.quantize(_TWO_PLACES, ROUND_HALF_UP))
