"""A call of a model, request by request: whether to ask, whether to ask again, and how the call ends.

Every request is an attempt that is in the log before it is sent, with what it may cost. So a crash at any point loses
one attempt at most, which is charged at its estimate, and one answer at most is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from contracts.configs import LlmConfig
from contracts.llm_gateway import AskCause, CallFinished, CallStarted
from contracts.orchestrator import TurnRequested
from contracts.sealed import Sealed
from services.llm_gateway.decisions.asking import Answer, Asking, MalformedAnswerError, Question
from services.llm_gateway.decisions.exchange import Reply
from services.llm_gateway.decisions.ledger import Charge, Ledger, OpenCall, crossed, priced, shown
from services.llm_gateway.decisions.tokens import tokens_in
from services.runtime.reactor import NOTHING, Decision, LaterError, Trigger

NO_MODEL: Final = "none"
FINISHING_S: Final = 2.0
"""How long before its deadline an attempt is given up, so that its end is in the log by then."""
_LOST_ONCE = 1
_PAUSE_S, _PAUSE_LIMIT_S = 0.5, 8.0


@dataclass(frozen=True)
class _End:
    """How a call ends, but for what it cost."""

    error_code: str | None
    answer: Answer = field(default_factory=Answer)
    detail: dict[str, Any] = field(default_factory=dict)
    wanted: Charge = field(default_factory=Charge)
    """What did not fit into the budget."""


def decide_call(ledger: Ledger, trigger: Trigger[Asking], now: datetime) -> Decision:
    """The next attempt of a call, or its end. Raises `LaterError` while another instance may be at it."""
    asking = trigger.what
    call_id = asking.asked.call_id
    if call_id in ledger.finished:
        return NOTHING
    call = ledger.open.get(call_id)
    if call is None:
        return NOTHING if asking.reply is not None else _first(ledger, asking, now)
    if asking.reply is not None:
        is_current = (call.attempt, call.instance) == (asking.attempt, asking.instance)
        return _replied(ledger, asking, call, asking.reply, now) if is_current else NOTHING
    if call.instance != asking.instance and now < call.deadline_at:
        wait_s = (call.deadline_at - now).total_seconds()
        raise LaterError(f"{call.instance} may still be asking the model", wait_s)
    return _lost(ledger, asking, call, now)


def pause_s(reply: Reply | None, attempt: int) -> float:
    """How long to wait after the reply to attempt number `attempt` before the next one is sent."""
    if reply is None:
        return 0.0
    match reply.outcome:
        case "TEXT" | "REFUSED" | "UNCONFIGURED":
            return 0.0
        case "TIMEOUT" | "RATE_LIMITED" | "UNAVAILABLE":
            own: float = min(_PAUSE_S * 2 ** (attempt - 1), _PAUSE_LIMIT_S)
            return own if reply.retry_after_s is None else max(own, reply.retry_after_s)
        case _:
            assert_never(reply.outcome)


def _first(ledger: Ledger, asking: Asking, now: datetime) -> Decision:
    question = asking.question
    if asking.config is None or question is None:
        return _finish(ledger, asking, _End("UNCONFIGURED", detail={"error": asking.problem}), Charge(), attempts=0)
    if now >= asking.asked.expires_at:
        return _finish(ledger, asking, _End("EXPIRED"), Charge(), attempts=0)
    if (why := question.nothing_to_ask()) is not None:
        return _finish(ledger, asking, _End(None, detail={"note": why}), Charge(), attempts=0)
    if (started := _start(ledger, asking, 1, "QUESTION", Charge(), None, now)) is not None:
        return started
    wanted = _reserve(ledger, asking, question, asking.config, None)
    return _finish(ledger, asking, _End("BUDGET", wanted=wanted), Charge(), attempts=0)


def _replied(ledger: Ledger, asking: Asking, call: OpenCall, reply: Reply, now: datetime) -> Decision:
    config, question = asking.config, asking.question
    assert config is not None, "a call was started without a configuration"
    assert question is not None, "a call was started without a question"
    charged = call.charged + _charge(reply, config, question, call)
    match reply.outcome:
        case "TEXT":
            return _judged(ledger, asking, question, call, reply, charged, now)
        case "TIMEOUT" | "RATE_LIMITED" | "UNAVAILABLE":
            repeats = sum(call.causes.get(cause, 0) for cause in ("TIMEOUT", "RATE_LIMITED", "UNAVAILABLE"))
            if repeats < config.retries:
                started = _start(ledger, asking, call.attempt + 1, reply.outcome, charged, call.correction, now)
                if started is not None:
                    return started
        case "REFUSED" | "UNCONFIGURED":
            pass
        case _:
            assert_never(reply.outcome)
    return _finish(ledger, asking, _End(reply.outcome), charged, attempts=call.attempt)


def _judged(
    ledger: Ledger, asking: Asking, question: Question, call: OpenCall, reply: Reply, charged: Charge, now: datetime
) -> Decision:
    """A text is an answer, a refusal, or neither; then it is asked for again, where time and budget allow it."""
    if reply.finish_reason == "content_filter":
        return _finish(ledger, asking, _End("REFUSED"), charged, attempts=call.attempt)
    try:
        answer = question.read(reply)
    except MalformedAnswerError as error:
        if call.causes.get("MALFORMED", 0) < question.corrections():
            told = question.correction(reply, str(error))
            started = _start(ledger, asking, call.attempt + 1, "MALFORMED", charged, told, now)
            if started is not None:
                return started
        end = _End("MALFORMED", error.answer, detail={"why": str(error)})
        return _finish(ledger, asking, end, charged, attempts=call.attempt)
    return _finish(ledger, asking, _End(None, answer), charged, attempts=call.attempt)


def _lost(ledger: Ledger, asking: Asking, call: OpenCall, now: datetime) -> Decision:
    """Whoever made this attempt is gone, and nobody knows what came of it."""
    charged = call.charged + call.reserved
    if call.causes.get("LOST", 0) < _LOST_ONCE:
        started = _start(ledger, asking, call.attempt + 1, "LOST", charged, call.correction, now)
        if started is not None:
            return started
    return _finish(ledger, asking, _End("UNKNOWN_OUTCOME"), charged, attempts=call.attempt)


def _reserve(ledger: Ledger, asking: Asking, question: Question, config: LlmConfig, correction: str | None) -> Charge:
    """What an attempt may cost at most. Endpoints count in ways of their own, pictures above all: where one has counted
    more than was estimated, a task's next request is taken for as much more."""
    tokens = question.reserved_tokens(correction)
    if isinstance(asking.asked, TurnRequested):
        tokens = -(-tokens * ledger.prompt_percent // 100)
    return priced(config, tokens, config.max_tokens)


def _charge(reply: Reply, config: LlmConfig, question: Question, call: OpenCall) -> Charge:
    if reply.usage is not None:
        return priced(config, *reply.usage)
    if reply.outcome == "TEXT":
        return priced(config, question.sent_tokens(call.correction), tokens_in(reply.said))
    return call.reserved if reply.may_have_cost else Charge()


def _start(
    ledger: Ledger,
    asking: Asking,
    attempt: int,
    cause: AskCause,
    charged: Charge,
    correction: str | None,
    now: datetime,
) -> Decision | None:
    """The next attempt; None where the time is up or the budget does not allow it."""
    asked, config, question = asking.asked, asking.config, asking.question
    if config is None or question is None:
        return None
    reserve = _reserve(ledger, asking, question, config, correction)
    committed = ledger.committed(without=asked.call_id) + charged
    begins_at = now + timedelta(seconds=pause_s(asking.reply, attempt - 1))
    if begins_at >= asked.expires_at or not asking.budget(config).fits(committed, reserve):
        return None
    until = min(begins_at + timedelta(seconds=config.timeout_s), asked.expires_at)
    started = CallStarted(
        call_id=asked.call_id,
        run_id=asked.run_id,
        attempt=attempt,
        cause=cause,
        model_name=config.model,
        instance=asking.instance,
        estimate=shown(reserve.cost),
        estimated_prompt_tokens=reserve.prompt_tokens,
        estimated_completion_tokens=reserve.completion_tokens,
        charged_prompt_tokens=charged.prompt_tokens,
        charged_completion_tokens=charged.completion_tokens,
        charged_cost=shown(charged.cost),
        deadline_at=until + timedelta(seconds=FINISHING_S),
        correction=None if correction is None else Sealed[str].of(correction),
    )
    return Decision((started,))


def _finish(ledger: Ledger, asking: Asking, end: _End, charged: Charge, *, attempts: int) -> Decision:
    asked, config, answer = asking.asked, asking.config, end.answer
    reply = asking.reply or Reply("TEXT")
    used = ledger.used + charged
    turn = None if answer.turn is None else answer.turn.model_dump(mode="json")
    finished = CallFinished(
        call_id=asked.call_id,
        run_id=asked.run_id,
        task_id=asked.task_id,
        screen_id=asking.screen_id,
        state_id=asking.state_id,
        model_name=NO_MODEL if config is None else config.model,
        prompt_tokens=charged.prompt_tokens,
        completion_tokens=charged.completion_tokens,
        latency_ms=reply.latency_ms,
        cost=shown(charged.cost),
        request_payload=Sealed[dict[str, Any]].of(reply.sent),
        response_payload=Sealed[dict[str, Any]].of(_response(reply, end, attempts)),
        safety_flags=_flags(asking.question, reply, answer),
        error_code=end.error_code,
        order=answer.order,
        texts=Sealed[dict[str, str]].of(dict(answer.texts)) if answer.texts else None,
        attempts=attempts,
        tokens_used_run=used.tokens,
        cost_used_run=shown(used.cost),
        turn=None if turn is None else Sealed[dict[str, Any]].of(turn),
        budgets_crossed=() if config is None else crossed(ledger, asking.budget(config), used, end.wanted),
    )
    return Decision((finished,))


def _response(reply: Reply, end: _End, attempts: int) -> dict[str, Any]:
    calls = [{"name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
    parts = {
        "text": reply.text,
        "thinking": reply.thinking,
        "tool_calls": calls,
        "finish_reason": reply.finish_reason,
        "attempts": attempts,
    }
    return {name: value for name, value in parts.items() if value} | reply.detail | end.detail


def _flags(question: Question | None, reply: Reply, answer: Answer) -> dict[str, Any]:
    """What somebody who looks after safety wants to see; empty where there is nothing."""
    flags: dict[str, Any] = {
        **({} if question is None else question.flags()),
        "dropped": dict(answer.dropped),
        "content_filter": reply.finish_reason == "content_filter",
        "cut_at_max_tokens": reply.finish_reason == "length",
    }
    return {name: value for name, value in flags.items() if value}
