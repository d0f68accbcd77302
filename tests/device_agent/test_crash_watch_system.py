"""Crashes of a phone as events: with evidence, once each, whatever the agent missed. Real NATS, S3 and adb server."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import nats
import pytest

from contracts.device_agent import CrashSeen
from contracts.orchestrator import ActionRequested
from contracts.subjects import derived_id
from contracts.values import Navigate
from deploy.embedded.stack import Stack
from deploy.simulator.apps.failures import tombstone
from deploy.simulator.world import ANR_TRACES, LogLine
from services.device_agent import crash_watch
from services.device_agent.crash_watch import CrashWatch
from services.device_agent.effects import AdbTime, Attached
from services.device_agent.phone import Phone
from services.runtime.catch_up import read_batches
from services.runtime.clock import SystemClock
from services.runtime.log import Cause, Log, Write
from services.runtime.objects import Objects, StoreAddress
from services.runtime.provision import key_bucket, provision
from services.runtime.sealing import BucketKeyStore, Sealer
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system

STACK = ("java.lang.IllegalStateException: gone", "\tat com.test.Main.onClick(Main.kt:7)")
FRAMES = (
    "/apex/com.android.runtime/lib64/bionic/libc.so abort",
    "/data/app/~~a==/com.test-1/lib/arm64/libgame.so Scene::draw",
)
ANR_STACK = "  at com.test.Rows.get(Rows.java:3)\n  at android.os.Looper.loop(Looper.java:288)"


@dataclass
class Watching:
    bench: object
    log: Log
    objects: Objects
    client: nats.NATS
    attached: Attached

    async def told(self, count: int = 1, limit_s: float = 25.0) -> list[CrashSeen]:
        """All crashes of this phone, once there are so many."""
        async with asyncio.timeout(limit_s):
            while True:
                found = await self._events()
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.05)

    async def _events(self) -> list[CrashSeen]:
        found: list[CrashSeen] = []
        async for batch, _ in read_batches(self.client.jetstream(), (CrashSeen,), 0, patience_s=0.1):
            found += [r.event for r in batch if r.event.device_id == self.device_id]
            if not batch:
                break
        return found

    @property
    def device_id(self):
        return derived_id("device", self.attached.phone.serial, id(self.log))

    async def text(self, ref) -> str:
        return (await self.objects.get(ref.key)).decode()

    @asynccontextmanager
    async def watching(self, since: datetime | None = None) -> AsyncIterator[None]:
        """While an agent listens."""
        watch = CrashWatch(
            self.bench.client, self.log, self.objects, SystemClock(), self.attached, self.device_id, since
        )
        task = asyncio.ensure_future(watch.run())
        try:
            async with asyncio.timeout(10):
                while not await self._streams():
                    assert not task.done(), task.exception()
                    await asyncio.sleep(0.02)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _streams(self) -> bool:
        entries = await self.bench.control.trace(kinds=["program"])
        return any(e["detail"].startswith("logcat -v") and e["ended_s"] is None for e in entries)


@asynccontextmanager
async def closed_after(client: nats.NATS) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await client.close()


@pytest.fixture
async def phone(bench, stack: Stack):
    @asynccontextmanager
    async def opened(api: int = 33) -> AsyncIterator[Watching]:
        access = stack.s3
        address = StoreAddress(access.endpoint, access.access_key, access.secret_key, access.bucket)
        client = await nats.connect(stack.nats_url)
        async with closed_after(client), bench(playing(TestWorld), api=api) as b, Objects(address) as objects:
            js = client.jetstream(timeout=10)
            await provision(js)
            log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
            attached = Attached(await Phone.open(b.client, b.serial), AdbTime())
            yield Watching(b, log, objects, client, attached)

    return opened


def write(buffer: str, tag: str, *messages: str, pid: int, at_s: float | None = None, priority: str = "E") -> None:
    now_s = time.time() if at_s is None else at_s
    TestWorld.latest.lines += [LogLine(now_s, buffer, priority, tag, pid, message) for message in messages]


def crash(pid: int = 4321, at_s: float | None = None) -> None:
    write("main", "Shop", "用户 mia@example.com 打开购物车", pid=pid, at_s=at_s)
    head = ("FATAL EXCEPTION: main", f"Process: com.test, PID: {pid}")
    write("crash", "AndroidRuntime", *head, *STACK, pid=pid, at_s=at_s)


def native(pid: int) -> None:
    lines = tombstone(random.Random(pid), "com.test", pid, "SIGABRT", FRAMES)
    write("crash", "DEBUG", *lines, pid=pid + 30, priority="F")


def anr(pid: int) -> None:
    reason = "Reason: Input dispatching timed out (x is not responding. Waited 5001ms)"
    write("system", "ActivityManager", "ANR in com.test (com.test/.Main)", f"PID: {pid}", reason, pid=900)
    write(ANR_TRACES, "com.test", ANR_STACK, pid=pid)


def killed_for_memory(pid: int) -> None:
    write("main", "lowmemorykiller", f"Kill 'com.test' ({pid}), uid 10123, oom_score_adj 0", pid=300, priority="I")


def asked(device_id: UUID, sequence: int) -> ActionRequested:
    run_id, now = derived_id("run", "watched"), datetime.now(UTC)
    return ActionRequested(
        run_id=run_id, task_id=run_id, device_id=device_id, serial="s", action_id=derived_id("action", sequence),
        sequence=sequence, lease_token=1, package="com.test", purpose="EXPLORE", action=Navigate(to="BACK"),
        expires_at=now, requested_at=now,
    )  # fmt: skip


@pytest.mark.parametrize("api", [23, 30, 33])
async def test_a_crash_comes_with_two_hundred_lines_of_log_and_what_the_phone_keeps_of_it(phone, api):
    async with phone(api) as p, p.watching():
        for at in range(300):
            write("main", "Busy", f"line {at}", pid=5)
        crash(pid=71)
        (seen,) = await p.told()

        assert (seen.kind, seen.source, seen.exception) == ("CRASH", "LOGCAT", "java.lang.IllegalStateException")
        log = await p.text(seen.log)
        assert "mia@example.com" in log
        assert "FATAL EXCEPTION" in log
        assert len(log.splitlines()) <= 200
        assert abs(seen.happened_at - datetime.now(UTC)) < timedelta(seconds=20)
        if api >= 30:
            assert "reason=4 (APP CRASH(EXCEPTION))" in await p.text(seen.exit_info)
        else:
            assert seen.exit_info is None
        assert seen.evidence_absent is None


async def test_a_native_crash_comes_with_its_tombstone(phone):
    async with phone() as p, p.watching():
        native(pid=72)
        (seen,) = await p.told()

        assert (seen.kind, seen.exception) == ("NATIVE", "SIGABRT")
        assert "Scene::draw" in seen.stack
        assert "Cmdline: com.test" in await p.text(seen.trace)


async def test_an_anr_is_told_with_what_its_main_thread_was_doing(phone):
    async with phone() as p, p.watching():
        anr(pid=73)
        (seen,) = await p.told()

        assert seen.kind == "ANR"
        assert "com.test.Rows.get" in seen.stack
        assert "DALVIK THREADS" in await p.text(seen.trace)
        assert seen.message.startswith("Input dispatching timed out")


async def test_a_crash_of_what_another_agent_did_belongs_to_its_run(phone):
    async with phone() as p, p.watching():
        action = asked(p.device_id, 5).model_copy(update={"run_id": uuid4()})
        cause = Cause(uuid4(), "test", action.run_id, None)
        await p.log.append([Write(action.OWNER, action.key, 0, (action,))], cause, datetime.now(UTC))
        crash(pid=74)
        (seen,) = await p.told()

        assert (seen.run_id, seen.action_id) == (action.run_id, action.action_id)


@pytest.fixture
def impatient(monkeypatch):
    """What the phone remembers is asked for often, and believed soon."""
    monkeypatch.setattr(crash_watch, "RECALL_EVERY_S", 0.3)
    monkeypatch.setattr(crash_watch, "SETTLED", timedelta(seconds=3))


@pytest.mark.usefixtures("impatient")
async def test_crashes_of_the_time_without_an_agent_are_told_once_when_it_is_back(phone):
    """One is in the log still, one only in what the phone remembers; the third was told before the agent left."""
    async with phone() as p:
        since = datetime.now(UTC) - timedelta(minutes=5)
        async with p.watching():
            crash(pid=1)
            await p.told(1)
        crash(pid=2)
        await p.bench.client.shell(p.bench.serial, "logcat -c", 5)
        crash(pid=3)
        async with p.watching(since):
            seen = await p.told(3)
            crash(pid=4)
            seen = await p.told(4)

        assert sorted((event.source, event.exception) for event in seen) == [
            ("DROPBOX", "java.lang.IllegalStateException"),
            *[("LOGCAT", "java.lang.IllegalStateException")] * 3,
        ]
        assert len({event.stack_key for event in seen}) == 1
        assert len({event.occurrence_id for event in seen}) == 4


async def test_old_phones_remember_by_their_reports(phone):
    async with phone(28) as p:
        crash(pid=17, at_s=time.time() - 20)
        await p.bench.client.shell(p.bench.serial, "logcat -c", 5)
        async with p.watching(datetime.now(UTC) - timedelta(minutes=5)):
            (seen,) = await p.told(1)
        assert (seen.source, seen.exception) == ("DROPBOX", "java.lang.IllegalStateException")


async def test_what_happened_before_a_phone_was_ever_watched_is_not_told(phone):
    async with phone() as p:
        crash(pid=1, at_s=time.time() - 3600)
        async with p.watching():
            crash(pid=2)
            (seen,) = await p.told(1)
        assert seen.happened_at > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.usefixtures("impatient")
async def test_an_app_in_front_that_is_killed_for_memory_is_told(phone):
    async with phone() as p, p.watching():
        killed_for_memory(pid=81)
        (seen,) = await p.told(1)
        assert (seen.kind, seen.source, seen.package) == ("LOW_MEMORY", "EXIT_INFO", "com.test")


async def test_two_agents_that_see_one_crash_tell_it_once(phone):
    async with phone() as p, p.watching(), p.watching():
        crash(pid=91)
        await p.told(1)
        crash(pid=92)
        seen = await p.told(2)
        assert len(seen) == 2


async def test_the_crash_belongs_to_the_action_that_was_the_last_to_begin(phone):
    async with phone() as p, p.watching():
        before, after = asked(p.device_id, 1), asked(p.device_id, 2)
        p.attached.begun.append((datetime.now(UTC), before))
        await asyncio.sleep(0.2)  # The clock of the phone is known to 50 ms.
        crash(pid=95)
        await asyncio.sleep(0.2)
        p.attached.begun.append((datetime.now(UTC), after))
        (seen,) = await p.told(1)
        assert (seen.action_id, seen.run_id) == (before.action_id, before.run_id)
