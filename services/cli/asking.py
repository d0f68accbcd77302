"""Publishes requests as anybody would, bare JSON, and waits for the answer in the log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from contracts.alerter import AlertAcked, AlertRequestRejected, AlertResolved, AlertSuppressed
from contracts.event import Event
from contracts.fleet_requests import FLEET_KINDS
from contracts.orchestrator import (
    ConfigChanged,
    FleetAnswered,
    PersonSaid,
    ScriptAnswered,
    TaskAccepted,
    TaskPauseAsked,
    TaskRejected,
    TaskStopAsked,
)
from contracts.subjects import REQUESTS, STREAM, derived_id, event_filter, request_answer_id, request_subject
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode

ANSWER_LIMIT_S = 20.0
_POLL_S = 0.05
_KINDS = {
    "explore": "task", "steps": "task", "task": "task", "replay": "task",
    "stop": "control", "pause": "control", "resume": "control", "retry": "control",
    "confirm": "control", "deny": "control", "answer": "control", "takeover": "control",
    "ack": "alert", "resolve": "alert", "suppress": "alert",
    "set": "config",
    "import": "script", "activate": "script",
    **dict.fromkeys(FLEET_KINDS, "fleet"),
}  # fmt: skip

_ANSWERED: dict[str, type[Event]] = {"fleet": FleetAnswered, "script": ScriptAnswered}
"""Kinds of requests that have one answer each, by their id."""
_CONTROLS: dict[str, type[Event]] = {
    "stop": TaskStopAsked, "pause": TaskPauseAsked, "resume": TaskPauseAsked,
    **dict.fromkeys(("confirm", "deny", "answer", "takeover"), PersonSaid),
}  # fmt: skip
"""The event that a control request becomes."""


@dataclass(frozen=True)
class Answer:
    """The event that answers a request. `again`: the request had been made, and answered, before."""

    key: UUID
    event: Event
    again: bool = False

    @property
    def refusal(self) -> str | None:
        if isinstance(self.event, TaskRejected | AlertRequestRejected):
            return f"{self.event.code}: {self.event.reason}"
        if isinstance(self.event, FleetAnswered | ScriptAnswered) and not self.event.done:
            return f"{self.event.code}: {self.event.text}"
        return None


async def ask(session: Session, body: dict[str, Any]) -> Answer:
    """Publishes one request, whichever kind it is, and waits for its answer. Raises `CliError` when none comes."""
    kind = body.get("kind")
    topic = _topic(kind, body) if isinstance(kind, str) else None
    if topic is None:
        raise CliError(f"kind is {kind!r}; it must be one of {', '.join(_KINDS)}", ExitCode.USAGE)
    starts = topic == "task" or kind == "retry"
    if (starts or topic in _ANSWERED) and not body.get("id"):
        body = {**body, "id": str(session.clock.new_id())}
    key, kinds = _expected(session.user, topic, body)
    said = _json(body)
    log = await session.log()
    once: type[Event] | None = TaskAccepted if starts else _ANSWERED.get(topic)
    if once is not None and (known := await log.last(event_filter(once, key=key))) is not None:
        return Answer(key, known.event, again=True)
    js = await session.js()
    before = (await js.stream_info(STREAM)).state.last_seq
    published = await js.publish(request_subject(topic, session.user), said, stream=REQUESTS, timeout=5)
    answers = [(event, key) for event in kinds]
    if topic == "control":
        # Whoever publishes can name anybody's task: a refusal is not kept under its id.
        answers.append((TaskRejected, request_answer_id(session.user, published.seq, said)))
    deadline_s = time.monotonic() + ANSWER_LIMIT_S
    while time.monotonic() < deadline_s:
        for event, answer_key in answers:
            found = await log.last(event_filter(event, key=answer_key))
            if found is not None and found.seq > before:
                return Answer(answer_key, found.event)
        await asyncio.sleep(_POLL_S)
    raise CliError(
        f"the request was published, but nothing answered it within {ANSWER_LIMIT_S:.0f} s. It is not lost: it is"
        f" handled when {_handler(topic)} runs. A request that cannot be read lies in `waymark dlq list`.",
        ExitCode.UNREACHABLE,
    )


def _json(body: dict[str, Any]) -> bytes:
    """The request as it is published. Raises `CliError` for bytes that are no text, as a shell may pass them on."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise CliError(f"the request cannot be written as JSON in UTF-8: {error}", ExitCode.USAGE) from None


def _topic(kind: str, body: dict[str, Any]) -> str | None:
    """A phone and a script can both be retired."""
    return "script" if kind == "retire" and "script" in body else _KINDS.get(kind)


def _expected(user: str, topic: str, body: dict[str, Any]) -> tuple[UUID, tuple[type[Event], ...]]:
    """Key and kinds of the events that answer a request."""
    match topic:
        case "task":
            return derived_id("task", user, str(body["id"]).strip()[:200]), (TaskAccepted, TaskRejected)
        case "fleet":
            return derived_id("fleet-request", user, str(body["id"]).strip()[:200]), (FleetAnswered,)
        case "script":
            return derived_id("script-request", user, str(body["id"]).strip()[:200]), (ScriptAnswered,)
        case "control" if body.get("kind") == "retry":
            return derived_id("task", user, str(body["id"]).strip()[:200]), (TaskAccepted,)
        case "control":
            return _uuid(body, "task"), (_CONTROLS[str(body["kind"])],)
        case "alert":
            answers = (AlertAcked, AlertResolved, AlertSuppressed, AlertRequestRejected)
            return _uuid(body, "alert"), answers
        case _:
            return derived_id("config", body.get("config_type"), body.get("name")), (ConfigChanged,)


def _uuid(body: dict[str, Any], name: str) -> UUID:
    try:
        return UUID(str(body.get(name)))
    except ValueError:
        raise CliError(f"{name} must be an id (a UUID), not {body.get(name)!r}", ExitCode.USAGE) from None


def _handler(topic: str) -> str:
    return "the alerter" if topic == "alert" else "the orchestrator"
