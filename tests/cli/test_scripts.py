"""`waymark scripts`: files in, versions kept by the orchestrator, lists from the table, files for other tools out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from hypothesis import given
from typer.testing import CliRunner

from contracts.scripts import ScriptData
from deploy.embedded.stack import POSTGRES_DSN
from services.cli.__main__ import app
from services.cli.errors import CliError, ExitCode
from services.cli.scripts import read_data, written
from tests.cli.scripts import login, scripts
from tests.one_service import OneService

STEPS = """\
name: Log in
app: com.example.shop
variables: {user: alice}
steps:
  - launch
  - type: {into: id=user, text: "{{user}}"}
  - type: {into: id=q, text: "{{ what }} 帐篷"}
  - type: {into: id=password, text: "{{account.password}}"}
  - tap: Yes
"""


def kept_file(folder: Path, text: str, name: str = "login.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_steps_that_people_wrote_become_a_script_with_parameters(tmp_path: Path) -> None:
    data, values = read_data(kept_file(tmp_path, STEPS), None)
    assert (data.name, data.app, values) == ("Log in", "com.example.shop", {"user": "alice"})
    assert [(p.name, p.required) for p in data.parameters] == [("user", False), ("what", True)]
    assert [next(iter(type(step.step).model_fields)) for step in data.steps] == [
        "launch",
        "type",
        "type",
        "type",
        "tap",
    ]
    assert data.steps[1].words == "type into id=user"
    assert data.steps[-1].step.tap.element.text == "Yes"
    plain, _ = read_data(kept_file(tmp_path, "- tap: 登录\n", "进入.yaml"), None)
    assert plain.name == "进入"
    assert read_data(kept_file(tmp_path, STEPS), "Mine")[0].name == "Mine"


def test_a_whole_script_is_written_with_the_values_that_were_typed_and_read_with_them(tmp_path: Path) -> None:
    values = {"user": "Yes", "password": "0123"}
    assert read_data(kept_file(tmp_path, written(login(), values)), "Mine")[1] == values
    wrong = written(login()) + "variables: [alice]\n"
    with pytest.raises(CliError, match="variables:1: Input should be a valid dictionary"):
        read_data(kept_file(tmp_path, wrong), None)


@pytest.mark.thorough
@given(scripts())
def test_a_whole_script_survives_its_file(tmp_path_factory: pytest.TempPathFactory, data: ScriptData) -> None:
    path = kept_file(tmp_path_factory.mktemp("whole"), written(data))
    assert read_data(path, None) == (data, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format: waymark.script/2\nname: x\nsteps: []\n", "f.yaml:1: format: Input should be 'waymark.script/1'"),
        ("format: waymark.script/1\nname: x\nsteps:\n- step: {tapp: a}\n", "f.yaml:4: step 1, step: `tapp` is no step"),
        ("format: waymark.script/1\nsteps:\n- step: launch\n", "name: this field is needed"),
        ("- tapp: a\n", "f.yaml:1: step 1: `tapp` is no step (is it `tap`?)"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CliError) as caught:
        read_data(kept_file(tmp_path, text, "f.yaml"), None)
    assert caught.value.code is ExitCode.USAGE
    assert said in str(caught.value)


# --- with the orchestrator --------------------------------------------------------------------------------------------


@pytest.fixture
async def one(stack: Any, database: str, tmp_path: Path) -> AsyncIterator[OneService]:
    async with OneService.running("orchestrator", stack, database, tmp_path) as service:
        yield service


async def call(one: OneService, *arguments: str, stdin: str | None = None, **changes: str) -> Result:
    assert one.platform.stack is not None
    env = {**one.platform.stack.environ(), "WAYMARK_USER": "alice", **changes}
    return await asyncio.to_thread(CliRunner().invoke, app, ["scripts", *arguments], env=env, input=stdin)


async def done(one: OneService, *arguments: str, **changes: Any) -> str:
    result = await call(one, *arguments, **changes)
    assert result.exit_code == ExitCode.OK, result.output
    return result.stdout


async def listed(one: OneService, count: int = 1) -> list[dict[str, Any]]:
    async def rows() -> Any:
        return json.loads(await done(one, "list", "--json"))

    found: list[dict[str, Any]] = await one.until(rows, lambda rows: len(rows) >= count)
    return found


@pytest.mark.system
async def test_a_script_is_imported_listed_shown_exported_retired_and_used_again(
    one: OneService, tmp_path: Path
) -> None:
    file = str(kept_file(tmp_path, STEPS))
    answer = json.loads(await done(one, "import", file, "--id", "once", "--json"))
    script = answer["script"]["script_id"]
    assert (answer["code"], answer["script"]["version"]) == ("IMPORTED", 1)
    assert json.loads(await done(one, "import", file, "--id", "once", "--json"))["script"] == answer["script"]
    await done(one, "import", "-", "--name", "Log in · 登录", stdin=written(login()))
    await done(one, "import", "-", stdin=STEPS.replace("tap: Yes", "tap: 是的"))

    rows = await one.until(lambda: listed(one, 2), lambda rows: {r["version"] for r in rows} == {1, 2})
    assert {(row["name"], row["version"], row["steps"], row["by"], row["active"]) for row in rows} == {
        ("Log in", 2, 5, "alice", True),
        ("Log in · 登录", 1, 18, "alice", True),
    }
    assert {(row["replays"], row["success_rate"], row["execution_time"]) for row in rows} == {(0, None, None)}
    shown = await done(one, "show", "Log in")
    assert "version 2 of 2" in shown
    assert "{{what}} required" in shown
    assert json.loads(await done(one, "show", script[:8], "--version", "1", "--json"))["version"] == 1
    for nothing in ("", script[0], script[:3]):
        assert (await call(one, "retire", nothing)).exit_code == ExitCode.NOT_FOUND, "too short to mean one"

    away = {POSTGRES_DSN: "postgresql://nobody@127.0.0.1:9/none"}
    exported = await done(one, "export", "Log in", "--as", "yaml", **away)
    assert yaml.safe_load(exported)["steps"][-1]["step"]["tap"]["element"] == {"text": "是的"}
    assert (await done(one, "import", "-", stdin=exported)).strip().endswith("is this very script: nothing was added")
    pytest_file = tmp_path / "test_login.py"
    await done(one, "export", script, "--as", "pytest", "--values", "-o", str(pytest_file), **away)
    text = pytest_file.read_text(encoding="utf-8")
    compile(text, "test_login.py", "exec")
    assert "{'user': 'alice', 'what': None, 'account.password': None}" in text
    whole = yaml.safe_load(await done(one, "export", script, "--as", "yaml", "--values", **away))
    assert whole["variables"] == {"user": "alice"}
    flow = await call(one, "export", "Log in · 登录", "--as", "maestro", **away)
    assert flow.exit_code == ExitCode.OK
    assert "maestro: step 2: see that com.waymark.demo" in flow.stderr
    assert "6 things could not be said in maestro" in flow.stderr

    assert "version 2 is retired" in await done(one, "retire", "Log in", "--why", "no good", **away)
    assert json.loads(await done(one, "show", "Log in", "--json", **away))["version"] == 1
    assert "version 2 is active" in await done(one, "activate", "Log in", "--version", "2", **away)
    assert json.loads(await done(one, "show", "Log in", "--json", **away))["version"] == 2

    missing = await call(one, "show", "no such script")
    assert (missing.exit_code, "waymark scripts list" in missing.output) == (ExitCode.NOT_FOUND, True)
    unknown = await call(one, "show", "Log in", "--version", "9")
    assert (unknown.exit_code, "there are 1, 2" in unknown.output) == (ExitCode.NOT_FOUND, True)
    refused = await call(one, "import", "-", stdin="name: x\nsteps:\n- launch\n")
    assert (refused.exit_code, "INVALID" in refused.output) == (ExitCode.FAILED, True)
