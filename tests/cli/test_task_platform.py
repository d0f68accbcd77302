"""A task in plain language as people see it, on a real platform: started, watched, answered, kept in tables, reported,
replayed; and the tables made anew.

The tests share the platform and run in this order.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from click.testing import Result
from typer.testing import CliRunner

from deploy.embedded.openai_server import MODEL
from deploy.embedded.platform import Platform
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from tests.cli.test_report import Page
from tests.tasks import buying
from tests.tasks.playing import Play, PlayingModel

pytestmark = [pytest.mark.system, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

NAME = "buy a lamp"
PHONE = "factory:tests.tasks.apps:version_1"


@dataclass
class Running:
    platform: Platform
    model: PlayingModel
    env: dict[str, str]
    sql: asyncpg.Connection

    async def call(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=self.env)

    async def rows(self, *arguments: str) -> Any:
        result = await self.call(*arguments, "--json")
        assert result.exit_code == ExitCode.OK, result.output
        return json.loads(result.stdout)

    async def beside(self, *arguments: str) -> int:
        """A call while another one is under way, in a process of its own: its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", *arguments,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, **self.env},
        )  # fmt: skip
        return await process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("tasks-seen")
    async with Platform(folder, phones=[PHONE]) as platform, PlayingModel(platform.control) as model:
        assert platform.stack is not None
        sql = await asyncpg.connect(platform.stack.postgres_dsn)
        made = Running(platform, model, {**platform.stack.environ(), "WAYMARK_USER": "alice"}, sql)
        fields = [f"base_url={model.base_url}", f"model={MODEL}", "grammar=json", "vision=true"]
        configured = await made.call("config", "set", "LLM", "json", *fields)
        assert configured.exit_code == ExitCode.OK, configured.output
        yield made
        await sql.close()


async def test_a_task_is_started_watched_confirmed_and_ends_with_its_result(running: Running) -> None:
    goal = buying.goal("李伟")
    running.model.plays.append(Play(goal, buying.moves("李伟"), "json"))
    task = ["run", "task", goal, "--model", "json", "--name", NAME, "--id", "lamp", "--confirm", "ask"]
    watching = asyncio.create_task(running.call(*task))
    asked = "SELECT task_id FROM autoglm.task_steps WHERE step_data->>'check' = 'person' AND success IS NULL"
    while not watching.done():
        found = await running.sql.fetchrow(asked) if await _there(running) else None
        if found is not None:
            assert await running.beside("confirm", found["task_id"]) in {ExitCode.OK, ExitCode.FAILED}
        await asyncio.sleep(0.2)
    result = await watching
    assert result.exit_code == ExitCode.OK, result.output
    for turn in range(1, 14):
        assert f" turn {turn}: " in result.output
    assert ">>> A PERSON IS ASKED" in result.output
    assert "confirmed by alice" in result.output, result.output
    assert f"Result: {buying.BOUGHT}" in result.output
    assert "waymark run replay" in result.output
    assert re.search(r"\[\d+ tokens, \d+ so far", result.output)


async def _there(running: Running) -> bool:
    return await running.sql.fetchval("SELECT to_regclass('autoglm.task_steps')") is not None


async def test_its_rows_are_there_and_everything_fits_together(running: Running) -> None:
    findings = json.loads((await running.call("verify", "--timeout", "30", "--json")).stdout)
    assert [finding for finding in findings if not finding["ok"]] == []
    (task,) = await running.sql.fetch("SELECT * FROM autoglm.tasks")
    assert (task["status"], task["result"], task["task_description"]) == (
        "completed", buying.BOUGHT, buying.goal("李伟"))  # fmt: skip
    assert task["script_id"] is not None
    steps = await running.sql.fetch("SELECT * FROM autoglm.task_steps ORDER BY step_number")
    kinds = [row["step_type"] for row in steps]
    assert kinds.count("thinking") == 13
    assert kinds.count("completion") == 1
    acted = [row for row in steps if row["step_type"] == "action"]
    assert len(acted) == 12
    assert all(row["success"] and json.loads(row["action_result"])["success"] for row in acted)
    pictured = [row["step_number"] for row in acted if row["screenshot_path"] is not None]
    assert pictured[:9] == [row["step_number"] for row in acted[:9]], "only the payment forbids pictures"
    seen = [row for row in steps if row["step_type"] == "thinking"]
    assert all(row["screenshot_path"] is not None for row in seen[:9])
    assert all(row["thinking"] for row in seen)
    assert await running.sql.fetchval("SELECT count(*) FROM autoglm.step_screenshots") == kinds.count("screenshot")


async def test_its_report_has_every_turn_with_its_picture(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "task.html"
    result = await running.call("report", "last", "-o", str(path))
    assert result.exit_code == ExitCode.OK, result.output
    page = Page(path.read_text())
    turns = await running.sql.fetchval("SELECT count(DISTINCT step_data->>'turn') FROM autoglm.task_steps")
    assert page.count("article") == turns >= 13
    assert page.count("image") >= 6
    assert page.count("circle") >= 2 * 8
    text = "".join(page.texts)
    for wanted in (buying.goal("李伟"), buying.BOUGHT, "Confirmed by alice", NAME):
        assert wanted in text


async def test_its_script_is_replayed_by_its_name_and_the_replay_is_a_task_too(running: Running) -> None:
    before = running.model.requests.total
    result = await running.call("run", "replay", NAME)
    assert result.exit_code == ExitCode.OK, result.output
    assert running.model.requests.total == before
    assert "step 1 of " in result.output
    findings = json.loads((await running.call("verify", "--timeout", "30", "--json")).stdout)
    assert [finding for finding in findings if not finding["ok"]] == []
    rows = await running.sql.fetch("SELECT * FROM autoglm.tasks ORDER BY created_at")
    assert [row["status"] for row in rows] == ["completed", "completed"]
    assert rows[0]["script_id"] == rows[1]["script_id"]
    (script,) = await running.sql.fetch("SELECT * FROM autoglm.script_summary")
    assert (script["task_name"], str(script["success_rate"]), script["task_status"]) == (NAME, "100.00", "completed")
    assert script["execution_time"] > 0


async def test_both_tables_made_anew_are_the_same(running: Running) -> None:
    for one in await running.rows("rebuild", "orchestrator", "--check"):
        assert (one["differences"], one["parked"]) == ([], 0)
    for one in await running.rows("rebuild", "orchestrator"):
        assert one["parked"] == 0
    assert (await running.rows("rebuild", "autoglm", "--check"))["differences"] == []


async def test_what_is_over_cannot_be_answered(running: Running) -> None:
    result = await running.call("confirm", "last")
    assert (result.exit_code, "is over" in result.output) == (ExitCode.FAILED, True)
