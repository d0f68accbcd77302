"""Events that an answer of the model leads to. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from contracts.llm_gateway import CallFinished
from contracts.orchestrator import ActionRequested, ApiCallRequested, TurnRequested, TurnTaken
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    Action,
    AnyIntent,
    AskPerson,
    CallApi,
    Guard,
    Point,
    SwipeTo,
    TakeOver,
    TapAt,
    TurnRead,
    TypeText,
)
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking.acting import element_of
from services.orchestrator.decisions.tasking.safety import Rule
from services.orchestrator.decisions.tasking.telling import newest

Verdict = Literal["ACT", "ASK", "NOTE", "CALL", "FINISH", "REFUSE", "MISREAD", "AWAY"]
API_PATIENCE_S = 90.0
"""How long the end of an HTTP call is waited for; one takes a minute at most."""
_SPENT = ("model_name", "prompt_tokens", "completion_tokens", "cost", "latency_ms", "attempts")
_WORDS_CHARS = 300
REASON_CHARS = 1_000


def act(run: Run, action: Action, turn: int, now: datetime) -> ActionRequested:
    return request(run, action, "TURN", now, turn=turn)


def taken_of(
    asked: TurnRequested,
    verdict: Verdict,
    words: str,
    call: CallFinished | None,
    read: TurnRead | None = None,
    *,
    reason: str | None = None,
    rule: Rule | None = None,
) -> TurnTaken:
    spent: dict[str, Any] = {}
    if call is not None:
        spent = {name: getattr(call, name) for name in _SPENT}
    intent = None if read is None else read.intent
    guard = None
    if intent is not None and read is not None:
        guard = Guard(screen=read.screen, element=element_of(intent))
    return TurnTaken(
        run_id=asked.run_id,
        task_id=asked.task_id,
        turn=asked.turn,
        call_id=asked.call_id,
        verdict=verdict,
        words=words[:_WORDS_CHARS],
        reason=None if reason is None else reason[:REASON_CHARS],
        rule=rule,
        read=None if call is None else call.turn,
        point=None if intent is None else point_of(intent),
        guard=guard,
        screenshot=asked.screen.screenshot,
        **{"model_name": "", **spent},
    )


def api_call(run: Run, turn: int, intent: CallApi, now: datetime) -> ApiCallRequested:
    started = run.spec_started
    assert started.llm_config_version is not None
    notes = {str(turn): text for turn, text in newest(run.task_progress.notes).items()}
    return ApiCallRequested(
        run_id=started.run_id,
        task_id=started.task_id,
        call_id=derived_id("api-call", started.run_id, turn),
        turn=turn,
        call=intent.call,
        instruction=Sealed[str].of(intent.instruction),
        notes=Sealed[dict[str, str]].of(notes) if notes else None,
        config_id=started.llm_config_id,
        config_version=started.llm_config_version,
        expires_at=min(now + timedelta(seconds=API_PATIENCE_S), started.ends_at),
    )


def detail_of(intent: AnyIntent) -> str | None:
    """What a person has to know beyond the words."""
    match intent:
        case TakeOver(message=text) | AskPerson(question=text) | TypeText(text=text):
            return text
        case TapAt(sensitive=text):
            return text
        case CallApi(call=call, instruction=instruction):
            given = ", ".join(f"{name}={value}" for name, value in call.parameters.items())
            return "; ".join(part for part in (f"{call.name}({given})", instruction) if part)
        case _:
            return None


def point_of(intent: AnyIntent) -> Point | None:
    match intent:
        case TapAt(point=point) | SwipeTo(start=point) | TypeText(point=Point() as point):
            return point
        case _:
            element = element_of(intent)
            return None if element is None else element.bounds.centre
