"""Requests of people become accepted or rejected tasks; every request gets exactly one answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_never
from uuid import UUID

from pydantic import TypeAdapter

from contracts.event import Event
from contracts.orchestrator import (
    PersonSaid,
    TaskAccepted,
    TaskPauseAsked,
    TaskRejected,
    TaskRules,
    TaskSpec,
    TaskStopAsked,
    UserSeen,
)
from contracts.requests import (
    TASK_REQUEST,
    ControlRequest,
    CoverageConfig,
    ExploreRequest,
    GoalRequest,
    ReplayRequest,
    Rules,
    StepsRequest,
)
from contracts.sealed import Sealed
from contracts.subjects import derived_id, request_answer_id
from contracts.values import ApkFile, AppInstall, CoverageProfile
from services.orchestrator.decisions.schedules import next_fire
from services.orchestrator.decisions.scripts.asking import ScriptFound, replayed
from services.orchestrator.decisions.scripts_asked import plain_name, script_of
from services.runtime.aggregate import Aggregate
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Create, Decision, Reactor, Trigger
from services.runtime.request_json import RejectedError, parse, read_object

AnyTask = ExploreRequest | StepsRequest | GoalRequest | ReplayRequest
_SCHEDULE_AHEAD = timedelta(days=366)
_REJECTIONS_KEPT = 20
SPEC_BYTES = 248_000
"""So long is a task at most in the events that hold it, which are 256 KB at most and say a little more."""
_CONTROL: TypeAdapter[ControlRequest] = TypeAdapter(ControlRequest)


@dataclass(frozen=True)
class Task:
    """What the orchestrator knows of a task before it has a run. `spec`: none before it is accepted. `rejections`: code
    and reason by trigger, the last ones: a task's own id can be published again until it is right."""

    spec: TaskSpec | None = None
    rejections: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)


TASK = Aggregate[Task]("task", "orchestrator", Task, lambda s, r: evolve(s, r))


def intake_reactor(prepare: Callable[[Trigger[Any]], Awaitable[Trigger[Any]]] | None = None) -> Reactor[Task]:
    """Leads with the task, whose id is derived from the request, or from the id that its user gave it. `prepare` looks
    up the script that a request wants replayed."""
    return Reactor("orchestrator-intake", TASK, {RawRequest: task_key}, decide_request, prepare)


def task_key(raw: RawRequest) -> UUID:
    """A user's own id makes two publications one task; without one, each message is a task of its own."""
    try:
        fields = read_object(raw.body)
    except RejectedError:
        fields = {}
    if raw.kind == "control" and (task := _uuid(fields.get("task"))) is not None:
        return task
    own = fields.get("id")
    if raw.kind == "task" and isinstance(own, str) and own.strip():
        return derived_id("task", raw.user, own.strip()[:200])
    return _request_key(raw)


def answer_key(raw: RawRequest) -> UUID:
    """Where a rejection is kept. That of a control request is never under the id that it names: whoever publishes can
    name anybody's."""
    return _request_key(raw) if raw.kind == "control" else task_key(raw)


def decide_request(task: Task, trigger: Trigger[RawRequest | ScriptFound], now: datetime) -> Decision:
    """Raises `LaterError` where the script that is to be replayed may be there in a moment."""
    found = trigger.what if isinstance(trigger.what, ScriptFound) else None
    raw = trigger.what.raw if isinstance(trigger.what, ScriptFound) else trigger.what
    try:
        if raw.kind == "control":
            return _control(raw, task, now)
        return NOTHING if task.spec is not None else _accept(raw, found, trigger.time, now)
    except RejectedError as error:
        rejected = TaskRejected(task_id=answer_key(raw), user=raw.user, code=error.code, reason=error.reason)
        return Decision((), (Create((rejected,)),)) if raw.kind == "control" else Decision((rejected,))


def evolve(task: Task, recorded: Recorded[Event]) -> Task:
    match recorded.event:
        case TaskAccepted(spec=spec):
            return replace(task, spec=spec)
        case TaskRejected(code=code, reason=reason) if recorded.causation_id is not None:
            kept = list(task.rejections.items())[-_REJECTIONS_KEPT + 1 :]
            return replace(task, rejections={**dict(kept), recorded.causation_id: (code, reason)})
        case _:
            return task


