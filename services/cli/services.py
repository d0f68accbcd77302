"""What each service keeps: its projection and its migrations, found by the layout that all services share."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from services.cli.errors import CliError, ExitCode
from services.runtime.projection import Projection

_SERVICES = Path(__file__).parent.parent


@dataclass(frozen=True)
class Kept:
    """The tables of one service."""

    projection: Projection
    migrations: Path


def kept_by(service: str) -> Kept:
    """Raises `CliError` for a name that is no service."""
    name = service.replace("-", "_")
    if name not in _names():
        raise CliError(f"there is no service {service!r}; there are {', '.join(_names())}", ExitCode.NOT_FOUND)
    projection: Projection = import_module(f"services.{name}.projections").PROJECTION
    return Kept(projection, _SERVICES / name / "migrations")


def all_kept() -> list[Kept]:
    return [kept_by(name) for name in _names()]


def _names() -> list[str]:
    return sorted(path.parent.name for path in _SERVICES.glob("*/projections.py"))
