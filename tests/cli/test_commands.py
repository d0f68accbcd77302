"""What people type: parsing, exit codes, messages. No server is needed: the addresses lead nowhere."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from contracts.requests import GoalRequest, ReplayRequest
from services.cli.__main__ import app
from services.cli.environment import UP_FILE, read_settings, shown_address, user_name
from services.cli.errors import CliError, ExitCode
from services.cli.output import cell, clean, show

RUNNER = CliRunner()


@pytest.fixture
def nowhere() -> Iterator[dict[str, str]]:
    """Addresses at which nothing listens, for certain: the port is bound, and nobody accepts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        yield {
            "WAYMARK_NATS_URL": f"nats://user:hush@127.0.0.1:{port}",
            "WAYMARK_POSTGRES_DSN": f"postgresql://waymark:hush@127.0.0.1:{port}/waymark",
            "WAYMARK_S3_URL": f"http://127.0.0.1:{port}",
            "WAYMARK_USER": "alice",
        }


def call(*arguments: str, env: dict[str, str] | None = None, stdin: str | None = None) -> Result:
    return RUNNER.invoke(app, list(arguments), env=env, input=stdin)


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    command = typer.main.get_command(group)
    pending = [(command, path)]
    while pending:
        one, name = pending.pop()
        inner = getattr(one, "commands", {})
        if name and not inner:
            yield name
        pending += [(sub, (*name, key)) for key, sub in inner.items()]


