"""`make up` and `make down`: servers and services in the background, and nothing left afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.embedded.test_stack import processes_of, wait_until

ROOT = Path(__file__).parents[2]
RESTLESS = """
import os, time
from pathlib import Path
runs = Path("runs"); runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
assert os.environ["WAYMARK_NATS_URL"].startswith("nats://")
time.sleep(600 if len(runs.read_text()) > 1 else 0)
"""


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.embedded", *arguments],
        cwd=folder,
        env=environ | {"PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose only service ends once and is started again."""
    for package in ("contracts", "deploy"):
        (tmp_path / package).symlink_to(ROOT / package)
    (tmp_path / "services" / "restless").mkdir(parents=True)
    (tmp_path / "services" / "runtime").symlink_to(ROOT / "services" / "runtime")
    for package in ("services", "services/restless"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "services" / "restless" / "__main__.py").write_text(RESTLESS)
    return tmp_path


@pytest.mark.system
def test_up_starts_servers_and_services_and_down_ends_them(project: Path) -> None:
    try:
        first = command(project, "up", "--any-port")
        assert first.returncode == 0, first.stderr
        assert "services: restless" in first.stdout
        assert command(project, "up", "--any-port").stdout == first.stdout  # it is up already
        wait_until(lambda: (project / "runs").exists() and (project / "runs").read_text() == "xx")
        environ = (project / "build" / "up" / "environ").read_text()
        assert "export WAYMARK_POSTGRES_DSN='postgresql://waymark:" in environ
    finally:
        last = command(project, "down")
    assert last.returncode == 0, last.stderr
    assert processes_of(project) == []
    assert not [p for p in psutil.process_iter(["cmdline"]) if "services.restless" in (p.info["cmdline"] or [])]
    assert command(project, "down").stdout == "Nothing is up.\n"


@pytest.mark.system
def test_up_says_why_it_does_not_work(project: Path) -> None:
    (project / "build" / "up" / "postgres" / "data").mkdir(parents=True)
    (project / "build" / "up" / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    refused = command(project, "up", "--any-port")
    assert refused.returncode == 1
    assert "was made by PostgreSQL 9" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert processes_of(project) == []