def _accept(raw: RawRequest, found: ScriptFound | None, asked_at: datetime, now: datetime) -> Decision:
    request = parse(raw.body, TASK_REQUEST)
    _check(request, now)
    user_id, task_id = derived_id("user", raw.user), task_key(raw)
    copied: dict[str, Any] = {name: getattr(request, name) for name in _COPIED if hasattr(request, name)}
    if not isinstance(request, ExploreRequest):
        copied |= _STEPS_ONLY
    if isinstance(request, GoalRequest):
        copied |= {"goal": Sealed[str].of(request.goal)}
    if isinstance(request, GoalRequest | ReplayRequest):
        copied |= {"rules": _rules(request.rules)}
    if isinstance(request, ReplayRequest):
        assert found is not None, "a request to replay is decided on together with its script"
        copied |= replayed(found, request, asked_at, now)
    else:
        copied |= {
            "name": request.name or plain_name(request.kind, request.package),
            "package": request.package,
            "script": script_of(request),
        }
    spec = TaskSpec(
        task_id=task_id,
        user=raw.user,
        user_id=user_id,
        kind=request.kind,
        install=_install(request),
        accepted_at=now,
        schedule_at=_due(request.schedule_at, now),
        **copied,
    )
    if (size := _size_of(spec)) > SPEC_BYTES:
        raise RejectedError("TOO_LARGE", f"the whole task is {size} bytes long; {SPEC_BYTES} is the most")
    seen = UserSeen(user_id=user_id, account=raw.user, display_name=raw.user)
    return Decision((TaskAccepted(task_id=task_id, spec=spec),), (Create((seen,), shared=True),))


def _size_of(spec: TaskSpec) -> int:
    """How many bytes of an event a task takes; what is sealed is a third longer."""
    sealed = [None if field is None else field.clear for field in (spec.script, spec.goal)]
    text = json.dumps(sealed, ensure_ascii=False, separators=(",", ":")).encode()
    return len(spec.model_dump_json().encode()) + len(text) * 4 // 3


def _rules(asked: Rules) -> TaskRules:
    values = asked.model_dump(exclude={"cost_budget", "confirm"})
    cost = None if asked.cost_budget is None else format(asked.cost_budget, "f")
    return TaskRules.model_validate({**values, "cost_budget": cost, "confirm": asked.confirm.upper()})


def _check(request: AnyTask, now: datetime) -> None:
    """What fields say only together. Raises `RejectedError`."""
    if request.zone is not None and request.schedule is None:
        raise RejectedError("INVALID", "zone: it is the time zone of `schedule`, which is not there")
    if request.schedule is not None:
        if request.schedule_at is not None:
            raise RejectedError("INVALID", "schedule: it says when, so `schedule_at` cannot; write one of them")
        try:
            next_fire(request.schedule, request.zone, now)
        except ValueError as error:
            raise RejectedError("INVALID", str(error)) from None
    if request.phones is not None and request.serial is not None:
        raise RejectedError("INVALID", "phones: with `serial` it is one phone; write one of them")
    if request.probe and request.serial is None:
        raise RejectedError("INVALID", "probe: it tries out one phone; write its serial as `serial`")


_COPIED = tuple(
    name
    for name in (*ExploreRequest.model_fields, "quiet")
    if name in TaskSpec.model_fields and name not in {"name", "kind", "schedule_at", "install"}
)
_STEPS_ONLY: dict[str, Any] = {
    "profile": CoverageProfile.CUSTOM, "coverage": CoverageConfig(), "validate_locators": False,
}  # fmt: skip
"""What a task of steps has of an exploration: nothing is covered, so that no version counts as explored."""


