"""Events of a task in plain language, or of a replay, as rows of `task_steps`: what was thought, done, seen, checked,
what went wrong, how it ended. Pure; which tables take them is `projections_autoglm`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    ApiCallTaken,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    StepFinished,
    TurnTaken,
)
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import AnyIntent, ObjectRef, Observe, RunStatus, SwipeTo, TapAt, TurnRead, TypeText
from services.orchestrator.decisions.trail import words
from services.orchestrator.redacting import error_text, without_typed
from services.orchestrator.task_actions import done, place, wanted
from services.runtime.projection import ERASED, readable

StepType = Literal["thinking", "action", "screenshot", "error", "validation", "completion"]
OF_TASKS = frozenset({"SETUP", "STEP", "TURN"})
"""Purposes of the actions that a task in plain language or a replay is made of. Other tasks have the first two too."""


@dataclass(frozen=True)
class StepRow:
    """A row of `task_steps`. `sha256`: of the picture that the step is about, which an earlier step shows;
    `picture`: the picture that this step shows, kept as `path`."""

    id: UUID
    task_id: UUID
    kind: StepType
    data: dict[str, Any]
    thinking: str | None = None
    result: dict[str, Any] | None = None
    sha256: str | None = None
    picture: ObjectRef | None = None
    path: str | None = None
    duration_ms: int | None = None
    success: bool | None = True
    error: str | None = None


@dataclass(frozen=True)
class StepEnd:
    """What becomes of a row that is there: `data` is added to its own."""

    id: UUID
    task_id: UUID
    success: bool
    result: dict[str, Any] | None
    data: dict[str, Any] = field(default_factory=dict)
    path: str | None = None
    duration_ms: int | None = None
    error: str | None = None


def steps_of(event: Event) -> Iterator[StepRow | StepEnd]:
    """Rows of one event, in the order in which a person would tell them."""
    match event:
        case TurnTaken():
            yield from _turn(event)
        case ActionRequested():
            yield from _asked(event)
        case StepFinished():
            yield from _finished(event)
        case NoteKept():
            text = readable(event.text)
            data = {"action": "Note", "text": text, "app": event.app, "screen": event.screen_name, "turn": event.turn}
            result = {"success": True, "message": "kept"}
            yield StepRow(step_id("note", event.run_id, event.turn), event.task_id, "action", data, result=result)
        case PersonAsked():
            yield _person(event)
        case PersonAnswered():
            yield _answered(event)
        case ModelAwaited():
            data = {"tries": event.tries, "until": event.until.isoformat()}
            key = step_id("error", event.run_id, event.turn)
            yield StepEnd(key, event.task_id, False, None, data, error=error_text(event.reason))
        case ApiCallRequested():
            data = {"action": "Call_API", "name": event.call.name, "instruction": readable(event.instruction),
                    "turn": event.turn}  # fmt: skip
            yield StepRow(step_id("call", event.call_id), event.task_id, "action", data, success=None)
        case ApiCallTaken():
            yield _called(event)
        case RunFinished():
            yield _completed(event)
        case _:
            raise TypeError(f"no step of a task is made of {event.type_name()}")


def step_id(kind: str, *parts: object) -> UUID:
    """The id that a step of this kind always has: by run and turn, or by the action that it is about."""
    return derived_id("task-step", kind, *parts)


def picture_path(task_id: UUID, sequence: int) -> str:
    """What the picture after an action of a task is called; where its bytes lie is in the metadata."""
    return f"tasks/{task_id}/{sequence:04d}.png"


def read_of(field: Sealed[dict[str, Any]] | None) -> TurnRead:
    """What an answer meant, as far as it can be read."""
    if field is None or (field.clear is None and field.cipher is None):
        return TurnRead()
    return TurnRead(thinking=ERASED) if field.clear is None else TurnRead.model_validate(field.clear)


def _turn(event: TurnTaken) -> Iterator[StepRow]:
    read = read_of(event.read)
    thought = without_typed(read.thinking, read.intent) or None
    intent = {} if read.intent is None else wanted(read.intent)
    seen = None if event.screenshot is None else event.screenshot.sha256
    reason = error_text(event.reason or read.misread)
    of_turn = {"turn": event.turn, "verdict": event.verdict}
    if event.verdict != "AWAY":
        data = of_turn | {"wants": event.words, "intent": intent, **_spent(event)}
        yield StepRow(
            step_id("thinking", event.run_id, event.turn), event.task_id, "thinking", data, thinking=thought,
            sha256=seen, duration_ms=event.latency_ms, success=event.verdict != "MISREAD",
        )  # fmt: skip
    if _is_placed(read.intent) or read.off_target:
        yield _snapped(event, read, seen)
    if event.verdict in {"MISREAD", "REFUSE", "AWAY"}:
        data = of_turn | {"wants": event.words} | (_spent(event) if event.verdict == "AWAY" else {})
        key = step_id("error", event.run_id, event.turn)
        yield StepRow(key, event.task_id, "error", data, sha256=seen, success=False, error=reason)
    if event.verdict == "ACT":
        told = {"action": ERASED if read.thinking == ERASED else None, "element": place(event.point), **intent}
        data = {name: value for name, value in told.items() if value is not None}
        key = step_id("action", event.run_id, event.turn)
        data |= {"message": event.words, "turn": event.turn}
        yield StepRow(key, event.task_id, "action", data, thinking=thought, success=None)


def _spent(event: TurnTaken) -> dict[str, Any]:
    return {
        "model": event.model_name,
        "tokens": {"prompt": event.prompt_tokens, "completion": event.completion_tokens},
        "cost": event.cost,
        "latency_ms": event.latency_ms,
        "attempts": event.attempts,
    }


def _is_placed(intent: AnyIntent | None) -> bool:
    return isinstance(intent, TapAt | TypeText | SwipeTo) and not (isinstance(intent, TypeText) and not intent.point)


def _snapped(event: TurnTaken, read: TurnRead, seen: str | None) -> StepRow:
    """Which element the model's point means."""
    intent = {} if read.intent is None else wanted(read.intent)
    point = place(event.point) or intent.get("element") or intent.get("start")
    data = {"check": "snap", "turn": event.turn, "point": point, "target": intent.get("target")}
    key = step_id("snap", event.run_id, event.turn)
    why = error_text(read.misread) if read.off_target else None
    return StepRow(key, event.task_id, "validation", data, sha256=seen, success=not read.off_target, error=why)


