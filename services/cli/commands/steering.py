"""`run stop`, `pause`, `resume`, `retry`: steers work that was started."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from contracts.orchestrator import PersonAsked, RunFinished
from contracts.subjects import derived_id, event_filter
from services.cli import queries
from services.cli.commands import watching
from services.cli.commands.starting import Reason, Task, start, submit_request
from services.cli.connection import Session, execute
from services.cli.errors import CliError
from services.cli.output import Json
from services.cli.people import pending, ways_to_answer


def retry(
    context: typer.Context,
    task: Task,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; the exit code is the run's outcome.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it live.")] = False,
    as_json: Json = False,
) -> None:
    """Do the same again as a new task: the same app and version, limits and coverage, the same APK.

    For tasks that are over, whether they failed or not; one that goes on must be stopped first.

    Examples:

      waymark run retry last --follow

      waymark run retry 0198c2 --wait
    """

    async def command(session: Session) -> None:
        old = await watching.task_of(session, task)
        if (goes_on := await queries.going_on(await session.sql(), old)) is not None:
            raise CliError(f"task {old} is {goes_on}: it is not over. `waymark run stop {old}` ends it")
        request = {"kind": "retry", "task": str(old)}
        await start(session, request, wait=wait, follow=follow, as_json=as_json)

    execute(context, command)


def stop(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """End a task, queued or running; the action under way is awaited. The phone is left at its home screen.

    Examples:

      waymark run stop last --reason "wrong build"

      waymark run stop 0198c2
    """
    execute(context, lambda s: _steer(s, "stop", task, reason))


def pause(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """Hold a run after the action under way; it keeps its phone. A task without a run is held in the queue.

    Examples:

      waymark run pause 0198c2

      waymark run pause last --reason "somebody needs the phone"
    """
    execute(context, lambda s: _steer(s, "pause", task, reason))


def resume(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """Go on with a paused run, or let a held task have a phone. Ends a takeover: the task goes on from what is shown.

    Also as `waymark resume`.

    Examples:

      waymark run resume last

      waymark resume 0198c2
    """
    execute(context, lambda s: _resume(s, task, reason))


async def _resume(session: Session, task: str, reason: str | None) -> None:
    """A question that waits for an answer is no pause."""
    asked = await pending(await session.log(), await watching.task_of(session, task))
    if asked is not None and asked.question == "CONFIRM":
        raise CliError(f"it is not paused, it asks: {_question(asked)}")
    await _steer(session, "resume", task, reason)


def _question(asked: PersonAsked) -> str:
    return f"{asked.words}\n{ways_to_answer(asked.question, asked.task_id)}"


async def _steer(session: Session, kind: str, task: str, reason: str | None) -> None:
    task_id = await task_that_goes_on(session, task, kind)
    body: dict[str, Any] = {"kind": kind, "task": str(task_id)}
    await submit_request(session, body | ({} if reason is None else {"reason": reason}))


async def task_that_goes_on(session: Session, task: str, kind: str) -> UUID:
    """The task that is named. Raises `CliError` where its run is over."""
    task_id = await watching.task_of(session, task)
    log = await session.log()
    over = await log.last(event_filter(RunFinished, key=derived_id("run", task_id)))
    if over is not None and isinstance(over.event, RunFinished):
        raise CliError(f"the run of task {task_id} is over ({over.event.status}): there is nothing to {kind}")
    return task_id
