"""Work in order for each key, keys side by side: what FastStream's concurrent handlers do not give by themselves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

Job = Callable[[], Awaitable[None]]


class KeyedQueue:
    """Runs jobs of one key one after the other in the order of `put`, and up to `parallel` keys at once.

    It is bounded by whoever fills it: a durable consumer delivers no more than its `max_ack_pending`. A job handles
    its own errors; one that raises ends the queue's `failed` future, and the service with it.
    """

    def __init__(self, *, parallel: int = 64) -> None:
        self._jobs: dict[Hashable, deque[Job]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(parallel)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, key: Hashable, job: Job) -> None:
        if (waiting := self._jobs.get(key)) is not None:
            waiting.append(job)
            return
        self._jobs[key] = deque([job])
        worker = asyncio.create_task(self._work(key))
        self._workers.add(worker)
        worker.add_done_callback(self._done)

    @property
    def waiting(self) -> int:
        return sum(len(jobs) for jobs in self._jobs.values())

    async def close(self, *, grace_s: float = 5.0) -> None:
        """Lets what runs finish for `grace_s`, then cancels it. What was not acknowledged will be delivered again."""
        if self._workers:
            _, late = await asyncio.wait(set(self._workers), timeout=grace_s)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.failed.cancel()

    async def _work(self, key: Hashable) -> None:
        jobs = self._jobs[key]
        while jobs:
            async with self._slots:
                await jobs[0]()
            jobs.popleft()
        del self._jobs[key]

    def _done(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)
