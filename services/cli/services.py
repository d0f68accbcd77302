"""What each service keeps: its projections and their migrations, found by the layout that all services share."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from services.cli.errors import CliError, ExitCode
from services.runtime.projection import Projection

_SERVICES = Path(__file__).parent.parent


@dataclass(frozen=True)
class Kept:
    """The tables of one schema of a service."""

    projection: Projection
    migrations: Path


def kept_by(service: str) -> list[Kept]:
    """Everything that a service keeps. One schema of it alone can be named too, where it has a name of its own. Raises
    `CliError` for a name that is neither."""
    name = service.replace("-", "_")
    if name in _names():
        return [_kept(path) for path in sorted((_SERVICES / name).glob("projections*.py"))]
    named = [kept for kept in all_kept() if kept.projection.schema == name]
    if not named:
        others = sorted({kept.projection.schema for kept in all_kept()} - set(_names()))
        known = ", ".join([*_names(), *others])
        raise CliError(f"there is no service {service!r}; there are {known}", ExitCode.NOT_FOUND)
    return named


def all_kept() -> list[Kept]:
    return [kept for name in _names() for kept in kept_by(name)]


def _names() -> list[str]:
    return sorted(path.parent.name for path in _SERVICES.glob("*/projections.py"))


def _kept(path: Path) -> Kept:
    """`projections.py` goes with `migrations/`, `projections_autoglm.py` with `migrations_autoglm/`."""
    projection: Projection = import_module(f"services.{path.parent.name}.{path.stem}").PROJECTION
    return Kept(projection, path.parent / path.stem.replace("projections", "migrations"))
