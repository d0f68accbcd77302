"""People answer a task at the command line: what fits what is asked, and clear words where nothing is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from click.testing import Result
from nats.js import JetStreamContext
from typer.testing import CliRunner

from contracts.event import Event
from contracts.orchestrator import PersonSaid, TaskAccepted, TaskRejected
from contracts.subjects import REQUESTS, derived_id, request_answer_id
from deploy.embedded.stack import Stack
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from services.orchestrator.decisions.fleet import run_of
from services.runtime.log import Cause, Log, Write
from services.runtime.provision import key_bucket, provision
from services.runtime.sealing import BucketKeyStore, Sealer
from tests.orchestrator import task_runs as told
from tests.orchestrator.stories import BEGIN

pytestmark = pytest.mark.system


@dataclass
class World:
    """A log with one task, and whoever answers requests about it."""

    js: JetStreamContext
    log: Log
    env: dict[str, str]
    task_id: UUID = field(default_factory=lambda: derived_id("task", uuid4()))
    _known: dict[tuple[str, UUID], int] = field(default_factory=dict)

    @property
    def run_id(self) -> UUID:
        return run_of(self.task_id)

    async def tell(self, *events: Event) -> None:
        """Appends events, of this task where they are of the made-up one."""
        ids = {"task_id": (told.TASK_ID, self.task_id), "run_id": (told.RUN_ID, self.run_id)}
        for event in events:
            changed = {name: new for name, (old, new) in ids.items() if getattr(event, name, None) == old}
            own = event.model_copy(update=changed)
            place = (own.OWNER, own.key)
            write = Write(*place, self._known.get(place, 0), (own,))
            cause = Cause(uuid4(), "test", None, None)
            (kept,) = await self.log.append([write], cause, BEGIN + timedelta(seconds=len(self._known)))
            self._known[place] = kept.seq

    async def begin(self) -> None:
        started = told.started()
        spec = started.spec.model_copy(update={"task_id": self.task_id})
        await self.tell(TaskAccepted(task_id=self.task_id, spec=spec), started.model_copy(update={"spec": spec}))

    async def call(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=self.env)

    async def answered(self, *arguments: str, by: tuple[Event, ...] = (), rejected: str | None = None) -> Result:
        """Calls a command, and does what the orchestrator would: takes the request in, then the run hears it."""
        before = (await self.js.stream_info(REQUESTS)).state.last_seq
        calling = asyncio.create_task(self.call(*arguments))
        async with asyncio.timeout(15):
            while (await self.js.stream_info(REQUESTS)).state.last_seq == before:
                assert not calling.done(), (await calling).output
                await asyncio.sleep(0.02)
        message = await self.js.get_msg(REQUESTS, before + 1)
        assert message.data is not None
        self.body = message.data
        answer_id = request_answer_id("alice", before + 1, message.data)
        await self.tell(PersonSaid(task_id=self.task_id, user="alice", kind=arguments[0], answer_id=answer_id))
        if rejected is not None:
            await self.tell(TaskRejected(task_id=answer_id, user="alice", code="NOT_ASKED", reason=rejected))
        await self.tell(*by)
        return await calling

    body: bytes = b""


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    client = await nats.connect(stack.nats_url)
    js = client.jetstream(timeout=10)
    await provision(js)
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
    made = World(js, log, {**stack.environ(), "WAYMARK_USER": "alice"})
    await made.begin()
    yield made
    await client.close()


@pytest.mark.parametrize("command", [("confirm",), ("deny",), ("answer", "the second one")])
async def test_where_nothing_is_asked_the_command_says_so(world: World, command: tuple[str, ...]) -> None:
    await world.tell(told.person_asked(1), told.person_answered(1))
    result = await world.call(command[0], str(world.task_id), *command[1:])
    assert result.exit_code == ExitCode.FAILED
    assert "asks nothing now" in result.output


async def test_an_answer_that_does_not_fit_says_which_does(world: World) -> None:
    await world.tell(told.person_asked(1, "CHOOSE", words="which tent?"))
    result = await world.call("confirm", str(world.task_id))
    assert result.exit_code == ExitCode.FAILED
    assert f"waymark answer {world.task_id}" in result.output
    assert "which tent?" in result.output


async def test_a_confirmation_names_the_question_and_waits_until_the_run_has_heard_it(world: World) -> None:
    asked = told.person_asked(1)
    await world.tell(asked)
    result = await world.answered("confirm", str(world.task_id), by=(told.person_answered(1),))
    assert (result.exit_code, "done" in result.output) == (ExitCode.OK, True), result.output
    assert str(asked.ask_id).encode() in world.body


async def test_an_answer_that_came_too_late_is_told_with_the_runs_reason(world: World) -> None:
    await world.tell(told.person_asked(1))
    result = await world.answered("deny", str(world.task_id), rejected="it timed out")
    assert (result.exit_code, "refused: it timed out" in result.output) == (ExitCode.FAILED, True)


async def test_a_takeover_needs_no_question_and_says_how_it_ends(world: World) -> None:
    taken = told.person_asked(3, "TAKE_OVER", by="alice")
    result = await world.answered("takeover", str(world.task_id), by=(taken,))
    assert (result.exit_code, f"waymark resume {world.task_id}" in result.output) == (ExitCode.OK, True)
    again = await world.call("takeover", str(world.task_id))
    assert (again.exit_code, "already" in again.output) == (ExitCode.FAILED, True)


async def test_resuming_what_waits_for_a_yes_or_a_no_says_so(world: World) -> None:
    await world.tell(told.person_asked(1))
    for command in (("resume",), ("run", "resume")):
        result = await world.call(*command, str(world.task_id))
        assert (result.exit_code, "waymark confirm" in result.output) == (ExitCode.FAILED, True)


async def test_a_task_that_is_over_cannot_be_answered(world: World) -> None:
    await world.tell(told.person_asked(1), told.ended())
    result: Any = await world.call("confirm", str(world.task_id))
    assert (result.exit_code, "is over (SUCCEEDED)" in result.output) == (ExitCode.FAILED, True)
