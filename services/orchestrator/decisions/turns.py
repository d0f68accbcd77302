"""Whose turn it is: by priority, then fairly between users, then by age. Decision record 0044.

Of tasks of equal priority goes first that of the user who has fewest phones now; among those, of the one who got a
phone longest ago. A task rises by one priority for every hour in which its user got no phone although it was due.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from services.orchestrator.decisions.fleet_model import Fleet, Queued

RISES_EVERY = timedelta(hours=1)
FIRST = 1

Place = tuple[int, int, int, int, str]
"""Rank, phones held, last token, order in the queue, user: less is earlier. No two are equal."""


class Turns:
    """The tasks that are due and resolved, each offered once, in their turn: it changes with every phone given away."""

    def __init__(self, state: Fleet, now: datetime) -> None:
        self._held: dict[str, int] = {}
        for lease in state.leases.values():
            self._held[lease.user] = self._held.get(lease.user, 0) + 1
        self._tokens = {user: served.token for user, served in state.served.items()}
        self._limits = state.limits
        self._waiting = _by_user(state, now)
        self._heap: list[Place] = []
        self._offered: str | None = None
        for user in self._waiting:
            self._push(user)

    def next(self) -> Queued | None:
        """Whose turn it is; say then what came of it: `passed` or `served`."""
        if not self._heap:
            return None
        user = heapq.heappop(self._heap)[-1]
        self._offered = user
        return self._waiting[user][-1][-1]

    def passed(self) -> None:
        """There is nothing for that task now."""
        self._take_offered()

    def served(self, token: int) -> None:
        """That task got a phone."""
        assert self._offered is not None
        self._held[self._offered] = self._held.get(self._offered, 0) + 1
        self._tokens[self._offered] = token
        self._take_offered()

    def _take_offered(self) -> None:
        user = self._offered
        assert user is not None
        self._offered = None
        self._waiting[user].pop()
        self._push(user)

    def _push(self, user: str) -> None:
        waiting, held = self._waiting[user], self._held.get(user, 0)
        most = self._limits.get(user)
        if not waiting or (most is not None and held >= most):
            return
        rank, order, _ = waiting[-1]
        heapq.heappush(self._heap, (rank, held, self._tokens.get(user, 0), order, user))


def rank_of(queued: Queued, state: Fleet, now: datetime) -> int:
    """Its priority, risen by how long its user has been waiting."""
    spec = queued.spec
    since = spec.accepted_at if spec.schedule_at is None else max(spec.accepted_at, spec.schedule_at)
    served = state.served.get(spec.user)
    if served is not None and served.at is not None:
        since = max(since, served.at)
    return max(FIRST, spec.priority - max(now - since, timedelta(0)) // RISES_EVERY)


def is_due(queued: Queued, now: datetime) -> bool:
    """Whether the task may start now: nobody holds it, and its time has come."""
    return not queued.held and (queued.spec.schedule_at is None or queued.spec.schedule_at <= now)


def _by_user(state: Fleet, now: datetime) -> dict[str, list[tuple[int, int, Queued]]]:
    """Each user's tasks with rank and order, the first one last."""
    waiting: dict[str, list[tuple[int, int, Queued]]] = {}
    for queued in state.queue.values():
        if queued.app is not None and is_due(queued, now):
            waiting.setdefault(queued.spec.user, []).append((rank_of(queued, state, now), queued.order, queued))
    for tasks in waiting.values():
        tasks.sort(key=lambda task: (-task[0], -task[1]))
    return waiting


def in_turn(state: Fleet, now: datetime) -> list[Queued]:
    """The tasks that are due and resolved in the order of their turns, as if each got a phone."""
    turns = Turns(state, now)
    found = []
    token = state.last_token
    while (queued := turns.next()) is not None:
        found.append(queued)
        token += 1
        turns.served(token)
    return found
