"""The command on the whole platform: one short exploration, looked at, rebuilt, verified, reported.

The tests share it and run in this order; what one of them damages, it mends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from click.testing import Result
from typer.testing import CliRunner

from deploy.embedded.platform import Platform
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from services.cli.services import all_kept
from services.cli.verify import REFERENCES
from services.runtime.fingerprint import identical
from services.runtime.rebuild import OLD_SUFFIX, SUFFIX
from tests.cli.test_report import Page

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

PACKAGE = "com.waymark.demo"
LIMIT_S = 60.0


@dataclass
class Running:
    """The platform with an exploration that is over, and the command as a person calls it."""

    platform: Platform
    env: dict[str, str]
    run: dict[str, Any]
    sql: asyncpg.Connection

    async def call(self, *arguments: str, stdin: str | None = None) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=self.env, input=stdin)

    async def meanwhile(self, *arguments: str, stdin: str) -> tuple[int, str]:
        """A call that others are made beside, in a process of its own: exit code and standard output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, **self.env},
        )  # fmt: skip
        try:
            output, _ = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def rows(self, *arguments: str) -> Any:
        result = await self.call(*arguments, "--json")
        assert result.exit_code == ExitCode.OK, result.output
        return json.loads(result.stdout)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("platform")
    async with Platform(folder, phones=["demo@1"]) as platform:
        assert platform.stack is not None
        env = {**platform.stack.environ(), "WAYMARK_USER": "alice"}
        explore = ["run", "explore", "--app", PACKAGE, "--max-steps", "14", "--id", "short", "--wait", "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, explore, env=env)
        assert result.exit_code == ExitCode.OK, result.output
        sql = await asyncpg.connect(platform.stack.postgres_dsn)
        try:
            yield Running(platform, env, json.loads(result.stdout), sql)
        finally:
            await sql.close()


async def caught_up(running: Running) -> list[dict[str, Any]]:
    result = await running.call("verify", "--timeout", "30", "--json")
    findings: list[dict[str, Any]] = json.loads(result.stdout)
    assert (result.exit_code == ExitCode.OK) is all(finding["ok"] for finding in findings)
    return findings


async def test_verify_finds_nothing_wrong_after_a_run(running: Running) -> None:
    findings = await caught_up(running)
    assert [finding for finding in findings if not finding["ok"]] == []
    checked = {finding["check"]: finding["looked_at"] for finding in findings}
    assert {reference.name for reference in REFERENCES} <= set(checked)
    assert checked["device_agent.task_actions.screen_id → screen_indexer.screens"] > 5
    assert checked["objects in the store"] > 5


async def test_lists_tell_of_the_run(running: Running) -> None:
    [run] = await running.rows("runs")
    assert (run["id"], run["status"], run["app"]) == (running.run["run"], "SUCCEEDED", PACKAGE)
    assert running.run["actions"] == run["total_actions"]
    assert running.run["screens"] == run["coverage_screens"]
    [task] = await running.rows("tasks")
    assert (task["id"], task["by"], task["status"]) == (running.run["task"], "alice", "COMPLETED")
    [phone] = await running.rows("devices")
    assert (phone["serial"], phone["runs"]) == (running.platform.serials[0], 1)
    screens = await running.rows("screens", "--run", "last")
    assert len({screen["name"] for screen in screens}) == len(screens) >= running.run["screens"]
    locators = await running.rows("locators", screens[0]["id"])
    ranks = [locator["rank"] for locator in locators if locator["element_id"] == locators[0]["element_id"]]
    assert ranks == list(range(1, len(ranks) + 1))
    only = await running.rows("locators", "--element", locators[0]["element_id"])
    assert [locator["id"] for locator in only] == [locator["id"] for locator in locators[: len(ranks)]]
    assert "╭" not in (await running.call("screens")).stdout


async def test_a_task_that_is_sent_twice_under_one_id_is_one_task(running: Running) -> None:
    result = await running.call("run", "explore", "--app", PACKAGE, "--id", "short", "--json")
    assert json.loads(result.stdout) == {
        "task": running.run["task"], "run": running.run["run"], "accepted_before": True
    }  # fmt: skip


async def test_watching_a_run_that_is_over_tells_it_again_and_ends_with_its_outcome(running: Running) -> None:
    result = await running.call("watch", running.run["run"][:8])
    assert result.exit_code == ExitCode.OK
    assert f"{running.run['screens']} screens" in result.stdout
    assert "screen 1: " in result.stdout


async def test_a_task_is_stopped_and_the_exit_code_says_that_it_did_not_succeed(running: Running) -> None:
    body = json.dumps({"kind": "explore", "app": PACKAGE, "id": "stopped", "limits": {"max_steps": 1000}})
    watching = asyncio.create_task(running.meanwhile("submit", "-", "--follow", stdin=body))
    async with asyncio.timeout(LIMIT_S):
        while len(await running.rows("runs")) < 2:
            await asyncio.sleep(0.2)
        stopped = await running.call("run", "stop", "last", "--reason", "enough")
        assert stopped.exit_code == ExitCode.OK, stopped.output
        code, output = await watching
    assert code == ExitCode.FAILED
    assert "CANCELLED" in output
    again = await running.call("run", "stop", str(uuid4()))
    assert again.exit_code == ExitCode.NOT_FOUND


async def test_a_request_about_a_task_that_nobody_knows_is_refused_in_words(running: Running) -> None:
    refused = await running.call("submit", "-", stdin=json.dumps({"kind": "pause", "task": str(uuid4())}))
    assert refused.exit_code == ExitCode.FAILED
    assert "UNKNOWN_TASK" in refused.output


async def test_a_refused_request_is_a_dead_letter_that_can_be_sent_again_and_dropped(running: Running) -> None:
    async def of_bob() -> Any:
        return [letter for letter in await running.rows("dlq", "list") if letter["subject"].endswith(".bob")]

    await running.platform.request("waymark.request.task.bob", b"{nonsense")
    async with asyncio.timeout(LIMIT_S):
        while not (letters := await of_bob()):
            await asyncio.sleep(0.1)
    number = str(letters[0]["number"])
    assert letters[0]["kind"] == "request"
    assert "{nonsense" in (await running.call("dlq", "show", number)).stdout
    assert (await running.call("dlq", "retry", number)).exit_code == ExitCode.OK
    async with asyncio.timeout(LIMIT_S):
        while not (letters := await of_bob()) or letters[0]["number"] == int(number):
            await asyncio.sleep(0.1)
    assert (await running.call("dlq", "drop", str(letters[0]["number"]))).exit_code == ExitCode.OK
    assert await of_bob() == []
    assert (await running.call("dlq", "show", number)).exit_code == ExitCode.NOT_FOUND


async def test_a_configuration_is_set_and_listed(running: Running) -> None:
    fields = ["channel=FEISHU", "target=https://hook.example/open-apis/bot/v2/hook/t", "severities=[P1]"]
    result = await running.call("config", "set", "alert_channel", "qa", *fields, "--secret", "env:QA", "--disabled")
    assert result.exit_code == ExitCode.OK, result.output
    await caught_up(running)
    [config] = await running.rows("config", "list")
    assert (config["name"], config["secret_ref"], config["enabled"]) == ("qa", "env:QA", False)
    assert config["config"]["severities"] == ["P1"]


async def done(running: Running, *arguments: str) -> str:
    result = await running.call(*arguments)
    assert result.exit_code == ExitCode.OK, result.output
    return str(result.stdout)


async def test_a_phone_is_tagged_reserved_and_released(running: Running) -> None:
    serial = running.platform.serials[0]
    assert "pool=结账" in await done(running, "devices", "tag", serial, "pool=结账", "rack=3")
    await done(running, "devices", "reserve", serial, "--for", "bob", "--until", "2h", "--why", "a strange bug")
    await caught_up(running)
    [phone] = await running.rows("devices", "list")
    assert (phone["own_tags"], phone["tags"]["pool"]) == ({"pool": "结账", "rack": "3"}, "结账")
    assert (phone["reserved"]["user"], phone["lease"], phone["waiting"]) == ("bob", None, 0)
    assert "reserved for bob until" in phone["kept"]
    waiting = await running.rows("run", "explore", "--app", PACKAGE, "--where", "pool=结账", "--id", "waiting")
    [queued] = await running.rows("run", "list")
    assert (queued["id"], queued["status"], queued["place"], queued["by"]) == (waiting["task"], "QUEUED", 1, "alice")
    await done(running, "run", "stop", waiting["task"])
    assert "is no longer reserved for bob" in await done(running, "devices", "release", serial)
    again = await running.call("devices", "release", serial)
    assert (again.exit_code, "NOT_RESERVED" in again.output) == (ExitCode.FAILED, True)


async def test_test_accounts_are_declared_listed_and_removed(running: Running) -> None:
    declared = await done(
        running, "accounts", "add", "qa1", "--pool", "shop", "user=小明", "--secret", "password=env:QA1"
    )
    assert "declared" in declared
    [account] = await running.rows("accounts", "list")
    assert (account["name"], account["pool"], account["run"]) == ("qa1", "shop", None)
    assert (account["fields"], account["secrets"]) == ({"user": "小明"}, {"password": "env:QA1"})
    await done(running, "accounts", "remove", "qa1")
    assert await running.rows("accounts", "list") == []


async def test_schedules_are_set_held_and_ended(running: Running) -> None:
    nightly = ["0 3 1 1 *", "--zone", "Asia/Shanghai", "--app", PACKAGE, "--name", "每夜", "--phones", "all"]
    await done(running, "schedules", "add", *nightly)
    [schedule] = await running.rows("schedules", "list")
    assert (schedule["name"], schedule["zone"], schedule["held"]) == ("每夜", "Asia/Shanghai", False)
    await done(running, "schedules", "pause", "每夜")
    async with asyncio.timeout(LIMIT_S):
        while not (await running.rows("schedules", "list"))[0]["held"]:
            await asyncio.sleep(0.1)
    await done(running, "schedules", "remove", schedule["id"][:8])
    async with asyncio.timeout(LIMIT_S):
        while await running.rows("schedules", "list"):
            await asyncio.sleep(0.1)
    wrong = await running.call("schedules", "add", "0 25 * * *", "--app", PACKAGE)
    assert (wrong.exit_code, "Bad hour" in wrong.output) == (ExitCode.FAILED, True)


def only(rebuilt: Any, schema: str) -> Any:
    """What was said of one schema: a service with several says it of each."""
    return next(one for one in rebuilt if one["schema"] == schema) if isinstance(rebuilt, list) else rebuilt


@pytest.mark.parametrize("kept", all_kept(), ids=lambda kept: kept.projection.name)
async def test_rebuilt_tables_are_identical_and_the_live_reader_goes_on(running: Running, kept: Any) -> None:
    await caught_up(running)
    schema = kept.projection.schema
    before = await running.sql.fetchval("SELECT oid FROM pg_namespace WHERE nspname = $1", schema)
    checked = only(await running.rows("rebuild", schema, "--check"), schema)
    assert checked["differences"] == []
    assert only(await running.rows("rebuild", schema), schema)["events"] == checked["events"]
    names = {row[0] for row in await running.sql.fetch("SELECT nspname FROM pg_namespace")}
    assert not names & {schema + SUFFIX, schema + OLD_SUFFIX}
    assert await running.sql.fetchval("SELECT oid FROM pg_namespace WHERE nspname = $1", schema) != before
    assert [finding for finding in await caught_up(running) if not finding["ok"]] == []


async def test_both_schemas_of_the_orchestrator_are_rebuilt_at_once(running: Running) -> None:
    await caught_up(running)
    made = await running.rows("rebuild", "orchestrator")
    assert [one["schema"] for one in made] == ["orchestrator", "autoglm"]
    assert [finding for finding in await caught_up(running) if not finding["ok"]] == []


async def test_the_readers_follow_the_rebuilt_tables(running: Running) -> None:
    """However the run ends: what counts is that its events become rows."""
    before = len(await running.rows("runs"))
    later = ["run", "explore", "--app", PACKAGE, "--id", "later", "--max-steps", "6", "--no-validate", "--wait"]
    result = await running.call(*later)
    assert result.exit_code in {ExitCode.OK, ExitCode.FAILED}
    assert [finding for finding in await caught_up(running) if not finding["ok"]] == []
    assert len(await running.rows("runs")) == before + 1
    assert (await running.rows("rebuild", "device_agent", "--check"))["differences"] == []


async def test_a_changed_row_is_found_by_the_check_and_mended_by_a_rebuild(running: Running) -> None:
    await running.sql.execute("UPDATE screen_indexer.screens SET primary_text = 'changed by hand'")
    result = await running.call("rebuild", "screen_indexer", "--check")
    assert result.exit_code == ExitCode.FAILED
    assert "screens: " in result.stderr
    await running.rows("rebuild", "screen_indexer")
    assert (await running.rows("rebuild", "screen_indexer", "--check"))["differences"] == []
    dsn = running.env["WAYMARK_POSTGRES_DSN"]
    assert await identical(dsn, "screen_indexer", "screen_indexer") == []
    assert await identical(dsn, "screen_indexer", "device_agent") != []


async def test_views_of_other_schemas_and_grants_survive_a_rebuild(running: Running) -> None:
    await running.sql.execute("CREATE ROLE dashboard")
    await running.sql.execute("GRANT USAGE ON SCHEMA device_agent TO dashboard")
    await running.sql.execute("GRANT SELECT ON device_agent.devices TO dashboard")
    await running.sql.execute("CREATE VIEW public.phones AS SELECT serial AS phone FROM device_agent.devices")
    await running.rows("rebuild", "device_agent")
    assert await running.sql.fetchval("SELECT phone FROM public.phones") == running.platform.serials[0]
    assert await running.sql.fetchval("SELECT has_table_privilege('dashboard', 'device_agent.devices', 'SELECT')")
    assert await running.sql.fetchval("SELECT has_schema_privilege('dashboard', 'device_agent', 'USAGE')")
    await running.sql.execute("UPDATE device_agent.devices SET model = 'by hand'")
    await running.rows("rebuild", "device_agent")
    assert await running.sql.fetchval("SELECT model FROM device_agent.devices") != "by hand"
    await running.sql.execute("DROP VIEW public.phones")


async def test_verify_names_what_dangles(running: Running) -> None:
    action = await running.sql.fetchrow(
        "SELECT id, screen_id FROM device_agent.task_actions WHERE screen_id IS NOT NULL"
    )
    lost = uuid4()
    await running.sql.execute("UPDATE device_agent.task_actions SET screen_id = $2 WHERE id = $1", action["id"], lost)
    await running.sql.execute(
        "UPDATE screen_indexer.screens SET dom_path = 'no/such.xml' WHERE id = $1", action["screen_id"]
    )
    wrong = {finding["check"]: finding for finding in await caught_up(running) if not finding["ok"]}
    assert set(wrong) == {"device_agent.task_actions.screen_id → screen_indexer.screens", "objects in the store"}
    assert any(
        str(lost) in text for text in wrong["device_agent.task_actions.screen_id → screen_indexer.screens"]["examples"]
    )
    assert wrong["objects in the store"]["examples"] == ["no/such.xml"]
    shown = await running.call("verify")
    assert shown.exit_code == ExitCode.FAILED
    assert "no/such.xml" in shown.stdout
    for schema in ("device_agent", "screen_indexer"):
        await running.rows("rebuild", schema)
    assert [finding for finding in await caught_up(running) if not finding["ok"]] == []


async def test_the_report_shows_every_screen_of_the_run(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = await running.call("report", running.run["run"], "-o", str(path))
    assert result.exit_code == ExitCode.OK, result.output
    page = Page(path.read_text())
    screens = await running.rows("screens", "--run", running.run["run"])
    text = "".join(page.texts)
    assert sum(name.startswith("screen-") for name in page.ids) == len(screens)
    assert all(screen["name"] in text for screen in screens)
    assert sum(name.startswith("step-") for name in page.ids) == running.run["actions"]
    assert page.count("image") > 0
    gone = await running.call("report", str(uuid4()))
    assert gone.exit_code == ExitCode.NOT_FOUND


async def test_the_trace_begins_with_the_run_and_names_its_trace(running: Running) -> None:
    traced = await running.rows("trace", running.run["run"])
    assert traced["trace_id"] == running.run["run"].replace("-", "")
    assert traced["trace_ids"] == [traced["trace_id"]]
    kinds = [event["type"].split(".")[2] for event in traced["events"]]
    assert kinds[0] == "RunStarted"
    assert kinds.count("StepFinished") == running.run["actions"]
    assert all(event["traceparent"][3:35] == traced["trace_id"] for event in traced["events"] if event["traceparent"])
    assert "RunStarted" in (await running.call("trace", running.run["run"])).stdout.splitlines()[1]


async def test_the_phone_can_be_looked_at(running: Running, tmp_path: Path) -> None:
    serial = running.platform.serials[0]
    assert (await running.call("shot", serial, "-o", str(tmp_path / "s.png"))).exit_code == ExitCode.OK
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "<hierarchy" in (await running.call("dump", serial)).stdout
    assert (await running.call("shot", "no-such-phone")).exit_code == ExitCode.NOT_FOUND
