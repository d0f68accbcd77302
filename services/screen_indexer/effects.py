"""Reading captures from the object store, understanding them, storing thumbnails and picture templates."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished, Capture
from contracts.subjects import derived_id
from contracts.values import LocatorCandidate, LocatorSource, ObjectRef, ScreenElement, Strategy
from services.hierarchy.errors import HierarchyError
from services.runtime.log import Log
from services.runtime.objects import Objects
from services.runtime.reactor import Trigger
from services.screen_indexer.captures import Understood, app_of
from services.screen_indexer.indexing import describe, recognise
from services.screen_indexer.model import CaptureInput, Indexed, TemplateRequest
from services.screen_indexer.once import Once
from services.screen_indexer.thumbnails import excerpts

_REMEMBERED = 256


@dataclass
class Reader:
    """Turns an `ActionFinished` into what its capture shows. Equal captures are understood once."""

    objects: Objects
    log: Log
    _seen: OrderedDict[tuple[Any, ...], Indexed | str] = field(default_factory=OrderedDict)
    _known: OrderedDict[UUID, None] = field(default_factory=OrderedDict)
    _described: Once[tuple[Any, ...], Understood] = field(default_factory=lambda: Once(_REMEMBERED))

    async def understand(self, trigger: Trigger[ActionFinished]) -> Trigger[Understood]:
        """The trigger with its capture understood. Raises `StoreAwayError`, `MissingObjectError`."""
        finished = trigger.what
        capture = finished.capture
        assert capture is not None
        found = await self._index(capture)
        if isinstance(found, str):
            understood = Understood(finished, None, found, known=True)
        else:
            understood = await self._describe(finished, capture, found)
        return Trigger(trigger.id, understood, trigger.time, trigger.run_id, trigger.traceparent, trigger.seq)

    async def _index(self, capture: Capture) -> Indexed | str:
        if capture.hierarchy is None:
            absent = capture.hierarchy_absent or "UNAVAILABLE"
            return f"{absent}: {capture.hierarchy_said}" if capture.hierarchy_said else absent
        if capture.split_screen:
            return "SPLIT_SCREEN"  # Half an app is no screen of it: nothing of this is to be learnt.
        place = _place(capture)
        if (known := self._seen.get(place)) is not None:
            self._seen.move_to_end(place)
            return known
        xml = await self.objects.get(capture.hierarchy.key)
        found: Indexed | str
        try:
            found = recognise(CaptureInput(xml, capture.width, capture.height, capture.foreground))
        except HierarchyError as error:
            found = str(error)
        _keep(self._seen, place, found)
        return found

    async def _describe(self, finished: ActionFinished, capture: Capture, indexed: Indexed) -> Understood:
        screen_id = derived_id("screen", app_of(capture, indexed.package).app_version_id, indexed.screen_signature)
        if screen_id not in self._known and not await self.log.exists("screen_indexer", screen_id):
            shown = (*_place(capture), None if capture.screenshot is None else capture.screenshot.sha256)
            described = await self._described.do(shown, lambda: self._picture(finished, indexed))
            return replace(described, finished=finished)
        _keep(self._known, screen_id, None)
        return Understood(finished, indexed, None, known=True)

    async def _picture(self, finished: ActionFinished, recognised: Indexed) -> Understood:
        """A new screen with its elements and what it needs of its picture: a thumbnail, and templates of the elements
        that deserve one."""
        indexed, capture = describe(recognised), finished.capture
        assert capture is not None
        understood = Understood(finished, indexed, None, known=False, elements=indexed.elements)
        if capture.screenshot is None:
            return understood
        png = await self.objects.get(capture.screenshot.key)
        small, pieces = await asyncio.to_thread(excerpts, png, [template.bounds for template in indexed.templates])
        refs = {
            template.element_hash: (template, await self.objects.put(piece, "png"))
            for template, piece in zip(indexed.templates, pieces, strict=True)
            if piece is not None
        }
        elements = tuple(_with_template(element, refs.get(element.element_hash)) for element in understood.elements)
        return replace(understood, thumbnail=await self.objects.put(small, "webp"), elements=elements)


def _place(capture: Capture) -> tuple[Any, ...]:
    """What decides how a hierarchy is understood."""
    hierarchy = None if capture.hierarchy is None else capture.hierarchy.sha256
    return (hierarchy, capture.width, capture.height, capture.foreground)


def _with_template(element: ScreenElement, found: tuple[TemplateRequest, ObjectRef] | None) -> ScreenElement:
    if found is None:
        return element
    request, ref = found
    candidate = LocatorCandidate(
        strategy=Strategy.IMAGE_TEMPLATE,
        locator_value=ref.key,
        score=request.score,
        source=LocatorSource.VISION,
        is_primary=not element.locators,
        template=ref,
    )
    locators = sorted((*element.locators, candidate), key=lambda c: c.score, reverse=True)
    return element.model_copy(update={"locators": tuple(locators)})


def _keep(cache: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > _REMEMBERED:
        cache.popitem(last=False)
