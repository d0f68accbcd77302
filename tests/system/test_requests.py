"""Requests over the wire, from a plain NATS client: one answer each, a copy of what was refused, and nothing stops."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import MaxPayloadError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts.orchestrator import TaskAccepted, TaskRejected
from contracts.subjects import DEAD_LETTERS, derived_id
from deploy.embedded.platform import Platform
from deploy.embedded.stack import Stack
from services.runtime.dead_letters import DeadLetter
from tests.system.exploring import events, rows, until

pytestmark = pytest.mark.system

PLAIN = {"kind": "explore", "app": "com.example.shop"}
HOSTILE: dict[str, bytes] = {
    "not text": b"\xff\xfe\x00",
    "nothing": b"",
    "not JSON": b"explore com.example",
    "NaN": b'{"kind": "explore", "app": "a.b", "seed": NaN}',
    "a list": b"[1, 2]",
    "deep": b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "257 KB": json.dumps(PLAIN | {"name": "x" * 257 * 1024}).encode(),
    "unknown kind": b'{"kind": "fly", "app": "a.b"}',
    "unknown field": json.dumps(PLAIN | {"ap": "a.b"}).encode(),
    "wrong type": json.dumps(PLAIN | {"priority": "high"}).encode(),
    "shell": json.dumps(PLAIN | {"app": "a.b; rm -rf /"}).encode(),
    "SQL": json.dumps(PLAIN | {"app": "a.b'; DROP TABLE tasks; --"}).encode(),
    "a huge number": b'{"kind": "explore", "app": "a.b", "seed": ' + b"9" * 6_000 + b"}",
    "a field twice": b'{"kind": "explore", "app": "a.b", "app": "c.d"}',
    "a zero character": json.dumps(PLAIN | {"name": "a\0b"}).encode(),
    "half a pair": b'{"kind": "explore", "app": "a.b", "id": "\\udc00"}',
    "a time without a zone": json.dumps(PLAIN | {"schedule_at": "2026-03-05T08:00:00"}).encode(),
}
UNKNOWN_TASK = json.dumps({"kind": "stop", "task": str(derived_id("task", "nobody's"))}).encode()


@pytest.fixture
async def platform(stack: Stack, tmp_path: Path) -> AsyncIterator[Platform]:
    async with Platform(tmp_path, phones=(), services=("orchestrator",), stack=stack) as running:
        yield running


@pytest.fixture
async def client(stack: Stack, platform: Platform) -> AsyncIterator[Client]:
    """Somebody's own program: it knows the server's address and nothing of Waymark."""
    connected = await nats.connect(stack.nats_url)
    yield connected
    await connected.close()


async def publish(client: Client, user: str, body: bytes, kind: str = "task") -> int:
    return (await client.jetstream().publish(f"waymark.request.{kind}.{user}", body)).seq


async def rejected(platform: Platform, user: str) -> list[TaskRejected]:
    return [r.event for r in await events(platform, TaskRejected) if r.event.user == user]


async def accepted(platform: Platform, user: str) -> list[TaskAccepted]:
    return [r.event for r in await events(platform, TaskAccepted) if r.event.spec.user == user]


async def dead_letters(client: Client, user: str) -> list[DeadLetter]:
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, mem_storage=True)
    reader = await client.jetstream().pull_subscribe("", stream=DEAD_LETTERS, config=config)
    found: list[DeadLetter] = []
    try:
        while (await reader.consumer_info()).num_pending:
            found += [DeadLetter.model_validate_json(m.data) for m in await reader.fetch(100, timeout=5)]
    finally:
        await reader.unsubscribe()
    return [letter for letter in found if letter.subject.endswith(f".{user}")]


async def test_hostile_requests_get_one_answer_and_one_copy_each_and_nothing_stops(
    platform: Platform, client: Client
) -> None:
    user = "mallory"
    sent = {await publish(client, user, body): body for body in HOSTILE.values()}
    sent[await publish(client, user, UNKNOWN_TASK, "control")] = UNKNOWN_TASK
    await publish(client, user, json.dumps(PLAIN | {"id": "after-all"}).encode())

    async def all_answered() -> bool:
        return len(await accepted(platform, user)) == 1 and len(await dead_letters(client, user)) >= len(sent)

    await until("an answer to every request", all_answered)
    answers = await rejected(platform, user)
    assert len(answers) == len(sent) == len({answer.task_id for answer in answers})
    assert all(answer.code.isupper() and len(answer.reason) > 15 for answer in answers)
    letters = await dead_letters(client, user)
    assert {letter.sequence: base64.b64decode(letter.body_base64) for letter in letters} == sent
    assert Counter(letter.sequence for letter in letters).most_common(1)[0][1] == 1
    assert {letter.reason for letter in letters} == {f"{answer.code}: {answer.reason}" for answer in answers}
    assert platform.dead() == []


async def test_a_bare_request_of_a_plain_client_is_a_task(platform: Platform, client: Client) -> None:
    await publish(client, "alice", b'{"kind": "explore", "app": "com.example.shop", "version": "1.0"}')
    await until("the task", lambda: _some(accepted(platform, "alice")))
    (task,) = await accepted(platform, "alice")
    assert (task.spec.package, task.spec.version, task.spec.user) == ("com.example.shop", "1.0", "alice")
    assert await rejected(platform, "alice") == []


async def test_a_queued_task_is_held_released_and_dropped_over_the_wire(platform: Platform, client: Client) -> None:
    body = {"kind": "explore", "app": "com.example.shop", "version": "1.0", "id": "held"}
    await publish(client, "erin", json.dumps(body).encode())
    task = derived_id("task", "erin", "held")
    steps = (("", "QUEUED"), ("pause", "PAUSED"), ("resume", "QUEUED"), ("pause", "PAUSED"), ("stop", "FAILED"))
    await until("the tables", lambda: _some(rows(platform, "SELECT 1 WHERE to_regclass('orchestrator.tasks') > 0")))
    for kind, status in steps:
        if kind:
            await publish(client, "erin", json.dumps({"kind": kind, "task": str(task)}).encode(), "control")

        async def shown(status: str = status) -> bool:
            found = await rows(platform, "SELECT status FROM orchestrator.tasks WHERE id = $1", task)
            return [row["status"] for row in found] == [status]

        await until(f"{status} after {kind or 'the request'}", shown)


async def test_a_task_that_no_phone_can_take_says_why_and_fails_after_its_time(
    platform: Platform, client: Client
) -> None:
    body = PLAIN | {"version": "9.9", "id": "nobody", "limits": {"max_wait_s": 2}}
    await publish(client, "frank", json.dumps(body).encode())
    task = derived_id("task", "frank", "nobody")
    await until("the tables", lambda: _some(rows(platform, "SELECT 1 WHERE to_regclass('orchestrator.tasks') > 0")))
    for status, reason in (("QUEUED", "no phone is connected"), ("FAILED", "no phone could take it for 2 s%")):

        async def shown(status: str = status, reason: str = reason) -> bool:
            sql = "SELECT 1 FROM orchestrator.tasks WHERE id = $1 AND status = $2 AND status_reason LIKE $3"
            return bool(await rows(platform, sql, task, status, reason))

        await until(f"{status}: {reason}", shown)


async def test_the_users_own_id_makes_two_publications_one_task(platform: Platform, client: Client) -> None:
    body = json.dumps(PLAIN | {"id": "nightly-42"}).encode()
    for _ in range(3):
        await publish(client, "carol", body)
    await publish(client, "carol", json.dumps(PLAIN | {"id": "last"}).encode())
    wanted = {derived_id("task", "carol", each) for each in ("nightly-42", "last")}

    async def both() -> bool:
        return {task.task_id for task in await accepted(platform, "carol")} == wanted

    await until("both tasks", both)
    assert len(await accepted(platform, "carol")) == 2
    assert await dead_letters(client, "carol") == []


async def test_what_the_server_does_not_take_is_refused_by_the_client(platform: Platform, client: Client) -> None:
    too_much = json.dumps(PLAIN | {"name": "x" * client.max_payload}).encode()
    with pytest.raises(MaxPayloadError):
        await publish(client, "dave", too_much)
    await publish(client, "dave", json.dumps(PLAIN).encode())
    await until("the next task", lambda: _some(accepted(platform, "dave")))


async def _some(found: Any) -> bool:
    return bool(await found)
