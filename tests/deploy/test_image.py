"""What the image holds: the contracts and the services with their data files, third-party packages by hash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from contracts.catalogue import OWNERS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
COPIED = re.findall(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.MULTILINE)


def locked(name: str) -> dict[str, set[str]]:
    """Requirements of a lock (`name==version ; marker`) with their hashes."""
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found = (entry.partition(" \\\n") for entry in entries if "==" in entry)
    return {head.strip(): set(re.findall(r"--hash=(\S+)", tail)) for head, _, tail in found}


def names(lock: dict[str, set[str]]) -> set[str]:
    return {re.split(r"==", requirement)[0] for requirement in lock}


def test_the_image_is_built_from_what_it_needs_and_no_more() -> None:
    assert COPIED == ["deploy/image.lock", "pyproject.toml", "contracts", "services"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["python:3.11-slim-bookworm"] * 2
    assert "--require-hashes" in DOCKERFILE


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]


def test_the_builder_is_sent_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert [line[1:] for line in lines if line.startswith("!")] == [
        "contracts", "services", "deploy", "deploy/image.lock", "pyproject.toml",
    ]  # fmt: skip
    assert "deploy/*" in lines


def test_the_image_installs_the_same_files_as_the_lock() -> None:
    image, everything = locked("deploy/image.lock"), locked("requirements.lock")
    versions = {r.split(" ;")[0].strip(): hashes for r, hashes in everything.items()}
    for requirement, hashes in image.items():
        assert hashes, requirement
        assert versions.get(requirement.split(" ;")[0].strip()) == hashes, f"{requirement}: run `make lock`"


def test_the_image_holds_what_services_depend_on_and_no_tool_of_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = names(locked("deploy/image.lock"))

    def name_of(requirement: str) -> str:
        found = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert found is not None
        return found[0].lower().replace("_", "-")

    assert {name_of(r) for r in project["dependencies"]} <= installed
    extras = {name_of(r) for extra in project["optional-dependencies"].values() for r in extra}
    allowed = {"setuptools", "aiohttp", "opentelemetry-proto"}  # needed by a dependency, or to install this package
    assert extras & installed <= allowed


def test_data_files_of_the_packages_are_declared() -> None:
    """An editable installation hides what a wheel would leave out."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["services"]
    files = [p.relative_to(ROOT / "services").as_posix() for p in (ROOT / "services").rglob("*") if p.is_file()]
    wanted = [f for f in files if not f.endswith((".py", ".pyc", ".md"))]
    assert wanted
    assert [f for f in wanted if not any(fnmatch(f, pattern) for pattern in data)] == []


@pytest.mark.system
def test_services_start_from_a_wheel_without_anything_else(tmp_path: Path) -> None:
    """What the Dockerfile does, without Docker: build from what it copies, import every service from the result."""
    source = tmp_path / "source"
    for name in ("contracts", "services"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    shutil.copy(ROOT / "pyproject.toml", source)
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline", "-q"]
    done = subprocess.run(
        [*build, "-o", str(tmp_path)],
        cwd=source,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {name.partition("/")[0] for name in held} == {"contracts", "services", "waymark-0.1.0.dist-info"}
    assert any(name.endswith("001_alerts.sql") for name in held)
    modules = [*(f"services.{owner}.__main__" for owner in OWNERS), "services.cli.__main__"]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "assert not [m for m in sys.modules if m.partition('.')[0] in {'deploy', 'tests'}]\n"
        "print(sys.modules['services'].__file__)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(tmp_path / "site" / "services" / "__init__.py")
