"""`confirm`, `deny`, `answer`, `takeover`: a person answers a task, or takes its phone."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import typer

from contracts.orchestrator import PersonAnswered, PersonAsked, PersonSaid, TaskRejected
from contracts.orchestrator.turns import PersonQuestion
from contracts.subjects import derived_id, event_filter
from services.cli import asking
from services.cli.commands.starting import Task
from services.cli.commands.steering import task_that_goes_on
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import clean, say
from services.cli.people import pending, ways_to_answer

_FITTING: dict[str, frozenset[PersonQuestion]] = {
    "confirm": frozenset({"CONFIRM", "TAKE_OVER"}),
    "deny": frozenset({"CONFIRM", "TAKE_OVER", "CHOOSE", "STUCK"}),
    "answer": frozenset({"CONFIRM", "TAKE_OVER", "CHOOSE", "STUCK"}),
}
HEARD_LIMIT_S = 20.0
_POLL_S = 0.05


def confirm(context: typer.Context, task: Task) -> None:
    """Agree to what a task asks before something sensitive: paying, deleting, sending, granting.

    Examples:

      waymark confirm last

      waymark confirm 0198c2
    """
    execute(context, lambda s: _answer(s, "confirm", task))


def deny(context: typer.Context, task: Task) -> None:
    """Forbid what a task asks for. It is told so, and may try another way.

    Example:  waymark deny 0198c2
    """
    execute(context, lambda s: _answer(s, "deny", task))


def answer(
    context: typer.Context, task: Task, text: Annotated[str, typer.Argument(help="What the model is told.")]
) -> None:
    """Answer what a task asks: which of several it should take, or what to do where it gets no further.

    Examples:

      waymark answer last "the second one"

      waymark answer 0198c2 "选最便宜的"
    """
    execute(context, lambda s: _answer(s, "answer", task, text))


def takeover(context: typer.Context, task: Task) -> None:
    """Hold a task so that you can use its phone: log in, solve a captcha. `waymark resume` lets it go on.

    Example:  waymark takeover 0198c2
    """
    execute(context, lambda s: _take_over(s, task))


async def _answer(session: Session, kind: str, task: str, text: str | None = None) -> None:
    if text is not None and not text.strip():
        raise CliError("the answer is empty: say what the model is to be told", ExitCode.USAGE)
    task_id = await task_that_goes_on(session, task, kind)
    asked = await pending(await session.log(), task_id)
    if asked is None:
        raise CliError(f"task {task_id} asks nothing now: `waymark watch {task_id}` shows what it does")
    if asked.question not in _FITTING[kind]:
        ways = ways_to_answer(asked.question, task_id)
        raise CliError(f"`{kind}` does not answer what it asks: {clean(asked.words)}\n{ways}")
    body: dict[str, Any] = {"kind": kind, "task": str(task_id), "ask": str(asked.ask_id)}
    await _tell(session, body | ({} if text is None else {"text": text}))


async def _take_over(session: Session, task: str) -> None:
    task_id = await task_that_goes_on(session, task, "take over")
    asked = await pending(await session.log(), task_id)
    if asked is not None and asked.question == "TAKE_OVER":
        raise CliError(f"the phone is yours already: {ways_to_answer('TAKE_OVER', task_id)}")
    await _tell(session, {"kind": "takeover", "task": str(task_id)})
    say(f"Its phone is yours; `waymark resume {task_id}` gives it back.")


async def _tell(session: Session, body: dict[str, Any]) -> None:
    """Tells a task, and waits until its run has heard it. Raises `CliError` where that changed nothing."""
    answer = await asking.ask(session, body)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    log = await session.log()
    said = await log.last(event_filter(PersonSaid, key=answer.key))
    assert said is not None
    assert isinstance(said.event, PersonSaid)
    run_id = derived_id("run", said.event.task_id)
    deadline_s = time.monotonic() + HEARD_LIMIT_S
    while time.monotonic() < deadline_s:
        if said.event.answer_id is not None:
            refused = await log.last(event_filter(TaskRejected, key=said.event.answer_id))
            if refused is not None and isinstance(refused.event, TaskRejected):
                raise CliError(f"refused: {refused.event.reason}")
        for kind in (PersonAnswered, PersonAsked):
            heard = await log.last(event_filter(kind, key=run_id))
            if heard is not None and heard.seq > said.seq:
                say(f"{body['kind']}: done")
                return
        await asyncio.sleep(_POLL_S)
    raise CliError(
        f"it is told, but the run has not taken it up within {HEARD_LIMIT_S:.0f} s: does the orchestrator run?",
        ExitCode.UNREACHABLE,
    )
