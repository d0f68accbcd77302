"""What a run makes of an answer of the model: does it, refuses it, puts it to a person, or ends the task. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.orchestrator import NoteKept, TurnRequested
from contracts.sealed import Sealed
from contracts.values import (
    AnyIntent,
    AskPerson,
    CallApi,
    Finish,
    RunStatus,
    TakeNote,
    TakeOver,
    TurnRead,
)
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.tasking.acting import action_of, guarded
from services.orchestrator.decisions.tasking.away import AWAY, await_model, words_of
from services.orchestrator.decisions.tasking.judging import hindered, judged
from services.orchestrator.decisions.tasking.people import ask, released
from services.orchestrator.decisions.tasking.safety import Judgement
from services.orchestrator.decisions.tasking.state import Turn
from services.orchestrator.decisions.tasking.turn_events import (
    REASON_CHARS,
    act,
    api_call,
    detail_of,
    point_of,
    taken_of,
)
from services.orchestrator.decisions.tasking.wording import said


def answered(run: Run, call: CallFinished, now: datetime) -> list[Event]:
    """The turn that an answer makes, and what follows from it at once."""
    progress = run.task_progress
    asked = progress.asked
    assert asked is not None
    if call.error_code is not None and call.error_code != "MALFORMED":
        return _no_answer(run, asked, call.error_code, now, call)
    back = released(run) if progress.person is None else []
    read = TurnRead() if call.turn is None or call.turn.clear is None else TurnRead.model_validate(call.turn.clear)
    if call.error_code is not None or read.intent is None:
        reason = read.misread or "the answer could not be understood"
        return [*back, taken_of(asked, "MISREAD", "", call, reason=reason)]
    return [*back, *_followed(run, asked, call, read, read.intent, now)]


def no_answer(run: Run, now: datetime) -> list[Event]:
    """Nothing was heard of the question in time."""
    asked = run.task_progress.asked
    assert asked is not None
    return _no_answer(run, asked, "TIMEOUT", now)


def confirmed(run: Run, turn: Turn, now: datetime) -> list[Event]:
    """A person has agreed to a turn: what it wants is done, where the screen is still as it was."""
    intent, read = turn.intent, turn.read
    if intent is None or read is None:
        return []
    if isinstance(intent, CallApi):
        return [api_call(run, turn.taken.turn, intent, now)]
    action = guarded(intent, read.screen, run.spec_started.account)
    return [] if action is None else [act(run, action, turn.taken.turn, now)]


def _no_answer(
    run: Run, asked: TurnRequested, code: str, now: datetime, call: CallFinished | None = None
) -> list[Event]:
    reason = words_of(code, call)
    taken = taken_of(asked, "AWAY", "", call, reason=reason)
    if code == "BUDGET":
        return [taken, ending_of(run, RunStatus.FAILED, "budget used up", "BUDGET")]
    if run.task_progress.person is not None:
        return [taken]  # The model is asked again when the person is done.
    if code not in AWAY and code != "REFUSED":
        return [taken, ending_of(run, RunStatus.FAILED, reason, "MODEL")]
    return [taken, *await_model(run, asked.turn, code, reason, now)]


def _followed(
    run: Run, asked: TurnRequested, call: CallFinished, read: TurnRead, intent: AnyIntent, now: datetime
) -> list[Event]:
    """An answer that was understood."""
    words = said(intent)
    if isinstance(intent, Finish):
        return [taken_of(asked, "FINISH", words, call, read), _finished(run, intent)]
    if (hindrance := hindered(run)) is not None:
        return [taken_of(asked, "REFUSE", words, call, read, reason=hindrance, rule="PAUSED")]
    found = judged(run, asked, read, intent)
    if found.verdict == "REFUSE":
        return [taken_of(asked, "REFUSE", words, call, read, reason=found.reason, rule=found.rule)]
    if found.verdict == "CONFIRM" and not _can_be_confirmed(intent, read):
        found = Judgement("TAKE_OVER", found.reason)  # Nobody could find it again after the person has agreed.
    if found.verdict != "ALLOW":
        question: Literal["CONFIRM", "TAKE_OVER"] = "CONFIRM" if found.verdict == "CONFIRM" else "TAKE_OVER"
        return [
            taken_of(asked, "ASK", words, call, read, reason=found.reason),
            *_ask(run, question, f"{words}: {found.reason}", asked, intent, now),
        ]
    return _done(run, asked, call, read, intent, now)


def _done(
    run: Run, asked: TurnRequested, call: CallFinished, read: TurnRead, intent: AnyIntent, now: datetime
) -> list[Event]:
    """What is done without anybody's word."""
    words, turn = said(intent), asked.turn
    match intent:
        case TakeOver():
            taken = taken_of(asked, "ASK", words, call, read)
            return [taken, *_ask(run, "TAKE_OVER", "do something on the phone", asked, intent, now)]
        case AskPerson():
            taken = taken_of(asked, "ASK", words, call, read)
            return [taken, *_ask(run, "CHOOSE", "answer a question", asked, intent, now)]
        case TakeNote(text=text):
            app, screen_name = asked.screen.app_name or asked.screen.package, asked.screen.screen_name
            kept = Sealed[str].of(text or read.thinking or "(page)")
            note = NoteKept(
                run_id=asked.run_id, task_id=asked.task_id, turn=turn, app=app, screen_name=screen_name, text=kept
            )
            return [taken_of(asked, "NOTE", words, call, read), note]
        case CallApi():
            return [taken_of(asked, "CALL", words, call, read), api_call(run, turn, intent, now)]
        case _:
            action = action_of(intent, run.spec_started.account)
            assert action is not None, intent
            return [taken_of(asked, "ACT", words, call, read), act(run, action, turn, now)]


def _finished(run: Run, intent: Finish) -> Event:
    if intent.succeeded:
        return ending_of(run, RunStatus.SUCCEEDED, None)
    message = intent.message or "without saying why"
    return ending_of(run, RunStatus.FAILED, f"the model gave it up: {message[:REASON_CHARS]}", "GAVE_UP")


def _can_be_confirmed(intent: AnyIntent, read: TurnRead) -> bool:
    return isinstance(intent, CallApi) or guarded(intent, read.screen, None) is not None


def _ask(
    run: Run,
    question: Literal["CONFIRM", "TAKE_OVER", "CHOOSE"],
    words: str,
    asked: TurnRequested,
    intent: AnyIntent,
    now: datetime,
) -> list[Event]:
    return ask(
        run, question, words, now, turn=asked.turn, detail=detail_of(intent), screenshot=asked.screen.screenshot,
        point=point_of(intent),
    )  # fmt: skip
