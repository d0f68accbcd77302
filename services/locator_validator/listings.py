"""Elements of screens as the screen-indexer listed them: read from the log, and put into triggers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from contracts import screen_indexer
from contracts.orchestrator import PlanPending, StepFinished
from contracts.screen_indexer import ElementsListed
from contracts.values import ScreenElement
from services.locator_validator.decisions.checks import Tap
from services.locator_validator.decisions.plans import Planning
from services.runtime.log import Log
from services.runtime.reactor import Trigger

_KEPT = 200


@dataclass
class Listings:
    """Reads each screen's elements once: they are written in one batch, when the screen is discovered."""

    log: Log
    _screens: OrderedDict[UUID, tuple[ScreenElement, ...]] = field(default_factory=OrderedDict)

    async def planning(self, trigger: Trigger[Any]) -> Trigger[Any]:
        pending: PlanPending = trigger.what
        return replace(trigger, what=Planning(pending, await self.elements(pending.screen_id)))

    async def checking(self, trigger: Trigger[Any]) -> Trigger[Any]:
        step = trigger.what
        if not isinstance(step, StepFinished):
            return trigger
        assert step.from_screen_id is not None, "a tap is on a screen"
        listed = await self.elements(step.from_screen_id)
        element = next((one for one in listed if one.element_hash == step.element_hash), None)
        return replace(trigger, what=Tap(step, element))

    async def elements(self, screen_id: UUID) -> tuple[ScreenElement, ...]:
        """The elements of a screen; none where it is not in the log (as the stream's leader knows it)."""
        if screen_id in self._screens:
            self._screens.move_to_end(screen_id)
            return self._screens[screen_id]
        found = await self._read(screen_id, from_leader=False) or await self._read(screen_id, from_leader=True)
        if found is None:
            return ()
        self._screens[screen_id] = found
        while len(self._screens) > _KEPT:
            self._screens.popitem(last=False)
        return found

    async def _read(self, screen_id: UUID, *, from_leader: bool) -> tuple[ScreenElement, ...] | None:
        """None until every part is there."""
        recorded = await self.log.read(screen_indexer.OWNER, screen_id, from_leader=from_leader)
        parts = {r.event.part: r.event for r in recorded if isinstance(r.event, ElementsListed)}
        if not parts or len(parts) < next(iter(parts.values())).parts:
            return None
        return tuple(element for _, listed in sorted(parts.items()) for element in listed.elements)
