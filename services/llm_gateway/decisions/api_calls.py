"""A registered HTTP call of a task: whether it may be made, what exactly is sent, and how it ends.

It is made once at most. Its start is in the log before anything is sent; whoever finds it started and not ended does
not send it again, but says, when its time is over, that nobody knows what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.configs import ApiCallConfig, LlmConfig
from contracts.event import Event
from contracts.llm_gateway import OWNER, ApiCallFinished, ApiCallStarted
from contracts.orchestrator import ApiCallRequested
from contracts.sealed import Sealed, SealedError
from services.llm_gateway.decisions.filling import BadParameterError, Filled, filled
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, LaterError, Trigger

ANSWER_CHARS: Final = 4_000
_FINISHING_S: Final = 3.0
"""How long after its time-out a call may still take to get its end into the log."""
_MESSAGE_CHARS: Final = 1_000


@dataclass(frozen=True)
class ApiCall:
    """What is in the log of one call."""

    started: ApiCallStarted | None = None
    finished: bool = False


API_CALL = Aggregate[ApiCall]("api-call", OWNER, ApiCall, lambda s, r: evolve(s, r))


@dataclass(frozen=True)
class Calling:
    """A trigger: a call that is asked for, by whom it would be made, and the configuration that the run pinned, or the
    `problem` why there is none."""

    asked: ApiCallRequested
    instance: str
    config: LlmConfig | None
    problem: str = ""


@dataclass(frozen=True)
class HttpResult:
    """What came of the request: a status with an answer, or an error. Secrets are taken out of both."""

    status: int | None = None
    answer: str | None = None
    latency_ms: int = 0
    error_code: str | None = None
    error_message: str | None = None


LOST: Final = HttpResult(
    error_code="UNKNOWN_OUTCOME",
    error_message="the gateway ended while it made this call: nobody knows whether it was done. It is not made again",
)


def registered(calling: Calling) -> ApiCallConfig | None:
    """What the call is, as it was registered."""
    apis = () if calling.config is None else calling.config.apis
    return next((api for api in apis if api.name == calling.asked.call.name), None)


def request_of(calling: Calling) -> tuple[ApiCallConfig, Filled]:
    """What is sent. Raises `BadParameterError`."""
    api = registered(calling)
    assert api is not None, "a call was started that is not registered"
    return api, filled(api, _given(calling.asked, api))


def begin(call: ApiCall, trigger: Trigger[Calling], now: datetime) -> Decision:
    """The start of the call, or its end where it cannot be made. Raises `LaterError` while another may be at it."""
    calling = trigger.what
    if call.finished:
        return NOTHING
    if call.started is not None:
        if call.started.instance != calling.instance and now < call.started.deadline_at:
            wait_s = (call.started.deadline_at - now).total_seconds()
            raise LaterError(f"{call.started.instance} may still be making the call", wait_s)
        return NOTHING
    if (refused := _refused(calling, now)) is not None:
        return Decision((_ended(calling, refused),))
    api, _ = request_of(calling)
    asked = calling.asked
    started = ApiCallStarted(
        call_id=asked.call_id,
        run_id=asked.run_id,
        name=api.name,
        instance=calling.instance,
        deadline_at=now + timedelta(seconds=api.timeout_s + _FINISHING_S),
    )
    return Decision((started,))


def is_pending(call: ApiCall, _trigger: Trigger[Calling]) -> bool:
    return call.started is not None and not call.finished


def finish(call: ApiCall, trigger: Trigger[Calling], _now: datetime, result: HttpResult) -> Decision:
    return Decision((_ended(trigger.what, result),)) if is_pending(call, trigger) else NOTHING


def evolve(call: ApiCall, recorded: Recorded[Event]) -> ApiCall:
    match recorded.event:
        case ApiCallStarted() as started:
            return replace(call, started=started)
        case ApiCallFinished():
            return replace(call, finished=True)
        case _:
            return call


def _refused(calling: Calling, now: datetime) -> HttpResult | None:
    """Why the call is not made at all, if so."""
    if calling.config is None:
        return HttpResult(error_code="UNCONFIGURED", error_message=calling.problem)
    if now >= calling.asked.expires_at:
        return HttpResult(error_code="EXPIRED", error_message="it was asked for too long ago")
    if registered(calling) is None:
        names = ", ".join(api.name for api in calling.config.apis) or "none"
        return HttpResult(
            error_code="UNREGISTERED",
            error_message=f"there is no registered call {calling.asked.call.name!r}. Registered: {names}",
        )
    try:
        request_of(calling)
    except BadParameterError as error:
        return HttpResult(error_code="REFUSED", error_message=str(error))
    return None


def _given(asked: ApiCallRequested, api: ApiCallConfig) -> dict[str, str]:
    """Parameters of the call. One that is called `instruction` or `notes` is, where the model gives none, what the call
    is for and what the task has noted."""
    try:
        notes: dict[str, str] = {} if asked.notes is None else asked.notes.reveal()
        own = {"instruction": asked.instruction.reveal(), "notes": "\n".join(notes.values())}
    except SealedError:
        raise BadParameterError("what the task wanted was erased: its calls are not made any more") from None
    return {name: text for name, text in own.items() if name in api.parameters} | asked.call.parameters


def _ended(calling: Calling, result: HttpResult) -> ApiCallFinished:
    asked = calling.asked
    said: dict[str, Any] = {}
    if result.answer is not None:
        short = result.answer if len(result.answer) <= ANSWER_CHARS else result.answer[: ANSWER_CHARS - 1] + "…"
        said["answer"] = Sealed[str].of(short)
    return ApiCallFinished(
        call_id=asked.call_id,
        run_id=asked.run_id,
        task_id=asked.task_id,
        turn=asked.turn,
        name=asked.call.name,
        status=result.status,
        latency_ms=result.latency_ms,
        error_code=result.error_code,
        error_message=None if result.error_message is None else result.error_message[:_MESSAGE_CHARS],
        **said,
    )
