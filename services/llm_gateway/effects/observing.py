"""Fetches what a turn is about: the hierarchy and the picture, from the object store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from contracts.configs import LlmConfig
from contracts.orchestrator.turns import ScreenAsked
from services.hierarchy.errors import HierarchyError
from services.hierarchy.listing import Listing, list_screen
from services.hierarchy.parse import parse
from services.hierarchy.targets import Screen
from services.llm_gateway.decisions.observation import LISTED, Sight, possible, wanted, words_of_absence
from services.llm_gateway.effects.pictures import Picture, picture_of
from services.runtime.objects import MissingObjectError, Objects


@dataclass(frozen=True)
class Observer:
    """Looks at screens. Raises `StoreAwayError` where the store is away: a turn waits for it rather than be asked
    blindly."""

    objects: Objects

    async def look(self, screen: ScreenAsked, config: LlmConfig) -> tuple[Sight, Picture | None]:
        """The screen as it was read, and the picture where one is to be sent."""
        (read, hierarchy_absent), (picture, picture_absent) = await asyncio.gather(
            self._hierarchy(screen), self._picture(screen, config, needed=wanted(config).picture)
        )
        if picture is None and possible(config, picture_absent, hierarchy_absent).picture:
            picture, picture_absent = await self._picture(screen, config, needed=True)
        parts = possible(config, picture_absent, hierarchy_absent)
        sight = Sight(
            screen=None if read is None else read[0],
            listing=None if read is None else read[1],
            picture=None if picture is None else picture.size,
            shows_listing=parts.listing,
            absent=words_of_absence(config, picture_absent, hierarchy_absent),
        )
        return sight, picture

    async def _hierarchy(self, screen: ScreenAsked) -> tuple[tuple[Screen, Listing] | None, str | None]:
        if screen.hierarchy is None or screen.hierarchy_absent is not None:
            return None, screen.hierarchy_absent or "UNAVAILABLE"
        try:
            content = await self.objects.get(screen.hierarchy.key)
        except MissingObjectError:
            return None, "MISSING"
        try:
            read = await asyncio.to_thread(_read, content, screen.width, screen.height)
        except HierarchyError:
            return None, "MALFORMED"
        return (read, None) if len(read[0].tree) else (None, "EMPTY")

    async def _picture(
        self, screen: ScreenAsked, config: LlmConfig, *, needed: bool
    ) -> tuple[Picture | None, str | None]:
        """The picture, or why there is none; neither where there is one and it is not needed."""
        if screen.screenshot is None or screen.screenshot_absent is not None:
            return None, screen.screenshot_absent or "UNAVAILABLE"
        if not needed:
            return None, None
        try:
            content = await self.objects.get(screen.screenshot.key)
        except MissingObjectError:
            return None, "MISSING"
        try:
            return await asyncio.to_thread(picture_of, content, config.image_side_px), None
        except OSError:
            return None, "UNREADABLE"


def _read(content: bytes, width: int, height: int) -> tuple[Screen, Listing]:
    screen = Screen.of(parse(content), width, height)
    return screen, list_screen(screen, limit=LISTED)
