"""Compares two versions of an app when a FULL run of one has finished: pairs their screens, diffs each pair."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
from nats.aio.msg import Msg

from contracts.orchestrator import RunFinished
from contracts.screen_indexer import LocatorRisk, ScreenCatalogued, ScreenDiscovered, ScreensCompared, VersionsCompared
from contracts.subjects import derived_id
from contracts.values import Foreground
from services.hierarchy.errors import HierarchyError
from services.runtime.handlers import decode_message
from services.runtime.objects import MissingObjectError, Objects
from services.runtime.reactor import Decider, LaterError, Trigger
from services.runtime.sealing import Sealer
from services.screen_indexer.catalogue import (
    Catalogue,
    Comparison,
    Version,
    catalogue_screen,
    decide_comparison,
    is_comparable,
    missing_screens,
    to_compare,
)
from services.screen_indexer.diff import diff
from services.screen_indexer.indexing import index
from services.screen_indexer.model import CaptureInput, Indexed, ScreenDiff
from services.screen_indexer.pairing import pair_screens, sketch
from services.screen_indexer.projections import candidate_id_of

_WAIT_FOR_SCREENS_S = 0.5
_CHANGES = ("added", "removed", "changed")
_MAX_RISKS = 200
"""Risks in one event; all of them are in the detail."""


@dataclass
class CatalogueHandler:
    """Keeps each app's catalogue in order; screens and finished runs of one app come one after the other."""

    name: str
    decider: Decider[Catalogue]
    objects: Objects
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        match trigger.what:
            case ScreenDiscovered(app_id=app_id):
                return app_id
            case RunFinished() as run:
                return run.app.app_id if is_comparable(run) else None
            case _:
                return None

    async def handle(self, trigger: Trigger[Any]) -> None:
        key = self.key_of(trigger)
        assert key is not None
        if isinstance(trigger.what, ScreenDiscovered):
            await self.decider.decide(key, trigger, catalogue_screen)
            return
        comparison = await self._compare(key, trigger.what)
        found = Trigger(trigger.id, comparison, trigger.time, trigger.run_id, trigger.traceparent, trigger.seq)
        await self.decider.decide(key, found, decide_comparison, step=".compare")

    async def _compare(self, app_id: UUID, run: RunFinished) -> Comparison:
        """Raises `LaterError` while the catalogue does not have every screen of the run yet."""
        state = (await self.decider.states.refresh(app_id)).state
        if missing := missing_screens(state, run):
            raise LaterError(f"{len(missing)} screens of the run are not catalogued yet", _WAIT_FOR_SCREENS_S)
        versions: list[VersionsCompared] = []
        screens: list[ScreensCompared] = []
        for base, target in to_compare(state, run):
            compared, of_screens = await self._pair(app_id, run, base, target)
            versions.append(compared)
            screens += of_screens
        return Comparison(run, tuple(versions), tuple(screens))

    async def _pair(
        self, app_id: UUID, run: RunFinished, base: Version, target: Version
    ) -> tuple[VersionsCompared, list[ScreensCompared]]:
        ours, theirs = await self._indexed(base, run.app.package), await self._indexed(target, run.app.package)
        pairs, dropped, added = await asyncio.to_thread(_pair, ours, theirs)
        screens = [
            await self._screen(app_id, run, base.screens[one], target.screens[two], diff(ours[one], theirs[two]))
            for one, two in pairs
        ]
        compared = VersionsCompared(
            app_id=app_id,
            run_id=run.run_id,
            package=run.app.package,
            base_version_id=base.version_id,
            target_version_id=target.version_id,
            base_version=base.name,
            target_version=target.name,
            pairs=len(pairs),
            changed=sum(1 for screen in screens if any(screen.diff_summary[kind] for kind in _CHANGES)),
            dropped=tuple(sorted(base.screens[key].name for key in dropped)),
            added=tuple(sorted(target.screens[key].name for key in added)),
            broken=sum(screen.diff_summary["broken"] for screen in screens),
            at_risk=sum(screen.diff_summary["at_risk"] for screen in screens),
        )
        return compared, screens

    async def _indexed(self, version: Version, package: str) -> dict[str, Indexed]:
        found: dict[str, Indexed] = {}
        for key, screen in sorted(version.screens.items()):
            try:
                xml = await self.objects.get(screen.hierarchy.key)
                front = Foreground(package=package, activity=screen.activity)
                found[key] = index(CaptureInput(xml, screen.width, screen.height, front))
            except (MissingObjectError, HierarchyError):
                continue  # Retention has taken it: what cannot be read cannot be compared.
        return found

    async def _screen(
        self, app_id: UUID, run: RunFinished, base: ScreenCatalogued, target: ScreenCatalogued, found: ScreenDiff
    ) -> ScreensCompared:
        risks = tuple(_risks(base.screen_id, found))
        summary = {
            "added": len(found.added),
            "removed": len(found.removed),
            "changed": len(found.changed),
            "unchanged": found.unchanged,
            "ambiguous": len(found.ambiguous),
            "list_items": found.list_items,
            "broken": sum(1 for r in risks if r.risk == "BROKEN"),
            "at_risk": sum(1 for r in risks if r.risk == "AT_RISK"),
        }
        detail = {"base": base.name, "target": target.name, "summary": summary, **_plain(found)}
        return ScreensCompared(
            diff_id=derived_id("diff", base.screen_id, target.screen_id),
            app_id=app_id,
            run_id=run.run_id,
            base_screen_id=base.screen_id,
            target_screen_id=target.screen_id,
            name=target.name,
            diff_summary=summary,
            detail=await self.objects.put(orjson.dumps(detail, option=orjson.OPT_SORT_KEYS), "json"),
            risks=risks[:_MAX_RISKS],
        )


def _pair(
    ours: dict[str, Indexed], theirs: dict[str, Indexed]
) -> tuple[list[tuple[str, str]], Sequence[str], Sequence[str]]:
    pairing = pair_screens([sketch(k, i) for k, i in ours.items()], [sketch(k, i) for k, i in theirs.items()])
    return [(one, two) for one, two, _ in pairing.pairs], pairing.dropped, pairing.added


def _risks(screen_id: UUID, found: ScreenDiff) -> list[LocatorRisk]:
    risks = []
    for fate in found.fates:
        element_id = derived_id("element", screen_id, fate.element_hash, 1)
        risks.append(
            LocatorRisk(
                screen_id=screen_id,
                element_id=element_id,
                candidate_id=candidate_id_of(element_id, fate.strategy, fate.locator_value),
                strategy=fate.strategy,
                locator_value=fate.locator_value,
                is_primary=fate.is_primary,
                risk=fate.risk.value,
                why=fate.why,
            )
        )
    return risks


def _plain(found: ScreenDiff) -> dict[str, Any]:
    return {
        "added": [e.model_dump(mode="json") for e in found.added],
        "removed": [e.model_dump(mode="json") for e in found.removed],
        "changed": [asdict(c) for c in found.changed],
        "ambiguous": [e.model_dump(mode="json") for e in found.ambiguous],
        "fates": [asdict(f) for f in found.fates],
    }
