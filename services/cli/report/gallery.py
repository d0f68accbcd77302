"""Pictures of screens from the object store, a few at a time, each fetched and made small once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from contracts.values import ObjectRef
from services.cli.report.model import Picture
from services.cli.report.pictures import reason, shrink, size_of
from services.runtime.objects import MissingObjectError, Objects

_AT_ONCE = 4
_NO_SIZE = (1080, 1920)
_SHOT_PX = 240


class Gallery:
    """Makes pictures of rows of `screens`."""

    def __init__(self, objects: Objects, width_px: int) -> None:
        self._objects = objects
        self._width_px = width_px
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._made: dict[UUID, Picture] = {}

    async def picture(self, row: dict[str, Any]) -> Picture:
        made = self._made.get(row["id"])
        if made is None:
            made = self._made[row["id"]] = await self._make(row)
        return made

    async def shot(self, ref: ObjectRef | None) -> Picture:
        """A screenshot by itself, as small as one of several in a row may be."""
        if ref is None:
            return Picture(*_NO_SIZE, absent="the picture could not be taken")
        async with self._gate:
            try:
                png = await self._objects.get(ref.key)
            except MissingObjectError:
                return Picture(*_NO_SIZE, absent="the picture is no longer kept")
            uri = await asyncio.to_thread(shrink, png, _SHOT_PX)
        width, height = size_of(png) or _NO_SIZE
        return Picture(width, height, uri, "" if uri else "the picture cannot be read")

    async def _make(self, row: dict[str, Any]) -> Picture:
        width, height = (row["width"], row["height"]) if row["width"] and row["height"] else _NO_SIZE
        path: str = row["screenshot_path"]
        if path.startswith("absent:"):
            return Picture(width, height, absent=reason(path))
        async with self._gate:
            try:
                png = await self._objects.get(path)
            except MissingObjectError:
                return Picture(width, height, absent="the picture is no longer kept")
            uri = await asyncio.to_thread(shrink, png, self._width_px)
        return Picture(width, height, uri, "" if uri else "the picture cannot be read")
