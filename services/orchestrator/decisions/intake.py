"""Requests of people become accepted or rejected tasks; every request gets exactly one answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from contracts.event import Event
from contracts.orchestrator import (
    TaskAccepted,
    TaskPauseAsked,
    TaskRejected,
    TaskSpec,
    TaskStopAsked,
    UserSeen,
)
from contracts.requests import TASK_REQUEST, ControlRequest, ExploreRequest
from contracts.subjects import derived_id
from services.runtime.aggregate import Aggregate
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Create, Decision, Reactor, Trigger

MAX_REQUEST_BYTES = 256 * 1024
MAX_DEPTH = 20
_GLANCE_BRACKETS = 500
_CONTROL: TypeAdapter[ControlRequest] = TypeAdapter(ControlRequest)


@dataclass(frozen=True)
class RejectedError(Exception):
    """Why a request cannot be accepted: a code for programs, a reason for the person."""

    code: str
    reason: str


@dataclass(frozen=True)
class Task:
    """What the orchestrator knows of a task before it has a run. `rejection`: its code and reason."""

    accepted: bool = False
    rejection: tuple[str, str] | None = None


TASK = Aggregate[Task]("task", "orchestrator", Task, lambda s, r: evolve(s, r))


def intake_reactor() -> Reactor[Task]:
    """Leads with the task, whose id is derived from the request, or from the id that its user gave it."""
    return Reactor("orchestrator-intake", TASK, {RawRequest: task_key}, decide_request)


def task_key(raw: RawRequest) -> UUID:
    """A user's own id makes two publications one task; without one, each message is a task of its own."""
    fields = _glance(raw.body)
    if raw.kind == "control" and (task := _uuid(fields.get("task"))) is not None:
        return task
    own = fields.get("id")
    if raw.kind == "task" and isinstance(own, str) and own.strip():
        return derived_id("task", raw.user, own.strip()[:200])
    return derived_id("request-answer", raw.user, raw.sequence, raw.body[:4096])


def decide_request(task: Task, trigger: Trigger[RawRequest], now: datetime) -> Decision:
    raw, key = trigger.what, task_key(trigger.what)
    try:
        if raw.kind == "control":
            return _control(raw, task)
        return NOTHING if task.accepted else _accept(raw, key, now)
    except RejectedError as rejected:
        return Decision((TaskRejected(task_id=key, user=raw.user, code=rejected.code, reason=rejected.reason),))


def evolve(task: Task, recorded: Recorded[Event]) -> Task:
    match recorded.event:
        case TaskAccepted():
            return replace(task, accepted=True, rejection=None)
        case TaskRejected(code=code, reason=reason):
            return replace(task, rejection=(code, reason))
        case _:
            return task


def _accept(raw: RawRequest, task_id: UUID, now: datetime) -> Decision:
    request = parse(raw.body, TASK_REQUEST.validate_python)
    user_id = derived_id("user", raw.user)
    spec = TaskSpec(
        task_id=task_id,
        name=request.name or f"{request.kind} {request.app}",
        user=raw.user,
        user_id=user_id,
        kind=request.kind,
        package=request.app,
        accepted_at=now,
        **{name: getattr(request, name) for name in _COPIED},
    )
    seen = UserSeen(user_id=user_id, account=raw.user, display_name=raw.user)
    return Decision((TaskAccepted(task_id=task_id, spec=spec),), (Create((seen,), shared=True),))


_COPIED = tuple(
    name for name in ExploreRequest.model_fields if name in TaskSpec.model_fields and name not in {"name", "kind"}
)


def _control(raw: RawRequest, task: Task) -> Decision:
    request = parse(raw.body, _CONTROL.validate_python)
    if not task.accepted:
        raise RejectedError("UNKNOWN_TASK", f"there is no task {request.task}; `waymark watch` lists those there are")
    reason = request.reason or f"asked for by {raw.user}"
    match request.kind:
        case "stop":
            return Decision((TaskStopAsked(task_id=request.task, user=raw.user, reason=reason),))
        case "pause" | "resume":
            pause = request.kind == "pause"
            return Decision((TaskPauseAsked(task_id=request.task, user=raw.user, pause=pause, reason=reason),))
        case _:
            assert_never(request.kind)


def parse(body: bytes, validate: Callable[[Any], ExploreRequest] | Callable[[Any], Any]) -> Any:
    """A request from its bytes. Raises `RejectedError` with words that say what to change."""
    if len(body) > MAX_REQUEST_BYTES:
        raise RejectedError("TOO_LARGE", f"the request is {len(body)} bytes long; {MAX_REQUEST_BYTES} is the most")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedError("NOT_UTF8", f"the request is not UTF-8 text: byte {error.start} cannot be read") from None
    if _depth(text) > MAX_DEPTH:
        raise RejectedError("TOO_DEEP", f"the request is nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RejectedError("NOT_JSON", f"the request is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RejectedError("NOT_AN_OBJECT", 'the request must be a JSON object such as {"kind": "explore", "app": ..}')
    try:
        return validate(value)
    except ValidationError as error:
        raise RejectedError("INVALID", explain(error)) from None


def explain(error: ValidationError) -> str:
    """What is wrong with a request, field by field, for the person who wrote it (the first five)."""
    parts = []
    for problem in error.errors(include_url=False, include_context=False)[:5]:
        place = ".".join(str(p) for p in problem["loc"]) or "request"
        given = problem.get("input")
        shown = (
            ""
            if isinstance(given, dict | list)
            else f" (it is {json.dumps(given, ensure_ascii=False, default=str)[:80]})"
        )
        parts.append(f"{place}: {problem['msg']}{shown}")
    return "; ".join(parts)


def _depth(text: str) -> int:
    """Greatest nesting of brackets outside strings; found without recursion."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _glance(body: bytes) -> dict[str, Any]:
    """The fields of a request if it can be read at all; what is wrong with it is said elsewhere."""
    if len(body) > MAX_REQUEST_BYTES or body.count(b"[") + body.count(b"{") > _GLANCE_BRACKETS:
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
