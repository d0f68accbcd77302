"""`watch --page`: runs followed at once, shown in a page of this machine until the last of them is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import typer

from services.cli import following, showing
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.following import Progress
from services.cli.live import spotlight
from services.cli.live.page import LivePage, picture_link
from services.cli.live.spotlight import Spotlight
from services.cli.output import lines, print_json, say

LAST_LOOK_S = 3.0
"""How long the page is served after the end, so that an open browser shows how it ended."""


class Watched:
    """Runs as they go on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.progress: dict[UUID, Progress] = {}
        self.shown: dict[UUID, Spotlight] = {}

    async def follow(self, task_id: UUID) -> None:
        """Until that run is over."""
        js, log = await self._session.js(), await self._session.log()
        progress, after = await following.begun(log, task_id)
        run = progress.run_id
        self.progress[run], self.shown[run] = progress, Spotlight()
        async with aclosing(following.events_of_run(js, await self._session.sealer(), progress, after)) as events:
            async for recorded in events:
                if recorded is not None:
                    self.progress[run] = following.evolve(self.progress[run], recorded)
                    self.shown[run] = spotlight.evolve(self.shown[run], recorded.event)
                elif self.progress[run].over:
                    return

    def state(self) -> dict[str, Any]:
        """What the page draws."""
        runs = [_run(progress, self.shown[run]) for run, progress in self.progress.items()]
        return {"runs": runs, "over": bool(runs) and all(progress.over for progress in self.progress.values())}


def _run(progress: Progress, shown: Spotlight) -> dict[str, Any]:
    started = progress.started
    return {
        **showing.as_json(progress),
        "app": "" if started is None else f"{started.app.package} {started.app.version_name}",
        "serial": "" if started is None else started.serial,
        "screen": shown.screen,
        "step": shown.step,
        "doing": shown.doing,
        "touched": None if shown.point is None else [shown.point.x, shown.point.y],
        "picture": picture_link(progress.run_id, shown),
        "events": list(reversed(progress.tail)),
    }


async def follow(session: Session, tasks: Sequence[UUID], port: int, *, as_json: bool) -> None:
    """Until all runs are over. Raises `typer.Exit` where one of them failed."""
    log = await session.log()
    for task_id in tasks:
        spec = await following.spec_of(log, task_id)
        if spec is not None and (spec.schedule is not None or spec.phones is not None):
            raise CliError(f"{task_id} stands for several runs: name those, `waymark runs` lists them", ExitCode.USAGE)
    watched = Watched(session)
    page = LivePage(watched.state, lambda: watched.shown, await session.objects())
    async with page.serving(port) as address:
        if not as_json:
            say(
                f"Open {address} in a browser of this machine; it ends with the {'run' if len(tasks) == 1 else 'runs'}."
            )
        await asyncio.gather(*(watched.follow(task_id) for task_id in tasks))
        await asyncio.sleep(LAST_LOOK_S)
    ended = list(watched.progress.values())
    if as_json:
        print_json([showing.as_json(progress) for progress in ended])
    else:
        lines([line for progress in ended for line in showing.summary(progress)])
    if not all(following.succeeded(progress) for progress in ended):
        raise typer.Exit(ExitCode.FAILED)
