"""Keeping bytes while the phone is waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Keep = Callable[[bytes], Awaitable[None]]


@contextlib.asynccontextmanager
async def meanwhile(keep: Keep | None, content: bytes | None) -> AsyncIterator[None]:
    """Runs `keep` beside the body and waits for it; neither outlives the other. Nothing to keep: the body only."""
    if keep is None or content is None:
        yield
        return
    keeping = asyncio.ensure_future(keep(content))
    try:
        yield
    except BaseException:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        raise
    await keeping
