"""Tasks in plain language in PostgreSQL: live tables and rebuilt ones hold the same, whatever the batches; views and
triggers of the first design work; what was sealed with a key that is gone stays unreadable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from contracts.event import Event
from contracts.sealed import Sealed
from contracts.values import RunStatus
from deploy.embedded.nats import Nats
from services.cli.services import kept_by
from services.orchestrator.projections_autoglm import PROJECTION
from services.runtime.catch_up import CatchUp, connect
from services.runtime.log import Cause, Log, Write
from services.runtime.migrations import migrate
from services.runtime.projection import ERASED
from services.runtime.provision import key_bucket, provision
from services.runtime.rebuild import check, rebuild
from services.runtime.sealing import BucketKeyStore, Sealer
from tests.orchestrator import task_runs as told
from tests.orchestrator.stories import BEGIN

pytestmark = pytest.mark.system

SHORT = 3
"""Events a batch, so that a task is spread over many."""


@dataclass
class World:
    """A log of tasks, and the tables of them."""

    client: Client
    js: JetStreamContext
    log: Log
    dsn: str
    migrations: Path

    async def tell(self, *events: Event, begin: datetime = BEGIN) -> None:
        """Appends events one by one, a second apart."""
        known: dict[tuple[str, Any], int] = {}
        for number, event in enumerate(events):
            place = (event.OWNER, event.key)
            if place not in known:
                before = await self.log.read(*place, from_leader=True)
                known[place] = before[-1].seq if before else 0
            write = Write(event.OWNER, event.key, known[place], (event,))
            cause = Cause(uuid4(), "test", getattr(event, "run_id", None), None)
            (kept,) = await self.log.append([write], cause, begin + timedelta(seconds=number))
            known[place] = kept.seq

    async def project(self, batch_size: int = 256) -> None:
        """Brings the live tables to the end of the log, as their reader does."""
        await migrate(self.dsn, "autoglm", self.migrations)
        connection = await connect(self.dsn, "autoglm")
        try:
            reader = CatchUp(PROJECTION, self.js, self.dsn, "autoglm")
            seq = await reader.begin(connection)
            async for batch, _ in reader.read(seq, until_end=True, patience_s=0.2):
                for at in range(0, len(batch), batch_size):
                    part = batch[at : at + batch_size]
                    await reader.apply(connection, part, seq)
                    seq = part[-1].seq
        finally:
            await connection.close()

    async def rows(self, query: str, *values: Any) -> Sequence[Any]:
        connection = await connect(self.dsn, "autoglm")
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()


@pytest.fixture
async def world(tmp_path: Path, database: str) -> AsyncIterator[World]:
    server = Nats(tmp_path / "nats")
    await asyncio.to_thread(server.start)
    try:
        client = await nats.connect(server.url)
        js = client.jetstream(timeout=10)
        await provision(js)
        (kept,) = kept_by("autoglm")
        log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
        yield World(client, js, log, database, kept.migrations)
        await client.close()
    finally:
        await asyncio.to_thread(server.stop)


async def test_rebuilt_tables_are_the_live_ones_however_the_log_was_cut_into_batches(world: World) -> None:
    exploration = told.started(kind="explore", task_id=told.derived_id("task", "explored"))
    of_it = {"task_id": exploration.task_id, "run_id": exploration.run_id, "action_id": uuid4()}
    setup = told.finished(1, "SETUP").model_copy(update=of_it)
    await world.tell(*told.whole_task(), exploration, setup)
    await world.project(SHORT)
    replay = told.derived_id("task", "replayed")
    ids = {"task_id": replay, "run_id": told.run_of(replay)}
    again = [event.model_copy(update=ids) for event in told.whole_replay()[1:]]
    for number, event in enumerate(again):
        if hasattr(event, "action_id"):
            again[number] = event.model_copy(update={"action_id": told.derived_id("action", replay, event.sequence)})
    await world.tell(told.replay_started(task_id=replay), *again, told.scripted(2), told.switched(2, active=False))
    await world.project(SHORT)
    checked = await check(PROJECTION, world.migrations, world.js, world.dsn)
    assert (checked.differences, checked.parked) == ((), 0)
    rebuilt = await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    assert (rebuilt.events, rebuilt.parked) == (checked.events, 0)

    tasks = {row["task_id"]: row for row in await world.rows("SELECT * FROM tasks")}
    assert set(tasks) == {str(told.TASK_ID), str(replay)}
    first, second = tasks[str(told.TASK_ID)], tasks[str(replay)]
    assert (first["status"], first["result"], first["task_description"]) == ("completed", "订好了", told.GOAL)
    assert (second["status"], second["error_message"]) == ("error", "step 2: the screen is another one")
    assert first["script_id"] == second["script_id"] == told.version_id(1)
    assert first["last_activity"] > first["created_at"]

    steps = await world.rows("SELECT * FROM task_steps WHERE task_id = $1 ORDER BY step_number", str(told.TASK_ID))
    assert [row["step_number"] for row in steps] == list(range(1, len(steps) + 1))
    assert {row["step_type"] for row in steps} == {
        "thinking", "action", "screenshot", "error", "validation", "completion"}  # fmt: skip
    thought = next(row for row in steps if row["step_type"] == "thinking")
    assert thought["screenshot_path"] == f"tasks/{told.TASK_ID}/0001.png"
    tapped = next(row for row in steps if row["step_type"] == "action")
    assert (tapped["success"], tapped["duration_ms"], tapped["thinking"]) == (True, 310, "先点搜索框。")
    assert tapped["step_data"]["element"] == [200, 240]
    assert tapped["action_result"] == {"success": True, "message": "new screen"}
    assert not await world.rows(
        "SELECT FROM task_steps t WHERE screenshot_path IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM step_screenshots s WHERE s.screenshot_path = t.screenshot_path)"
    )


async def test_the_newest_version_of_a_script_counts_and_the_summary_shows_it_with_its_task(world: World) -> None:
    await world.tell(
        told.started(), told.scripted(1), told.replayed(1), told.scripted(2), told.switched(1, active=True),
        told.scripted(3), told.switched(2, active=True), told.switched(2, active=False),
    )  # fmt: skip
    await world.project()
    rows = await world.rows("SELECT script_version, is_active, success_rate FROM scripts ORDER BY script_version")
    assert [(row[0], row[1]) for row in rows] == [("1", False), ("2", False), ("3", True)]
    assert str(rows[0][2]) == "66.67"
    (summary,) = await world.rows("SELECT * FROM script_summary")
    assert (summary["id"], summary["task_status"], summary["user_id"], summary["total_steps"]) == (
        told.version_id(3), "running", "alice", 1)  # fmt: skip


async def test_what_was_sealed_with_a_lost_key_is_told_as_erased_and_the_rest_is_there(world: World) -> None:
    await world.tell(*told.whole_task())
    await world.project()
    keys = await key_bucket(world.js)
    assert await world.rows("SELECT FROM task_steps WHERE thinking LIKE '%搜索%'")
    await keys.delete(str(told.RUN_ID))
    await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    (task,) = await world.rows("SELECT * FROM tasks")
    assert (task["status"], task["result"]) == ("completed", ERASED)
    thinking = await world.rows("SELECT thinking, step_data FROM task_steps WHERE step_type = 'thinking'")
    assert {row["thinking"] for row in thinking} == {ERASED}
    assert {row["step_data"]["cost"] for row in thinking} == {"0.0105"}
    assert await world.rows("SELECT FROM parked_events") == []


async def test_a_text_that_postgresql_refuses_stops_no_task(world: World) -> None:
    goal = Sealed[str].of("买\x00帐篷")
    begun = told.started()
    spec = begun.spec.model_copy(update={"goal": goal})
    await world.tell(
        begun.model_copy(update={"spec": spec}),
        told.took(1, told.TAP_SEARCH, "a\x00b"),
        told.ended(RunStatus.FAILED, failure_reason="no\x00"),
    )
    await world.project()
    assert await world.rows("SELECT FROM parked_events") == []
    (task,) = await world.rows("SELECT * FROM tasks")
    assert (task["task_description"], task["error_message"]) == ("买\ufffd帐篷", "no\ufffd")