def _asked(event: ActionRequested) -> Iterator[StepRow]:
    """What the phone is asked for. An action of a turn has its row already, with what was thought, unless a person had
    to agree to it first. Looks are no actions."""
    looks_only = isinstance(event.action, Observe) and not event.action.checks
    if event.purpose not in OF_TASKS or looks_only:
        return
    message = words(event.action, None, "") if event.step is None else event.step.words
    data = {name: value for name, value in done(event.action).items() if value is not None}
    data |= {"message": message, "sequence": event.sequence, "purpose": event.purpose, "turn": event.turn}
    if event.step is not None:
        data["step"] = event.step.number
    yield StepRow(_action_id(event), event.task_id, "action", data, success=None)


def _action_id(event: ActionRequested | StepFinished) -> UUID:
    return step_id("action", event.run_id, event.action_id if event.turn is None else event.turn)


def _finished(event: StepFinished) -> Iterator[StepRow | StepEnd]:
    if event.purpose not in OF_TASKS:
        return
    path = None if event.screenshot is None else picture_path(event.task_id, event.sequence)
    error, came = error_text(event.error_message or event.error_code), event.outcome.replace("_", " ").lower()
    found: dict[str, Any] = {"sequence": event.sequence, "outcome": event.outcome}
    sighting = event.sighting
    if sighting is not None and sighting.point is not None:
        found["element"] = place(sighting.point)
    yield StepEnd(
        _action_id(event), event.task_id,
        event.succeeded, {"success": event.succeeded, "message": error or came}, found, path, event.duration_ms, error,
    )  # fmt: skip
    of_step: dict[str, Any] = {"sequence": event.sequence, "turn": event.turn}
    guarded = sighting is not None and (sighting.score is not None or sighting.healed_by is not None)
    if event.error_code == "GUARD" or guarded:
        data = of_step | {"check": "guard", "score": None if sighting is None else sighting.score}
        if sighting is not None and sighting.healed_by is not None:
            data["healed_by"] = sighting.healed_by.words
        holds = event.error_code != "GUARD"
        key = step_id("guard", event.action_id)
        yield StepRow(key, event.task_id, "validation", data, success=holds, error=None if holds else error)
    if event.screenshot is not None:
        shown = of_step | {"key": event.screenshot.key, "sha256": event.screenshot.sha256}
        key = step_id("screenshot", event.action_id)
        yield StepRow(key, event.task_id, "screenshot", shown, picture=event.screenshot, path=path)
    if not event.succeeded and event.error_code != "GUARD":
        data = of_step | {"code": event.error_code, "outcome": event.outcome}
        key = step_id("failed", event.action_id)
        yield StepRow(key, event.task_id, "error", data, path=path, success=False, error=error or came)


def _person(event: PersonAsked) -> StepRow:
    """What the model asks in its own words is in what it wanted, unless it is to choose: then it is the question."""
    data = {"check": "person", "question": event.question, "message": event.words, "turn": event.turn,
            "element": place(event.point), "until": event.until.isoformat(), "by": event.by}  # fmt: skip
    if event.question == "CHOOSE":
        data["detail"] = readable(event.detail)
    seen = None if event.screenshot is None else event.screenshot.sha256
    return StepRow(step_id("person", event.ask_id), event.task_id, "validation", data, sha256=seen, success=None)


def _answered(event: PersonAnswered) -> StepEnd:
    agreed = event.verdict in {"CONFIRMED", "DONE", "ANSWERED"}
    answer = {"verdict": event.verdict, "by": event.by, "answer": readable(event.text)}
    return StepEnd(step_id("person", event.ask_id), event.task_id, agreed, {"success": agreed, **answer}, answer)


def _called(event: ApiCallTaken) -> StepEnd:
    good = event.error_code is None
    error = None if good else error_text(event.error_message or event.error_code)
    result = {"success": good, "status": event.status, "message": error or readable(event.answer)}
    key = step_id("call", event.call_id)
    return StepEnd(key, event.task_id, good, result, error=error)


def _completed(event: RunFinished) -> StepRow:
    good = event.status is RunStatus.SUCCEEDED
    result = {"success": good, "message": readable(event.result) or error_text(event.failure_reason)}
    data = {"status": event.status.value, "actions": event.total_actions, "successful": event.successful_actions,
            "usage": None if event.usage is None else event.usage.model_dump(mode="json"),
            "code": event.failure_code}  # fmt: skip
    took_ms = round((event.ended_at - event.started_at).total_seconds() * 1000)
    return StepRow(
        step_id("completion", event.run_id), event.task_id, "completion", data, result=result, duration_ms=took_ms,
        success=good, error=None if good else error_text(event.failure_reason),
    )  # fmt: skip
