"""What the README tells people to type exists, and what it says about requests is what the contracts say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from contracts.configs import ALERT_CHANNEL, LlmConfig
from contracts.fleet_requests import FLEET_KINDS, FLEET_REQUEST
from contracts.requests import (
    SCRIPT_REQUEST,
    TASK_REQUEST,
    AlertRequest,
    ConfigRequest,
    ControlRequest,
    ExploreRequest,
    GoalRequest,
    ReplayRequest,
    Rules,
    ScriptSwitch,
)
from services.cli.__main__ import app
from services.cli.errors import ExitCode

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "services").glob("*/README.md"), *(ROOT / "deploy").glob("*/README.md")]
)
REQUESTS = {
    "task": TASK_REQUEST.validate_python,
    "config": ConfigRequest.model_validate,
    "fleet": FLEET_REQUEST.validate_python,
    "control": ControlRequest.model_validate,
    "script": SCRIPT_REQUEST.validate_python,
}
HEADINGS = ["Decides", "Owns", "Reads", "Writes", "Tables", "Rooms", "Tests"]
SAME_HEADINGS = ["services/orchestrator", "services/device_agent", "services/screen_indexer", "services/runtime",
                 "services/hierarchy", "deploy/embedded", "deploy/simulator"]  # fmt: skip


def table_under(heading: str, number: int = 0) -> list[list[str]]:
    """Rows of a table below a heading, without head and rule."""
    section = README.partition(f"\n{heading}")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\|$\n)+", section, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables[number].splitlines()[2:]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target


@pytest.mark.parametrize("folder", SAME_HEADINGS)
def test_documents_of_rooms_have_the_same_headings(folder: str) -> None:
    text = (ROOT / folder / "README.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("folder", SAME_HEADINGS)
def test_documents_name_modules_that_exist(folder: str) -> None:
    known = {p.name for p in (ROOT / folder).rglob("*.py")} | {p.name for p in (ROOT / "tests").rglob("*.py")}
    named = re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", (ROOT / folder / "README.md").read_text())
    assert named
    assert set(named) <= known


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))
    assert {"demo", "test"} <= named
    assert named <= targets


def test_what_continuous_integration_runs_is_the_test_command_of_the_readme() -> None:
    assert "make test\n" in (ROOT / ".ci" / "run").read_text()


def test_commands_and_their_options_exist() -> None:
    command = typer.main.get_command(app)
    lines = re.findall(r"\bwaymark ([a-z][^`|\n]*)", re.sub(r"docker compose run --rm waymark", "waymark", README))
    assert len(lines) > 10
    for line in lines:
        words = shlex.split(line.partition("#")[0])
        if words[0] in {"tasks", "does", "keeps", "is", "drives"}:
            words = words[:1]
        found: Any = command
        while getattr(found, "commands", None) and words and words[0] in found.commands:
            found = found.commands[words.pop(0)]
        assert found is not command, line
        options = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {w for w in words if w.startswith("-")} <= options, line


@pytest.mark.parametrize(("kind", "body"), re.findall(r"nats pub waymark\.request\.(\w+)\.alice '([^']+)'", README))
def test_published_examples_are_valid(kind: str, body: str) -> None:
    request = REQUESTS[kind](json.loads(body))
    if isinstance(request, ConfigRequest):
        LlmConfig.model_validate(request.config)


def test_the_table_of_a_task_is_the_request() -> None:
    rows = table_under("## Publishing a task")
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(ExploreRequest.model_fields)
    limits = next(row for row in rows if row[0] == "`limits`")
    defaults = ExploreRequest(kind="explore", app="a.b").limits
    assert limits[2] == ", ".join(str(getattr(defaults, name)) for name in re.findall(r"`(\w+)`", limits[1]))


def test_what_is_said_of_tasks_in_plain_language_is_their_request() -> None:
    """Every field of theirs is named: in the table of a task, or beside it."""
    said = README.partition("\n## Publishing a task")[2].partition("\n## ")[0]
    for model in (GoalRequest, ReplayRequest, Rules):
        unsaid = [name for name in model.model_fields if f"`{name}`" not in said and f'"{name}"' not in said]
        assert unsaid == []


def test_kinds_of_script_requests_are_those_of_the_contracts() -> None:
    kinds = ["import", *ScriptSwitch.model_json_schema()["properties"]["kind"]["enum"]]
    assert f'"kind": {" | ".join(json.dumps(kind) for kind in kinds)}' in README


def test_kinds_of_control_and_alert_requests_are_those_of_the_contracts() -> None:
    for model in (ControlRequest, AlertRequest):
        kinds = model.model_json_schema()["properties"]["kind"]["enum"]
        assert f'"kind": {" | ".join(json.dumps(kind) for kind in kinds)}' in README


def test_kinds_of_fleet_requests_are_those_of_the_contracts() -> None:
    said = README.partition("\n## The fleet")[2].partition("Kinds: ")[2].partition("\n")[0]
    assert tuple(re.findall(r"`([a-z-]+)`", said)) == FLEET_KINDS
    assert set(FLEET_KINDS) == set(re.findall(r'"([a-z-]+)": "#', json.dumps(FLEET_REQUEST.json_schema())))


def test_codes_of_refusals_are_those_that_services_give() -> None:
    sources = [ROOT / "services/orchestrator/decisions/intake.py", ROOT / "services/runtime/request_json.py",
               ROOT / "services/orchestrator/decisions/fleet_requests.py",
               ROOT / "services/alerter/decisions.py", *(ROOT / "services/orchestrator/decisions/scripts").glob("*.py"),
               *(ROOT / "services/orchestrator/decisions/tasking").glob("*.py")]  # fmt: skip
    told = re.compile(r'(?:RejectedError\(\s*|TaskRejected\([^)]*code=)"([A-Z_0-9]+)"')
    given = {code for source in sources for code in told.findall(source.read_text())}
    named = {code for row in table_under("## Publishing a task", 1) for code in re.findall(r"`([A-Z_0-9]+)`", row[0])}
    assert given == named


def test_every_channel_has_a_row() -> None:
    channels = {row[0].strip("`") for row in table_under("## Alerts", 1)}
    assert channels == set(ALERT_CHANNEL.json_schema()["discriminator"]["mapping"])


def test_exit_codes_are_those_of_the_command() -> None:
    said = README.partition("Exit codes of `waymark`:")[2].partition("\n")[0]
    assert [int(code) for code in re.findall(r"(?:^|; ) ?(\d) ", said)] == [code.value for code in ExitCode]
