"""A model that does not answer: the task is held and asks again, with growing pauses, until its time is up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.orchestrator import ModelAwaited
from contracts.values import RunStatus
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.tasking.people import held

AWAY = frozenset({"TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "UNCONFIGURED", "UNKNOWN_OUTCOME", "EXPIRED"})
"""Ends of a call that say nothing of the task: asked again later."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 300
REFUSALS = 3
"""Requests in a row that the endpoint refuses: the next one would be no different."""

_EXPLAINED = frozenset({"TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "UNCONFIGURED", "REFUSED"})
"""Ends of which the gateway says why."""

_WORDS = {
    "TIMEOUT": "the model did not answer in time",
    "UNAVAILABLE": "the endpoint of the model cannot be reached",
    "RATE_LIMITED": "the endpoint of the model takes no more requests for now",
    "UNCONFIGURED": "the configuration of the model is not usable",
    "UNKNOWN_OUTCOME": "nobody knows what the model answered",
    "EXPIRED": "the question came too late to the model",
    "REFUSED": "the endpoint of the model refuses the request",
    "BUDGET": "the budget is used up",
}


_STATUSES = {
    401: ": is its key (`secret_ref`) the right one?",
    403: ": may its key (`secret_ref`) use that model?",
    404: ": are `base_url` and `model` the right ones?",
}
_ERROR_CHARS = 200


def words_of(code: str, call: CallFinished | None) -> str:
    """Why there is no answer, for people. Of what an endpoint says only its HTTP status: the rest may repeat the
    question, which is sealed."""
    words = _WORDS.get(code, f"the model did not answer ({code})")
    said = None if call is None else call.response_payload.clear
    if code not in _EXPLAINED or not said:
        return words
    if (status := said.get("status")) is not None:
        return f"{words} (HTTP {status}{_STATUSES.get(status, '')})"
    return f"{words}: {str(said['error'])[:_ERROR_CHARS]}" if said.get("error") else words


def pause_s(tries: int) -> int:
    """How long after so many tries in a row it is asked again."""
    return int(min(FIRST_PAUSE_S * 2 ** min(tries - 1, 10), LONGEST_PAUSE_S))


def await_model(run: Run, turn: int, code: str, reason: str, now: datetime) -> list[Event]:
    """The model is asked again later; the task is held meanwhile. An endpoint that goes on refusing ends it."""
    started, progress = run.spec_started, run.task
    assert progress is not None
    tries = progress.tries + 1
    if code == "REFUSED" and tries >= REFUSALS:
        return [ending_of(run, RunStatus.FAILED, f"{reason}, {tries} times in a row", "MODEL_REFUSED")]
    awaited = ModelAwaited(
        run_id=started.run_id,
        task_id=started.task_id,
        turn=turn,
        tries=tries,
        reason=reason,
        until=min(now + timedelta(seconds=pause_s(tries)), started.ends_at),
    )
    return [awaited, *([] if progress.held else [held(run, f"{reason}; it is tried again")])]
