"""Work that twenty phones ask for at the same moment, done once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """Results by key, also of work that is still under way. The last `limit` are kept; a failure is not."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._work: OrderedDict[K, asyncio.Task[V]] = OrderedDict()

    async def do(self, key: K, work: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The result of `work`, or of the work that was begun for an equal key before. Raises what it raises."""
        task = self._work.get(key)
        if task is None:
            task = self._work[key] = asyncio.create_task(work())
            while len(self._work) > self._limit:
                self._work.popitem(last=False)
        else:
            self._work.move_to_end(key)
        try:
            return await asyncio.shield(task)  # Who gives up waiting does not take it from the others.
        except BaseException:
            if task.done() and self._work.get(key) is task:
                del self._work[key]
            raise
