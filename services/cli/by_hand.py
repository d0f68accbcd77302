"""Steps that a person does on a phone by hand: each is a task of steps, so that a phone has one driver at a time.

What a phone shows while somebody else's run has it is that run's newest capture.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.device_agent import ActionFinished, Capture, DeviceLost, DeviceReady
from contracts.event import Event
from contracts.orchestrator import ActionRequested, RunFinished, RunStarted
from contracts.subjects import derived_id, event_filter
from contracts.values import ObjectRef, RunStatus
from services.cli import asking
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.output import clean

LONGEST_S = 300
_POLL_S = 0.01
_CAPTURES_BACK = 10
"""Actions of a run that are looked at for its newest capture: one under way has none yet."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Holder:
    """The run that has a phone now, with the newest action that it asked for."""

    started: RunStarted
    newest: ActionRequested

    @property
    def words(self) -> str:
        spec = self.started.spec
        return f'run {self.started.run_id} ("{clean(spec.name)}" of {clean(spec.user)})'


@dataclass(frozen=True)
class HandDone:
    """A task of steps that is over, with what came of its last action."""

    finished: RunFinished
    action: ActionFinished | None
    took_s: float

    @property
    def succeeded(self) -> bool:
        return self.finished.status is RunStatus.SUCCEEDED


@dataclass(frozen=True)
class Looked:
    """What a phone shows. `of`: the run whose capture this is, where it was not taken for whoever asks."""

    capture: Capture
    of: Holder | None = None

    def age_s(self, now: datetime) -> float:
        return max((now - self.capture.captured_at).total_seconds(), 0.0)


async def carry_out(session: Session, serial: str, steps: list[Any], name: str, *, wait_s: float) -> HandDone:
    """Does steps on a phone. Raises `CliError` where the phone is not free within `wait_s`, and says who has it."""
    device_id = await known(session, serial)
    begun_s = time.monotonic()
    body = {"kind": "steps", "serial": serial, "steps": steps, "priority": 1, "quiet": True, "name": name[:200],
            "limits": {"max_duration_s": LONGEST_S}}  # fmt: skip
    answer = await asking.ask(session, body)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    run_id = derived_id("run", answer.key)
    if await _soon(session, RunStarted, run_id, wait_s) is None:
        await asking.ask(session, {"kind": "stop", "task": str(answer.key), "reason": "nobody waits for it any longer"})
        if await _soon(session, RunStarted, run_id, 1.0) is None:
            raise CliError(await _not_free(session, serial, device_id, wait_s))
    finished = await _soon(session, RunFinished, run_id, LONGEST_S + 60)
    if finished is None:
        raise CliError(f"the run does not end; `waymark run stop {run_id}` ends it", ExitCode.UNREACHABLE)
    action = await _last(session, ActionFinished, derived_id("action", run_id, finished.total_actions))
    return HandDone(finished, action, time.monotonic() - begun_s)


async def look(session: Session, serial: str, *, wait_s: float) -> Looked:
    """What the phone shows now; while a run has it, that run's newest capture. Raises `CliError`."""
    device_id = await known(session, serial)
    holder = await holder_of(session, device_id)
    if holder is not None and (capture := await newest_capture(session, holder)) is not None:
        return Looked(capture, holder)
    done = await carry_out(session, serial, [{"wait": {"stable": True, "timeout_s": 0}}], "look", wait_s=wait_s)
    if done.action is None or done.action.capture is None:
        raise CliError(f"{serial}: nothing could be seen: {clean(done.finished.failure_reason or 'no capture')}")
    return Looked(done.action.capture)


async def known(session: Session, serial: str) -> UUID:
    """The id of a phone that is there. Raises `CliError`."""
    device_id = derived_id("device", serial)
    log = await session.log()
    ready = await log.last(event_filter(DeviceReady, key=device_id))
    if ready is None:
        raise CliError(
            f"no phone {serial!r} was ever seen; `waymark devices` lists those there are", ExitCode.NOT_FOUND
        )
    lost = await log.last(event_filter(DeviceLost, key=device_id))
    if lost is not None and lost.seq > ready.seq and isinstance(lost.event, DeviceLost):
        raise CliError(f"phone {serial} is not there: {clean(lost.event.reason)}", ExitCode.NOT_FOUND)
    return device_id


async def holder_of(session: Session, device_id: UUID) -> Holder | None:
    """The run that has the phone and has asked for an action on it; None where it is free."""
    log = await session.log()
    newest = await log.last(event_filter(ActionRequested, route=device_id))
    if newest is None or not isinstance(newest.event, ActionRequested):
        return None
    asked = newest.event
    started = await _last(session, RunStarted, asked.run_id)
    if started is None or await _last(session, RunFinished, asked.run_id) is not None:
        return None
    return Holder(started, asked)


async def newest_capture(session: Session, holder: Holder) -> Capture | None:
    last = holder.newest.sequence
    for sequence in range(last, max(last - _CAPTURES_BACK, 0), -1):
        done = await _last(session, ActionFinished, derived_id("action", holder.newest.run_id, sequence))
        if done is not None and done.capture is not None:
            return done.capture
    return None


async def stored(session: Session, ref: ObjectRef | None, what: str, absent: str | None) -> bytes:
    """The bytes of a part of a capture. Raises `CliError` where the phone did not give it."""
    if ref is None:
        raise CliError(f"the phone gave no {what}: {absent or 'nobody knows why'}")
    return await (await session.objects()).get(ref.key)


async def _not_free(session: Session, serial: str, device_id: UUID, wait_s: float) -> str:
    holder = await holder_of(session, device_id)
    waited = f"{serial} was not free within {wait_s:g} s, so that nothing was done"
    if holder is None:
        return f"{waited}. `waymark devices` shows its state, `waymark tasks` what waits for it; --wait waits longer."
    run = holder.started.run_id
    return (
        f"{waited}: {holder.words} has it.\n"
        f"`waymark run stop {run}` ends that; a run that is paused keeps its phone. --wait SECONDS waits longer."
    )


async def _soon(session: Session, kind: type[E], key: UUID, limit_s: float) -> E | None:
    """The event once it is there, for so long at most."""
    deadline_s = time.monotonic() + limit_s
    while (found := await _last(session, kind, key)) is None and time.monotonic() < deadline_s:
        await asyncio.sleep(_POLL_S)
    return found


async def _last(session: Session, kind: type[E], key: UUID) -> E | None:
    found = await (await session.log()).last(event_filter(kind, key=key))
    return found.event if found is not None and isinstance(found.event, kind) else None
