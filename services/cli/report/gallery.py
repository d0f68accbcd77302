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


class Gallery:
    """Makes pictures of rows of `screens`, and of screenshots by themselves."""

    def __init__(self, objects: Objects, width_px: int) -> None:
        self._objects = objects
        self._width_px = width_px
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._made: dict[UUID, Picture] = {}
        self._shots: dict[str, asyncio.Task[Picture]] = {}

    async def picture(self, row: dict[str, Any]) -> Picture:
        made = self._made.get(row["id"])
        if made is None:
            made = self._made[row["id"]] = await self._make(row)
        return made

    async def shot(self, ref: ObjectRef | None, width_px: int | None = None) -> Picture:
        """A screenshot by itself, `width_px` wide (else as wide as all); fetched once, however often it is shown."""
        if ref is None:
            return Picture(*_NO_SIZE, absent="the picture could not be taken")
        width = width_px or self._width_px
        key = f"{ref.key} {width}"
        if key not in self._shots:
            self._shots[key] = asyncio.create_task(self._shot(ref, width))
        return await self._shots[key]

    async def _shot(self, ref: ObjectRef, width_px: int) -> Picture:
        async with self._gate:
            try:
                png = await self._objects.get(ref.key)
            except MissingObjectError:
                return Picture(*_NO_SIZE, absent="the picture is no longer kept")
            uri = await asyncio.to_thread(shrink, png, width_px)
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
