"""Steps on the whole platform: an exploration that logs in first, tasks of steps, and a person's hand in between.

The tests share the platform and run in this order. The password is in the environment of the services and nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from click.testing import Result
from nats.js.errors import NotFoundError
from typer.testing import CliRunner

from contracts.device_agent import ActionFinished
from contracts.orchestrator import ActionRequested, RunFinished, TaskAccepted
from contracts.subjects import DEAD_LETTERS, REQUESTS, STREAM, TIMERS
from deploy.embedded.platform import Platform
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from tests.system.exploring import PACKAGE, captured, events, quiet, store, until

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

SECRET = "Xk9-geheim-Qw7"
LOGIN = """
app: com.waymark.demo
steps:
  - launch
  - if_seen: {visible: "Accept all terms", timeout_s: 0, steps: [{tap: "Accept all terms"}]}
  - type: {into: id=user, text: "{{account.user}}"}
  - type: {into: id=password, text: "{{account.password}}"}
  - tap: Sign in
  - expect: {visible: Checkout, not_visible: Sign in, timeout_s: 10}
"""


@dataclass
class Running:
    platform: Platform
    env: dict[str, str]
    folder: Path
    sql: asyncpg.Connection

    async def call(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=self.env)

    async def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    async def steps(self, text: str, *options: str) -> Result:
        return await self.call("run", "steps", await self.file("steps.yaml", text), "--wait", *options)

    @property
    def serial(self) -> str:
        return self.platform.serials[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("steps")
    async with Platform(folder, phones=["demo@1"], environ={"SHOP_PASSWORD": SECRET}) as platform:
        assert platform.stack is not None
        env = {**platform.stack.environ(), "WAYMARK_USER": "alice"}
        sql = await asyncpg.connect(platform.stack.postgres_dsn)
        try:
            yield Running(platform, env, folder, sql)
        finally:
            await sql.close()


async def test_an_exploration_logs_in_with_its_account_first_and_goes_on_behind_the_login(running: Running) -> None:
    secret = ["--secret", "password=env:SHOP_PASSWORD"]
    declared = await running.call("accounts", "add", "qa1", "--pool", "shop", "user=小明", *secret)
    assert declared.exit_code == ExitCode.OK, declared.output
    setup = await running.file("login.yaml", LOGIN)
    explore = ["run", "explore", "--app", PACKAGE, "--setup", setup, "--account", "shop", "--max-steps", "16", "--wait"]
    result = await running.call(*explore)
    assert result.exit_code == ExitCode.OK, result.output

    asked = [r.event for r in await events(running.platform, ActionRequested)]
    setups = [a for a in asked if a.purpose == "SETUP"]
    assert [a.step.number for a in setups if a.step is not None] == ["1", "2", "3", "4", "5", "6"]
    assert asked.index(setups[-1]) == 5, "nothing comes before the set-up, or in between"
    assert {a.purpose for a in asked[6:]} >= {"EXPLORE"}
    names = {s["name"] for s in json.loads((await running.call("screens", "--json")).stdout)}
    assert any("Checkout" in name or "Home" in name or "Waymark" in name for name in names), names


async def test_the_password_is_in_no_event_no_row_no_object_and_no_log(running: Running) -> None:
    await quiet(running.platform)
    forms = [SECRET.encode(), base64.b64encode(SECRET.encode()), SECRET.encode().hex().encode()]
    looked = 0
    js = running.platform.nats.jetstream(timeout=10)
    for stream in (STREAM, REQUESTS, TIMERS, DEAD_LETTERS):
        for seq in range(1, (await js.stream_info(stream)).state.last_seq + 1):
            try:
                message = await js.get_msg(stream, seq)
            except NotFoundError:  # a timer that has fired
                continue
            looked += 1
            assert not any(form in (message.data or b"") for form in forms), message.subject
    assert looked > 100
    tables = await running.sql.fetch(
        "SELECT table_schema AS s, table_name AS t FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    assert len(tables) > 10
    for table in tables:
        rows = await running.sql.fetch(f'SELECT t::text FROM "{table["s"]}"."{table["t"]}" t')
        assert not any(SECRET in row[0] for row in rows), table
    async with store(running.platform) as objects:
        kept = [await objects.get(ref.key) for ref in await captured(running.platform)]
    assert len(kept) > 20
    assert not any(form in content for content in kept for form in forms)
    logs = list((running.platform.folder / "logs").glob("*.log"))
    assert len(logs) >= 7
    assert not any(SECRET in path.read_text(errors="replace") for path in logs if path.name != "simulator.log")


async def test_a_task_of_steps_fills_the_tables_like_any_run(running: Running) -> None:
    result = await running.steps("- press: home\n- wait: {stable: true}\n", "--id", "plain", "--json")
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert (told["status"], told["actions"], told["actions_succeeded"]) == ("SUCCEEDED", 2, 2)
    verified = json.loads((await running.call("verify", "--timeout", "30", "--json")).stdout)
    assert [finding for finding in verified if not finding["ok"]] == []
    row = await running.sql.fetchrow(
        "SELECT a.package_name, v.version_name, v.version_code, r.status, r.total_actions, t.status AS task"
        " FROM orchestrator.task_runs r JOIN orchestrator.tasks t ON t.id = r.task_id"
        " JOIN orchestrator.app_versions v ON v.id = t.app_version_id JOIN orchestrator.apps a ON a.id = v.app_id"
        " WHERE r.id = $1::uuid",
        told["run"],
    )
    assert tuple(row) == ("android", "13", 33, "SUCCEEDED", 2, "COMPLETED")
    actions = await running.sql.fetch(
        "SELECT action_type, status, params::jsonb->>'purpose' AS purpose FROM device_agent.task_actions"
        " WHERE task_run_id = $1::uuid ORDER BY sequence",
        told["run"],
    )
    assert [tuple(action) for action in actions] == [("CUSTOM", "SUCCESS", "STEP")] * 2


async def test_a_step_that_fails_says_which_and_what_was_there_and_its_picture_is_kept(running: Running) -> None:
    result = await running.steps(
        f"app: {PACKAGE}\nsteps:\n- launch\n- tap: {{element: 不存在, timeout_s: 1}}\n- press: back\n"
    )
    assert result.exit_code == ExitCode.FAILED
    assert "step 2 of 3 (tap text=不存在): not within 1 s: nothing matches text=不存在; on the screen" in result.output
    assert '"Checkout"' in result.output
    finished = (await events(running.platform, RunFinished))[-1].event
    assert finished.total_actions == 2
    last = (await events(running.platform, ActionFinished))[-1].event
    assert (last.error_code, last.run_id) == ("NOT_FOUND", finished.run_id)
    assert last.capture is not None
    async with store(running.platform) as objects:
        assert last.capture.screenshot is not None
        assert (await objects.get(last.capture.screenshot.key)).startswith(b"\x89PNG")


async def test_a_hand_taps_types_swipes_and_looks(running: Running, tmp_path: Path) -> None:
    serial = running.serial
    for arguments in (
        ["tap", serial, "--id", "search", "--timeout", "1"],
        ["tap", serial, "What next?"],
        ["press", serial, "back"],
        ["swipe", serial, "up"],
    ):
        result = await running.call(*arguments)
        assert result.exit_code in {ExitCode.OK, ExitCode.FAILED}, (arguments, result.output)
    done = await running.call("tap", serial, "540", "600", "--json")
    assert json.loads(done.stdout)["point"] == {"x": 540, "y": 600}
    missing = await running.call("tap", serial, "text=没有", "--timeout", "0")
    assert missing.exit_code == ExitCode.FAILED
    assert "nothing matches text=没有" in missing.output
    assert (await running.call("shot", serial, "-o", str(tmp_path / "s.png"))).exit_code == ExitCode.OK
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "<hierarchy" in (await running.call("dump", serial)).stdout
    assert "FrameLayout" in (await running.call("dump", serial, "--tree")).stdout
    assert (await running.call("shot", "no-such-phone")).exit_code == ExitCode.NOT_FOUND
    alerts = json.loads((await running.call("alerts", "--json")).stdout)
    assert not any("没有" in alert["message"] for alert in alerts), "whoever tapped sees it"


async def test_a_locator_is_tried_and_a_point_gets_locators(running: Running) -> None:
    serial = running.serial
    await running.steps(f"app: {PACKAGE}\nsteps:\n- launch: {{restart: true}}\n- wait: Checkout\n")
    one = await running.call("locate", serial, "text=Checkout", "--json")
    [row] = json.loads(one.stdout)
    assert (one.exit_code, row["seen"]) == (ExitCode.OK, True)
    none = await running.call("locate", serial, "id=nirgends")
    assert none.exit_code == ExitCode.NOT_FOUND
    assert "nothing matches id=nirgends" in none.output
    x, y = str(row["point"]["x"]), str(row["point"]["y"])
    found = json.loads((await running.call("locate", serial, x, y, "--json")).stdout)
    best = found[0]["locators"][0]["locator"]
    again = await running.call("locate", serial, best, "--json")
    assert [r["bounds"] for r in json.loads(again.stdout)] == [found[0]["element"]["bounds"]]


async def test_a_phone_that_a_run_has_is_looked_at_through_it_and_touched_by_nobody_else(running: Running) -> None:
    serial = running.serial
    holding = await running.file("hold.yaml", "- press: home\n- wait: {visible: never there, timeout_s: 120}\n")
    started = await running.call("run", "steps", holding, "--name", "long wait", "--json")
    run = json.loads(started.stdout)["run"]

    async def has_it() -> bool:
        return any(str(r.event.run_id) == run and r.event.sequence == 2
                   for r in await events(running.platform, ActionRequested))  # fmt: skip

    await until("the run that waits", has_it)
    looked = await running.call("shot", serial)
    assert looked.exit_code == ExitCode.OK
    assert f'run {run} ("long wait" of alice) has the phone' in looked.stderr
    refused = await running.call("tap", serial, "1", "1", "--wait", "0.5")
    assert refused.exit_code == ExitCode.FAILED
    assert f"waymark run stop {run}" in refused.output
    assert (await running.call("run", "stop", run)).exit_code == ExitCode.OK
    again = await running.call("tap", serial, "1", "1", "--wait", "60")
    assert again.exit_code == ExitCode.OK, again.output


async def test_steps_that_cannot_be_read_are_refused_with_their_place(running: Running) -> None:
    bad = await running.file("bad.yaml", "- tap: OK\n- tapp: OK\n")
    for command in (["steps", "check", bad], ["run", "steps", bad], ["run", "explore", "--app", "a.b", "--setup", bad]):
        result = await running.call(*command)
        assert result.exit_code == ExitCode.USAGE, command
        assert f"{bad}:2: step 2: `tapp` is no step (is it `tap`?)" in result.output
    before = len(await events(running.platform, TaskAccepted))
    await running.platform.request("waymark.request.task.bob", {"kind": "steps", "steps": [{"tap": "{{who}}"}]})
    await quiet(running.platform)
    assert len(await events(running.platform, TaskAccepted)) == before
