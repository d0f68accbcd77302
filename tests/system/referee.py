"""What has to hold after every run, whatever was killed, stopped or doubled: the phone's trace, the log and those who
were reached outside are the referees."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.alerter import AlertRaised
from contracts.catalogue import OWNERS
from contracts.device_agent import ActionFinished, ActionStarted, CrashSeen, DeviceHeartbeat
from contracts.event import Event, event_types
from contracts.llm_gateway import ApiCallFinished, CallFinished, CallStarted
from contracts.locator_validator import LocatorChecked
from contracts.notifier import NotificationFailed, NotificationPlanned, NotificationSent, NotificationStarted
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    ApiCallRequested,
    RunFinished,
    RunStarted,
    TaskAccepted,
    TurnRequested,
)
from contracts.subjects import DEAD_LETTERS, TIMERS, timer_schedule_subject
from contracts.values import Channel, Severity, ValidationStatus
from deploy.embedded.platform import SERVICES, Platform
from services.cli.services import all_kept
from services.runtime.log import Recorded
from services.runtime.rebuild import check
from tests.system.exploring import all_durables, caught_up, events, quiet, until
from tests.system.outside import Counting, Reached

_FENCE = re.compile(r"echo (\d+) (\d+) > \$f\.new")
_TRACE_LIMIT = 100_000

Recording = list[Recorded[Event]]


@dataclass
class Verdict:
    """`attempts`: shell calls that touched the phone, by (lease token, action number). `unfenced`: touches that no
    fence let through, as the phone recorded them."""

    attempts: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    unfenced: list[str] = field(default_factory=list)
    touches: int = 0

    @property
    def repeated(self) -> dict[tuple[int, int], set[int]]:
        """Actions that reached the phone in more than one shell call."""
        return {action: causes for action, causes in self.attempts.items() if len(causes) > 1}


async def judge(platform: Platform, phone: int = 0) -> Verdict:
    """Reads the whole trace of a phone."""
    entries = await platform.control.trace(phone=phone, limit=_TRACE_LIMIT)
    assert len(entries) < _TRACE_LIMIT, "the trace holds no more than this: what came first may be missing"
    services = {entry["seq"]: entry["detail"] for entry in entries if entry["kind"] == "service"}
    verdict = Verdict()
    for entry in entries:
        if entry["kind"] != "touch":
            continue
        verdict.touches += 1
        fence = _FENCE.search(services.get(entry["cause"], ""))
        if fence is None:
            verdict.unfenced.append(entry["detail"])
        else:
            verdict.attempts[int(fence[1]), int(fence[2])].add(entry["cause"])
    return verdict


async def taps(platform: Platform, phone: int) -> list[tuple[int, int]]:
    """Where a phone was tapped, in order."""
    touches = await platform.control.touches(phone=phone)
    return [(touch["data"]["x"], touch["data"]["y"]) for touch in touches if touch["detail"] == "tap"]


async def delivered(platform: Platform) -> set[str]:
    """SHA-256 of every picture and hierarchy that left a phone."""
    phones = range(len(platform.phones))
    traces = [await platform.control.trace(phone=phone, kinds=["delivery"]) for phone in phones]
    return {entry["data"]["sha256"] for trace in traces for entry in trace}


async def visited(platform: Platform, phone: int) -> dict[str, int]:
    """The states that a phone has shown to who looked, by the player's names, each with how many actions (shell calls
    that touched the phone) it took until then."""
    touching: set[int] = set()
    first: dict[str, int] = {}
    for entry in await platform.control.trace(phone=phone, kinds=["touch", "delivery"]):
        if entry["kind"] == "touch":
            touching.add(entry["cause"])
        elif state := entry["data"].get("state"):
            first.setdefault(state, len(touching))
    return first


async def assert_sound(platform: Platform, outside: Counting) -> Recording:
    """The four things that hold after every run, and the log on which they were seen.

    Every run has ended, once, and no message was given up on the way. Each action reached the phone once at most.
    Tables made anew equal the live ones byte for byte, in all services. And all durables from sequence 1 again add no
    event and reach nobody.
    """
    log = await settled(platform)
    assert_ended(log)
    assert await _dead_letters(platform) == 0
    await assert_nothing_twice(platform, outside, log)
    await assert_rebuilt_equals_live(platform, everybody=outside.everybody)
    await assert_replay_adds_nothing(platform, outside, log)
    return log


def assert_ended(log: Recording) -> None:
    accepted = Counter(event.task_id for event in _of(log, TaskAccepted))
    finished = Counter(event.task_id for event in _of(log, RunFinished))
    assert accepted
    assert finished == accepted


async def assert_nothing_twice(platform: Platform, outside: Counting, log: Recording) -> None:
    """Nothing was touched, asked or sent that the log did not ask for and start before, and no action was repeated."""
    for number, serial in enumerate(platform.serials):
        verdict = await judge(platform, number)
        asked = {(e.lease_token, e.sequence) for e in _of(log, ActionRequested) if e.serial == serial}
        assert verdict.repeated == {}
        assert verdict.unfenced == []
        assert set(verdict.attempts) <= asked
    reached = outside.reached
    assert reached.model <= len(_of(log, CallStarted))
    assert not outside.everybody or min(reached.model, reached.webhook, reached.mail) > 0
    assert reached.webhook + reached.mail <= len(_of(log, NotificationStarted))


async def assert_rebuilt_equals_live(platform: Platform, *, everybody: bool = True) -> None:
    """All tables of all services, made anew from the log beside the live ones. `everybody`: each had things to do."""
    assert platform.stack is not None
    js, dsn = platform.nats.jetstream(timeout=10), platform.stack.postgres_dsn
    await caught_up(platform)
    kept = all_kept()
    assert {each.projection.name for each in kept} == {*SERVICES, "autoglm"}
    rebuilt = [await check(each.projection, each.migrations, js, dsn) for each in kept]
    assert {each.schema: each.differences for each in rebuilt if each.differences} == {}
    assert {each.schema: each.parked for each in rebuilt if each.parked} == {}
    assert not everybody or [each.schema for each in rebuilt if each.events == 0] == []


async def assert_replay_adds_nothing(platform: Platform, outside: Counting, log: Recording) -> None:
    """Everything stopped, all durables reset to sequence 1, everything started: nothing new in the log, no touch of a
    phone, no call of a model, no message to anybody, no dead letter."""
    effects = await _effects(platform, outside)
    js = platform.nats.jetstream(timeout=10)
    await platform.stop_services()
    for durable in all_durables(platform):
        await js.reset_consumer(durable.stream, durable.name, seq=1)
    for service in SERVICES:
        platform.start_service(service)
    again = await settled(platform)
    added = [r.event for r in again if r.seq > log[-1].seq]
    assert _history(again) == _history(log), f"a second reading added {added}"
    assert await _effects(platform, outside) == effects
    assert platform.dead() == []


def assert_people_were_told_of_a_crash(log: Recording) -> None:
    """The run went through all services: locators were checked on the phone, and a crash of the app came to people by
    each channel."""
    assert ValidationStatus.PASSED in {event.status for event in _of(log, LocatorChecked)}
    assert [event for event in _of(log, CrashSeen) if event.kind == "CRASH"]
    told = {alert.alert_id for alert in _of(log, AlertRaised) if alert.severity is Severity.P1}
    assert {sent.channel for sent in _of(log, NotificationSent) if sent.alert_id in told} == {
        Channel.FEISHU,
        Channel.EMAIL,
    }


async def settled(platform: Platform, *, limit_s: float = 90.0) -> Recording:
    """Until nothing is under way any more: no durable has anything to do, every timer that was due has fired, and all
    that was begun has ended. The log as it is then, without heartbeats, which come with time."""
    assert OWNERS
    kinds = [cls for cls in event_types().values() if cls is not DeviceHeartbeat]
    seen: Recording = []
    left: list[str] = []

    async def nothing_under_way() -> bool:
        seen.clear()
        await quiet(platform, limit_s=limit_s)
        recorded = await events(platform, *kinds)
        left[:] = [*map(str, under_way(recorded)), *await _unfired(platform, recorded)]
        if left:
            return False
        await quiet(platform, limit_s=limit_s)
        seen.extend(await events(platform, *kinds))
        left[:] = [r.event.type_name() for r in seen[len(recorded) :]]
        return not left

    await until("everything coming to its end", nothing_under_way, limit_s=limit_s, left=left)
    return seen


def under_way(log: Recording) -> set[UUID]:
    """Runs, actions, calls and messages that the log began and did not end."""
    begun: set[UUID] = {event.run_id for event in _of(log, RunStarted)}
    begun |= {event.action_id for event in _of(log, ActionStarted)}
    for asked in (AdviceRequested, TurnRequested, ApiCallRequested):
        begun |= {event.call_id for event in _of(log, asked)}
    begun |= {target.notification_id for event in _of(log, NotificationPlanned) for target in event.targets}
    ended: set[UUID] = {event.run_id for event in _of(log, RunFinished)}
    ended |= {event.action_id for event in _of(log, ActionFinished)}
    ended |= {event.call_id for event in (*_of(log, CallFinished), *_of(log, ApiCallFinished))}
    ended |= {event.notification_id for event in _of(log, NotificationSent)}
    ended |= {event.notification_id for event in _of(log, NotificationFailed) if event.retry_at is None}
    return begun - ended


async def _unfired(platform: Platform, log: Recording) -> set[str]:
    """Timers that are due and have not fired: a schedule is gone from its stream once its message was written."""
    now = datetime.now(UTC)
    due = {
        timer_schedule_subject(r.event.OWNER, r.event.key, r.id)
        for r in log
        if r.event.due_at is not None and r.event.due_at <= now
    }
    info = await platform.nats.jetstream(timeout=10).stream_info(TIMERS, subjects_filter="waymark.timer.schedule.>")
    return due & set(info.state.subjects or {})


async def _effects(platform: Platform, outside: Counting) -> tuple[Reached, list[int], int]:
    """How often everything outside of the log was reached: those outside, each phone, the dead letters."""
    touches = [(await judge(platform, number)).touches for number in range(len(platform.serials))]
    return outside.reached, touches, await _dead_letters(platform)


async def _dead_letters(platform: Platform) -> int:
    """How many there ever were."""
    return int((await platform.nats.jetstream(timeout=10).stream_info(DEAD_LETTERS)).state.last_seq)


def _history(log: Iterable[Recorded[Event]]) -> list[tuple[str, str]]:
    return [(str(recorded.id), recorded.event.type_name()) for recorded in log]


def _of(log: Recording, kind: type[Any]) -> list[Any]:
    return [recorded.event for recorded in log if isinstance(recorded.event, kind)]
