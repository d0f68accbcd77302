"""The project as a contender: a task is asked for as a user asks, and its end is read from the log."""

from __future__ import annotations

import itertools

from deploy.embedded.platform import Platform
from tests.bench.contest import Ended
from tests.system.tasking import begin, ended
from tests.tasks.playing import Play, PlayingModel

_LIMIT_S = 300.0
RULES = {"person_wait_s": 1}
"""Nobody answers: what a person would be asked ends soon."""


class Own:
    """`name` and `run`, as `contest.Contender`."""

    name = "Waymark"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._numbers = itertools.count(1)

    async def run(self, play: Play, model: PlayingModel, max_steps: int) -> Ended:
        task = await begin(self._platform, model, play, rules=RULES, limits={"max_steps": max_steps}, quiet=True)
        run = await ended(self._platform, task, limit_s=_LIMIT_S)
        return Ended(run.status == "SUCCEEDED", run.failure_reason or "")
