"""Scripts in the orchestrator as a process: recorded once, found at once, whatever is delivered again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contracts import topology
from contracts.orchestrator import (
    ScriptAnswered,
    ScriptRecorded,
    ScriptReplayed,
    ScriptSwitched,
    TaskAccepted,
    TaskRejected,
)
from deploy.embedded.stack import Stack
from services.orchestrator.decisions.scripts.versions import canonical
from tests.one_service import OneService
from tests.orchestrator.test_keeping_scripts import ID, NAME, data, draft, replay

pytestmark = pytest.mark.system

CONSUMERS = (topology.SCRIPTS, topology.SCRIPT_REQUEST_READER, topology.REQUEST_READER)


@pytest.fixture
async def orchestrator(stack: Stack, database: str, tmp_path: Path) -> AsyncIterator[OneService]:
    async with OneService.running("orchestrator", stack, database, tmp_path) as service:
        yield service


async def ask(orchestrator: OneService, body: Any, kind: str = "script") -> None:
    await orchestrator.platform.request(f"waymark.request.{kind}.alice", body)


async def test_a_draft_is_a_version_whose_values_only_a_replay_reads(orchestrator: OneService) -> None:
    await orchestrator.append(draft())
    (recorded,) = await orchestrator.wait_for(1, ScriptRecorded)
    version = recorded.event
    assert (version.version, version.name, version.data) == (1, NAME, data())
    assert version.checksum == hashlib.sha256(canonical(data())).hexdigest()
    assert version.defaults.clear is None
    assert version.defaults.cipher is not None

    await ask(orchestrator, {"kind": "replay", "script": NAME}, "task")
    (accepted,) = await orchestrator.wait_for(1, TaskAccepted)
    spec = accepted.event.spec
    assert (spec.replay.script_id, spec.replay.version, spec.replay.checksum) == (ID, 1, version.checksum)
    opened = (await orchestrator.sealer.open(accepted.event)).spec.script.clear
    assert opened["variables"] == {"query": "x"}
    assert opened["steps"][0]["step"]["type"]["text"] == "{{query}}"


async def test_a_script_that_is_recorded_while_it_is_asked_for_is_found(orchestrator: OneService) -> None:
    await ask(orchestrator, {"kind": "replay", "script": NAME}, "task")
    await orchestrator.append(draft())
    (accepted,) = await orchestrator.wait_for(1, TaskAccepted)
    assert accepted.event.spec.replay.version == 1


async def test_what_is_refused_is_answered_and_kept_as_a_dead_letter(orchestrator: OneService) -> None:
    await ask(orchestrator, {"kind": "retire", "script": str(ID), "version": 1})
    await ask(orchestrator, {"kind": "replay", "script": "nothing"}, "task")
    (answer,) = await orchestrator.wait_for(1, ScriptAnswered)
    (rejected,) = await orchestrator.wait_for(1, TaskRejected)
    letters = {letter.subject: letter for letter in await orchestrator.dead_letters(2)}
    assert (answer.event.done, answer.event.code, rejected.event.code) == (False, "UNKNOWN_SCRIPT", "UNKNOWN_SCRIPT")
    assert letters["waymark.request.script.alice"].reason.startswith("UNKNOWN_SCRIPT: there is no script")
    assert letters["waymark.request.task.alice"].reason.startswith("UNKNOWN_SCRIPT: there is no script nothing")


async def test_everything_delivered_again_adds_no_version_and_no_replay(orchestrator: OneService) -> None:
    for number, label in enumerate(("Buy", "Buy", "Pay", "Buy"), 1):
        await orchestrator.append(draft(label, number))
    await orchestrator.wait_for(2, ScriptRecorded)
    await orchestrator.append(replay(2))
    await orchestrator.wait_for(1, ScriptReplayed)
    await ask(orchestrator, {"kind": "import", "script": data("Go").model_dump(mode="json")})
    await orchestrator.wait_for(3, ScriptRecorded)
    await ask(orchestrator, {"kind": "retire", "script": str(ID), "version": 3})
    await orchestrator.wait_for(1, ScriptSwitched)
    await ask(orchestrator, {"kind": "replay", "script": NAME}, "task")
    (accepted,) = await orchestrator.wait_for(1, TaskAccepted)
    assert accepted.event.spec.replay.version == 2, "the newest that is not retired"
    await orchestrator.idle(*CONSUMERS)

    before = await orchestrator.last_seq()
    await orchestrator.reset(*CONSUMERS)
    assert await orchestrator.last_seq() == before

    orchestrator.platform.kill_service("orchestrator")
    orchestrator.platform.start_service("orchestrator")
    await orchestrator.reset(*CONSUMERS)
    assert len(await orchestrator.events(ScriptRecorded)) == 3
    assert len(await orchestrator.events(ScriptReplayed, ScriptSwitched, TaskAccepted)) == 3
