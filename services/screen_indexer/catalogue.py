"""The catalogue of an app: its versions with their screens, each under a name of its own; and what to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Event
from contracts.orchestrator import RunFinished
from contracts.screen_indexer import (
    Receipt,
    ScreenCatalogued,
    ScreenDiscovered,
    ScreensCompared,
    Snapshot,
    VersionsCompared,
)
from contracts.values import CoverageProfile, RunStatus
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Create, Decision, Trigger


class Version(BaseModel):
    """A version with its screens, by id. `order` is its place among the versions as they were first seen."""

    model_config = ConfigDict(frozen=True)

    version_id: UUID
    name: str
    order: int
    code: int | None = None
    screens: dict[str, ScreenCatalogued] = Field(default_factory=dict)


class Catalogue(BaseModel):
    """State of an app's aggregate. `compared` holds the (base, target) pairs that were compared, as text."""

    model_config = ConfigDict(frozen=True)

    versions: dict[str, Version] = Field(default_factory=dict)


class _Codec:
    def dump(self, state: Catalogue) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Catalogue:
        return Catalogue.model_validate_json(text)


CATALOGUE = Aggregate[Catalogue](
    "catalogue", "screen_indexer", Catalogue, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt)
)


@dataclass(frozen=True)
class Comparison:
    """Two versions compared, ready to be written down."""

    versions: VersionsCompared
    screens: tuple[ScreensCompared, ...]


def catalogue_screen(state: Catalogue, trigger: Trigger[ScreenDiscovered], _now: datetime) -> Decision:
    """Gives a screen its place and a name that no other screen of its version has."""
    found = trigger.what
    version = state.versions.get(str(found.app_version_id))
    if version is not None and str(found.screen_id) in version.screens:
        return NOTHING
    taken = {s.name for s in version.screens.values()} if version else set()
    catalogued = ScreenCatalogued(
        app_id=found.app_id,
        app_version_id=found.app_version_id,
        version_name=found.version_name,
        screen_id=found.screen_id,
        signature=found.signature,
        name=free_name(found.name, taken),
        activity=found.activity,
        hierarchy=found.hierarchy,
        screenshot=found.screenshot,
        width=found.width,
        height=found.height,
    )
    return Decision((catalogued,))


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted (2)`, `wanted (3)`, .. : the first that is not taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name


def is_comparable(run: RunFinished) -> bool:
    return run.profile is CoverageProfile.FULL and run.status is RunStatus.SUCCEEDED


def missing_screens(state: Catalogue, run: RunFinished) -> set[UUID]:
    """Screens of the run that are not in the catalogue yet."""
    version = state.versions.get(str(run.app.app_version_id))
    known: Mapping[str, Any] = version.screens if version else {}
    return {screen for screen in run.screens if str(screen) not in known}


def base_version(state: Catalogue, run: RunFinished) -> Version | None:
    """The version to compare with: the newest that is older than the run's, by code, else as they were seen."""
    target = state.versions.get(str(run.app.app_version_id))
    if target is None:
        return None
    own = _rank(target.name, run.app.version_code, target.order)
    older = [v for v in state.versions.values() if v.version_id != target.version_id and v.screens]
    older = [v for v in older if _rank(v.name, v.code, v.order) < own]
    return max(older, key=lambda v: _rank(v.name, v.code, v.order), default=None)


def _rank(name: str, code: int | None, order: int) -> tuple[Any, ...]:
    numbers = tuple(int(part) if part.isdigit() else -1 for part in name.split("."))
    return (numbers, code or 0, order)


def decide_comparison(_state: Catalogue, trigger: Trigger[Comparison], _now: datetime) -> Decision:
    """The comparison and its screens, in one batch. A pair of screens that was compared before stays as it was."""
    comparison = trigger.what
    return Decision((comparison.versions,), tuple(Create((s,), shared=True) for s in comparison.screens))


def evolve(state: Catalogue, recorded: Recorded[Event]) -> Catalogue:
    event = recorded.event
    if not isinstance(event, ScreenCatalogued):
        return state
    known = state.versions.get(str(event.app_version_id)) or Version(
        version_id=event.app_version_id, name=event.version_name, order=len(state.versions)
    )
    version = known.model_copy(update={"screens": {**known.screens, str(event.screen_id): event}})
    return state.model_copy(update={"versions": {**state.versions, str(event.app_version_id): version}})
