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
    VersionExplored,
    VersionsCompared,
)
from contracts.values import CoverageProfile, RunStatus
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Create, Decision, Trigger
from services.screen_indexer.naming import unique_name


class Version(BaseModel):
    """A version with its screens, by id. `order` is its place among the versions as they were first seen; `explored`:
    a FULL run of it has finished."""

    model_config = ConfigDict(frozen=True)

    version_id: UUID
    name: str
    order: int
    code: int | None = None
    explored: bool = False
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
    """A finished FULL run, and the comparisons that it made possible, ready to be written down."""

    run: RunFinished
    versions: tuple[VersionsCompared, ...]
    screens: tuple[ScreensCompared, ...]


def catalogue_screen(state: Catalogue, trigger: Trigger[ScreenDiscovered], _now: datetime) -> Decision:
    """Gives a screen its place and a name that no other screen of its version has."""
    found = trigger.what
    version = state.versions.get(str(found.app_version_id))
    if version is not None and str(found.screen_id) in version.screens:
        return NOTHING
    taken = [s.name for s in version.screens.values()] if version else []
    catalogued = ScreenCatalogued(
        app_id=found.app_id,
        app_version_id=found.app_version_id,
        version_name=found.version_name,
        screen_id=found.screen_id,
        signature=found.signature,
        name=unique_name(found.name, taken),
        activity=found.activity,
        hierarchy=found.hierarchy,
        screenshot=found.screenshot,
        width=found.width,
        height=found.height,
    )
    return Decision((catalogued,))


def is_comparable(run: RunFinished) -> bool:
    return run.profile is CoverageProfile.FULL and run.status is RunStatus.SUCCEEDED and bool(run.screens)


def missing_screens(state: Catalogue, run: RunFinished) -> set[UUID]:
    """Screens of the run that are not in the catalogue yet."""
    version = state.versions.get(str(run.app.app_version_id))
    known: Mapping[str, Any] = version.screens if version else {}
    return {screen for screen in run.screens if str(screen) not in known}


def to_compare(state: Catalogue, run: RunFinished) -> list[tuple[Version, Version]]:
    """Pairs (base, target) that a finished run completes: with the version before its own, and with the one after.

    Only explored versions count. They stand in the order of their names (numbers as numbers), then of their codes.
    """
    own = state.versions.get(str(run.app.app_version_id))
    if own is None:
        return []
    own = own.model_copy(update={"explored": True, "code": run.app.version_code})
    others = [v for v in state.versions.values() if v.explored and v.version_id != own.version_id]
    older = max((v for v in others if _rank(v) < _rank(own)), key=_rank, default=None)
    newer = min((v for v in others if _rank(v) > _rank(own)), key=_rank, default=None)
    pairs = [] if older is None else [(older, own)]
    return pairs if newer is None else [*pairs, (own, newer)]


def _rank(version: Version) -> tuple[tuple[int, ...], int, int]:
    numbers = tuple(int(part) if part.isdigit() else -1 for part in version.name.split("."))
    return numbers, version.code or 0, version.order


def decide_comparison(_state: Catalogue, trigger: Trigger[Comparison], _now: datetime) -> Decision:
    """The comparison and its screens, in one batch. A pair of screens that was compared before stays as it was."""
    comparison, app = trigger.what, trigger.what.run.app
    explored = VersionExplored(
        app_id=app.app_id,
        app_version_id=app.app_version_id,
        run_id=comparison.run.run_id,
        version_code=app.version_code,
    )
    creates = tuple(Create((screen,), shared=True) for screen in comparison.screens)
    return Decision((explored, *comparison.versions), creates)


def evolve(state: Catalogue, recorded: Recorded[Event]) -> Catalogue:
    event = recorded.event
    if isinstance(event, VersionExplored):
        update = {"explored": True, "code": event.version_code}
        version = state.versions[str(event.app_version_id)].model_copy(update=update)
        return state.model_copy(update={"versions": {**state.versions, str(event.app_version_id): version}})
    if not isinstance(event, ScreenCatalogued):
        return state
    known = state.versions.get(str(event.app_version_id)) or Version(
        version_id=event.app_version_id, name=event.version_name, order=len(state.versions)
    )
    version = known.model_copy(update={"screens": {**known.screens, str(event.screen_id): event}})
    return state.model_copy(update={"versions": {**state.versions, str(event.app_version_id): version}})