def _install(asked: AnyTask) -> AppInstall | None:
    """The APKs by their keys, which are made of their SHA-256; none where the task brings none along."""
    request = asked.install if isinstance(asked, ExploreRequest) else None
    if request is None:
        return None
    keys = ((request.apk, None), *((split.key, split.name) for split in request.splits))
    return AppInstall(
        package=request.package,
        version_name=request.version,
        version_code=request.version_code,
        apks=tuple(ApkFile(key=key, sha256=key[3:67], split=name) for key, name in keys),
        reset="DATA" if request.reset == "data" else "NONE",
        grant_all=request.grant_all,
        keep=request.keep,
        min_api=request.min_api,
        abis=request.abis,
    )


def _due(schedule_at: datetime | None, now: datetime) -> datetime | None:
    """In UTC. A time that is over means at once: whoever publishes is a little late. Raises `RejectedError`."""
    if schedule_at is None:
        return None
    if schedule_at.tzinfo is None:
        raise RejectedError(
            "INVALID",
            f"schedule_at: {schedule_at.isoformat()} has no time zone; write it with one, such as +08:00 or Z",
        )
    try:
        due = schedule_at.astimezone(UTC)
    except OverflowError:
        due = None
    if due is None or due - now > _SCHEDULE_AHEAD:
        raise RejectedError("INVALID", f"schedule_at: {schedule_at.isoformat()} is more than a year ahead")
    return due


def _control(raw: RawRequest, task: Task, now: datetime) -> Decision:
    request = parse(raw.body, _CONTROL)
    if task.spec is None:
        raise RejectedError("UNKNOWN_TASK", f"there is no task {request.task}; `waymark watch` lists those there are")
    reason = request.reason or f"asked for by {raw.user}"
    match request.kind:
        case "stop":
            return Decision((TaskStopAsked(task_id=request.task, user=raw.user, reason=reason),))
        case "pause" | "resume":
            pause = request.kind == "pause"
            return Decision((TaskPauseAsked(task_id=request.task, user=raw.user, pause=pause, reason=reason),))
        case "confirm" | "deny" | "answer" | "takeover":
            return Decision((_said(raw, request, task.spec, request.kind),))
        case "retry":
            return _retry(raw, request, task.spec, now)
        case _:
            assert_never(request.kind)


def _said(
    raw: RawRequest, request: ControlRequest, spec: TaskSpec, kind: Literal["confirm", "deny", "answer", "takeover"]
) -> PersonSaid:
    """What somebody says to a task; its run knows what it asks. Raises `RejectedError`."""
    if spec.kind not in {"task", "replay"}:
        raise RejectedError("INVALID", f"task {request.task} asks nobody: only tasks in plain language do")
    if spec.phones is not None or spec.schedule is not None:
        raise RejectedError("INVALID", f"task {request.task} has no phone of its own: name one of the tasks it became")
    if kind == "answer" and request.text is None:
        raise RejectedError("INVALID", "text: an answer needs one")
    text = None if request.text is None else Sealed[str].of(request.text)
    return PersonSaid(
        task_id=request.task, user=raw.user, kind=kind, text=text, ask_id=request.ask, answer_id=answer_key(raw)
    )


def _retry(raw: RawRequest, request: ControlRequest, spec: TaskSpec, now: datetime) -> Decision:
    """The same again, now, as a task of its own: not as one of a group or of a schedule. What is sealed in it stays
    sealed, with the key that it has."""
    task_id = _request_key(raw) if request.id is None else derived_id("task", raw.user, request.id)
    user_id = derived_id("user", raw.user)
    again = spec.model_copy(
        update={
            "task_id": task_id, "user": raw.user, "user_id": user_id, "retries": spec.task_id, "accepted_at": now,
            "schedule_at": None, "schedule": None, "zone": None, "group": None, "scheduled_by": None,
        }
    )  # fmt: skip
    seen = UserSeen(user_id=user_id, account=raw.user, display_name=raw.user)
    accepted = Create((TaskAccepted(task_id=task_id, spec=again),), shared=True)
    return Decision((), (accepted, Create((seen,), shared=True)))


def _request_key(raw: RawRequest) -> UUID:
    return request_answer_id(raw.user, raw.sequence, raw.body)


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