@pytest.mark.parametrize("path", sorted(commands(app)), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = call(*path, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"waymark {' '.join(path)}" in " ".join(result.output.split())


def test_help_documents_the_exit_codes() -> None:
    shown = " ".join(call("--help").output.split())
    for code, word in ((1, "failed"), (2, "usage"), (3, "reached"), (4, "not found")):
        assert f"{code} " in shown
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (("devices",), "WAYMARK_POSTGRES_DSN"),
        (("runs", "--json"), "WAYMARK_POSTGRES_DSN"),
        (("run", "explore", "--app", "com.example.shop"), "WAYMARK_NATS_URL"),
        (("run", "task", "buy a tent"), "WAYMARK_NATS_URL"),
        (("run", "replay", "order", "--detach"), "WAYMARK_NATS_URL"),
        (("confirm", "5f2f6a0f-6a51-7c3e-9d43-5f2f6a0f8f11"), "WAYMARK_NATS_URL"),
        (("dlq", "list"), "WAYMARK_NATS_URL"),
        (("provision",), "WAYMARK_NATS_URL"),
        (("watch",), "WAYMARK_POSTGRES_DSN"),
    ],
)
def test_an_unreachable_server_is_named_with_its_variable_and_without_secrets(
    nowhere: dict[str, str], arguments: tuple[str, ...], variable: str
) -> None:
    result = call(*arguments, env=nowhere)
    assert result.exit_code == ExitCode.UNREACHABLE
    assert variable in result.stderr
    assert "127.0.0.1" in result.stderr
    assert "hush" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "explore"), "--app"),
        (("run", "explore", "--app", "not a package"), "app:"),
        (("run", "explore", "--app", "com.example.shop", "--priority", "9"), "--priority"),
        (("run", "explore", "--app", "com.example.shop", "--profile", "deep"), "--profile"),
        (("run", "explore", "--app", "com.example.shop", "--coverage-file", "absent.yaml"), "absent.yaml"),
        (("run", "task"), "goal"),
        (("run", "task", " "), "goal:"),
        (("run", "task", "buy a tent", "--app", "not a package"), "app:"),
        (("run", "task", "buy a tent", "--deny-action", "dance"), "rules.deny_actions"),
        (("run", "task", "buy a tent", "--confirm", "perhaps"), "rules.confirm"),
        (("run", "task", "buy a tent", "--set", "a=b"), "--setup"),
        (("run", "task", "buy a tent", "--max-duration", "0"), "--max-duration"),
        (("run", "replay"), "script"),
        (("run", "replay", "order", "--set", "query"), "NAME=TEXT"),
        (("run", "replay", "order", "--version", "0"), "--version"),
        (("answer", "last"), "text"),
        (("answer", "last", " "), "the answer is empty"),
        (("locators",), "--element"),
        (("config", "set", "LLM", "main", "model=big-1"), "base_url"),
        (("config", "set", "ALERT_CHANNEL", "qa", "nonsense"), "KEY=VALUE"),
        (("config", "set", "LLM", "main", "model=m", "base_url=http://x/v1", "--secret", "hunter2"), "secret_ref"),
        (("submit", "absent.json"), "absent.json"),
        (("nonsense",), "nonsense"),
        (("--user", "alice smith", "devices"), "alice smith"),
    ],
)
def test_wrong_usage_says_what_is_wrong_before_any_server_is_asked(
    nowhere: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    result = call(*arguments, env=nowhere)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.output


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "JSON"),
        ("[1]", "one object"),
        ('{"kind": "explore"}', "app"),
        ('{"kind": "explore", "app": "com.example.shop", "steps": 5}', "steps"),
        ('{"kind": "dance"}', "dance"),
        ('{"kind": "stop", "task": "soon"}', "task"),
        ("[" * 100_000, "read"),
        (r'{"kind": "retry", "task": "\ud800"}', "UTF-8"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_with_a_reason(nowhere: dict[str, str], body: str, said: str) -> None:
    result = call("submit", "-", env=nowhere, stdin=body)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.output


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What would be published: the command ends before a server is needed."""
    sent: list[dict[str, object]] = []

    async def ask(_session: object, body: dict[str, object]) -> None:
        sent.append(body)
        raise CliError("no server in this test")

    monkeypatch.setattr("services.cli.asking.ask", ask)
    return sent


def test_a_task_in_plain_language_is_published_with_its_rules_and_limits(published: list[dict[str, object]]) -> None:
    call(
        "run", "task", "买一顶帐篷", "--app", "com.example.shop", "--model", "main", "--token-budget", "50000",
        "--cost-budget", "1.5", "--max-duration", "5", "--deny-package", "com.bank.*", "--allow-action", "tap",
        "--confirm", "deny", "--person-wait", "60", "--no-record", "--where", "api>=33", "--phones", "2",
    )  # fmt: skip
    (body,) = published
    assert GoalRequest.model_validate_json(json.dumps(body)).limits.max_steps == 100
    assert body == {
        "kind": "task", "goal": "买一顶帐篷", "app": "com.example.shop", "where": ["api>=33"], "phones": 2,
        "priority": 3, "limits": {"max_steps": 100, "max_duration_s": 300},
        "rules": {"model": "main", "token_budget": 50000, "cost_budget": "1.500000", "confirm": "deny",
                  "person_wait_s": 60, "deny_packages": ["com.bank.*"], "allow_actions": ["TAP"], "record": False},
    }  # fmt: skip


def test_a_replay_is_published_with_its_parameters(published: list[dict[str, object]]) -> None:
    call("run", "replay", "order a tent", "--set", "query=帐篷=大", "--version", "2", "--repair")
    assert published == [
        {"kind": "replay", "script": "order a tent", "script_version": 2, "variables": {"query": "帐篷=大"},
         "repair": True, "priority": 3}
    ]  # fmt: skip
    ReplayRequest.model_validate_json(json.dumps(published[0]))


def test_an_unknown_service_is_not_found(nowhere: dict[str, str]) -> None:
    result = call("rebuild", "kitchen", env=nowhere)
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "screen_indexer" in result.stderr


def test_a_file_of_variables_wins_and_the_one_of_make_up_fills_gaps(tmp_path: Path) -> None:
    up = tmp_path / UP_FILE
    up.parent.mkdir(parents=True)
    up.write_text("export WAYMARK_NATS_URL='nats://up:1'\nexport WAYMARK_S3_BUCKET='from-up'\n")
    given = {"WAYMARK_NATS_URL": "nats://given:2"}
    found = read_settings(None, given, tmp_path)
    assert found.s3_bucket == "from-up"
    assert "nats_url" not in found.model_fields_set or found.nats_url != "nats://up:1"
    named = tmp_path / "other.env"
    named.write_text('WAYMARK_NATS_URL="nats://named:3"  # a comment\n')
    assert read_settings(named, given, tmp_path).nats_url == "nats://named:3"


@pytest.mark.parametrize("content", ["WAYMARK_REPLICAS=many", "export X='"])
def test_a_bad_file_of_variables_is_wrong_usage(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.env"
    path.write_text(content)
    with pytest.raises(CliError) as caught:
        read_settings(path, {}, tmp_path)
    assert caught.value.code is ExitCode.USAGE


def test_the_user_is_a_token_of_a_subject() -> None:
    assert user_name(None, {"WAYMARK_USER": "ci-7"}) == "ci-7"
    assert user_name("bob", {"WAYMARK_USER": "ci-7"}) == "bob"
    for name in ("a.b", "*", "a b", "x" * 65):
        with pytest.raises(CliError):
            user_name(name, {})


def test_shown_addresses_hide_who_connects() -> None:
    assert shown_address("postgresql://u:p@db:5432/waymark") == "postgresql://db:5432/waymark"


def test_json_has_whole_values_and_tables_short_ones(capsys: pytest.CaptureFixture[str]) -> None:
    run = UUID("a5154d67-5deb-5fcc-abd8-640b256f4ef4")
    row = {"id": run, "rate": Decimal("99.50"), "at": datetime(2026, 1, 2, tzinfo=UTC), "took": timedelta(seconds=90)}
    show([row], {"id": "run"}, as_json=True, empty="none")
    assert json.loads(capsys.readouterr().out) == [
        {"id": str(run), "rate": 99.5, "at": "2026-01-02T00:00:00+00:00", "took": "0:01:30"}
    ]
    show([row], {"id": "run", "took": "took"}, as_json=False, empty="none")
    assert capsys.readouterr().out.split() == ["run", "took", "a5154d67", "1", "min", "30", "s"]
    show([], {"id": "run"}, as_json=True, empty="none")
    assert capsys.readouterr().out == "[]\n"
    show([], {"id": "run"}, as_json=False, empty="none yet")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "none yet\n")


def test_texts_from_phones_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J[bold red]注意[/]\u202egnp.exe"
    assert "\x1b" not in clean(hostile)
    assert cell(hostile).plain == clean(hostile)
    show([{"name": hostile}], {"name": "name"}, as_json=False, empty="")
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "[bold red]注意[/]" in printed
