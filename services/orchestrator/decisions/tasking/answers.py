"""What a run makes of an answer of the model: does it, refuses it, puts it to a person, or ends the task. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.orchestrator import ActionRequested, ApiCallRequested, NoteKept, TaskRules, TurnRequested, TurnTaken
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    Action,
    AnyIntent,
    AskPerson,
    CallApi,
    Finish,
    Guard,
    Point,
    RunStatus,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TurnRead,
    TypeText,
)
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking.acting import action_of, element_of, guarded
from services.orchestrator.decisions.tasking.away import AWAY, await_model, words_of
from services.orchestrator.decisions.tasking.loops import action_key
from services.orchestrator.decisions.tasking.people import ask, released
from services.orchestrator.decisions.tasking.safety import Judgement, Rule, Setting, judge
from services.orchestrator.decisions.tasking.state import TaskProgress, Turn
from services.orchestrator.decisions.tasking.telling import note_words
from services.orchestrator.decisions.tasking.wording import said

Verdict = Literal["ACT", "ASK", "NOTE", "CALL", "FINISH", "REFUSE", "MISREAD", "AWAY"]
API_PATIENCE_S = 90.0
"""How long the end of an HTTP call is waited for; one takes a minute at most."""
_SPENT = ("model_name", "prompt_tokens", "completion_tokens", "cost", "latency_ms", "attempts")
_WORDS_CHARS = 300
_REASON_CHARS = 1_000


def answered(run: Run, call: CallFinished, now: datetime) -> list[Event]:
    """The turn that an answer makes, and what follows from it at once."""
    progress = progress_of(run)
    asked = progress.asked
    assert asked is not None
    if call.error_code is not None and call.error_code != "MALFORMED":
        return _no_answer(run, asked, call.error_code, now, call)
    back = released(run) if progress.person is None else []
    read = TurnRead() if call.turn is None or call.turn.clear is None else TurnRead.model_validate(call.turn.clear)
    if call.error_code is not None or read.intent is None:
        reason = read.misread or "the answer could not be understood"
        return [*back, _taken(asked, "MISREAD", "", call, reason=reason)]
    return [*back, *_followed(run, asked, call, read, read.intent, now)]


def no_answer(run: Run, now: datetime) -> list[Event]:
    """Nothing was heard of the question in time."""
    asked = progress_of(run).asked
    assert asked is not None
    return _no_answer(run, asked, "TIMEOUT", now)


def confirmed(run: Run, turn: Turn, now: datetime) -> list[Event]:
    """A person has agreed to a turn: what it wants is done, where the screen is still as it was."""
    intent, read = turn.intent, turn.read
    if intent is None or read is None:
        return []
    if isinstance(intent, CallApi):
        return [_api_call(run, turn.taken.turn, intent, now)]
    action = guarded(intent, read.screen, run.spec_started.account)
    return [] if action is None else [act(run, action, turn.taken.turn, now)]


def act(run: Run, action: Action, turn: int, now: datetime) -> ActionRequested:
    return request(run, action, "TURN", now, turn=turn)


def progress_of(run: Run) -> TaskProgress:
    assert run.task is not None
    return run.task


def _no_answer(
    run: Run, asked: TurnRequested, code: str, now: datetime, call: CallFinished | None = None
) -> list[Event]:
    taken = _taken(asked, "AWAY", "", call, reason=words_of(code))
    if code == "BUDGET":
        return [taken, ending_of(run, RunStatus.FAILED, "budget used up", "BUDGET")]
    if progress_of(run).person is not None:
        return [taken]  # The model is asked again when the person is done.
    if code not in AWAY and code != "REFUSED":
        return [taken, ending_of(run, RunStatus.FAILED, words_of(code), "MODEL")]
    return [taken, *await_model(run, asked.turn, code, now)]


def _followed(
    run: Run, asked: TurnRequested, call: CallFinished, read: TurnRead, intent: AnyIntent, now: datetime
) -> list[Event]:
    """An answer that was understood."""
    words = said(intent)
    if isinstance(intent, Finish):
        return [_taken(asked, "FINISH", words, call, read), _finished(run, intent)]
    if (hindrance := _hindered(run)) is not None:
        return [_taken(asked, "REFUSE", words, call, read, reason=hindrance, rule="PAUSED")]
    judged = _judged(run, asked, read, intent)
    if judged.verdict == "REFUSE":
        return [_taken(asked, "REFUSE", words, call, read, reason=judged.reason, rule=judged.rule)]
    if judged.verdict == "CONFIRM" and not _can_be_confirmed(intent, read):
        judged = Judgement("TAKE_OVER", judged.reason)  # Nobody could find it again after the person has agreed.
    if judged.verdict != "ALLOW":
        question: Literal["CONFIRM", "TAKE_OVER"] = "CONFIRM" if judged.verdict == "CONFIRM" else "TAKE_OVER"
        return [
            _taken(asked, "ASK", words, call, read, reason=judged.reason),
            *_ask(run, question, f"{words}: {judged.reason}", asked, intent, now),
        ]
    return _done(run, asked, call, read, intent, now)


def _done(
    run: Run, asked: TurnRequested, call: CallFinished, read: TurnRead, intent: AnyIntent, now: datetime
) -> list[Event]:
    """What is done without anybody's word."""
    words, turn = said(intent), asked.turn
    match intent:
        case TakeOver():
            taken = _taken(asked, "ASK", words, call, read)
            return [taken, *_ask(run, "TAKE_OVER", "do something on the phone", asked, intent, now)]
        case AskPerson():
            taken = _taken(asked, "ASK", words, call, read)
            return [taken, *_ask(run, "CHOOSE", "answer a question", asked, intent, now)]
        case TakeNote(text=text):
            app, screen_name = asked.screen.app_name or asked.screen.package, asked.screen.screen_name
            kept = Sealed[str].of(text or read.thinking or "(page)")
            note = NoteKept(
                run_id=asked.run_id, task_id=asked.task_id, turn=turn, app=app, screen_name=screen_name, text=kept
            )
            return [_taken(asked, "NOTE", words, call, read), note]
        case CallApi():
            return [_taken(asked, "CALL", words, call, read), _api_call(run, turn, intent, now)]
        case _:
            action = action_of(intent, run.spec_started.account)
            assert action is not None, intent
            return [_taken(asked, "ACT", words, call, read), act(run, action, turn, now)]


def _finished(run: Run, intent: Finish) -> Event:
    if intent.succeeded:
        return ending_of(run, RunStatus.SUCCEEDED, None)
    message = intent.message or "without saying why"
    return ending_of(run, RunStatus.FAILED, f"the model gave it up: {message[:_REASON_CHARS]}", "GAVE_UP")


def _hindered(run: Run) -> str | None:
    """Why nothing may be done now, although the model was asked."""
    if progress_of(run).person is not None:
        return "somebody had taken the phone over before it could be done"
    return "the task had been paused before it could be done" if run.paused else None


def _judged(run: Run, asked: TurnRequested, read: TurnRead, intent: AnyIntent) -> Judgement:
    started, progress = run.spec_started, progress_of(run)
    state = run.states.get(asked.screen.state_id or "")
    gestures = () if state is None else state.gestures
    last = progress.last
    typed = last.intent if last is not None and last.is_done else None
    setting = Setting(
        rules=started.spec.rules or TaskRules(),
        package=started.app.package,
        screen=asked.screen,
        texts=read.texts,
        has_password=any(gesture.input_kind == "PASSWORD" for gesture in gestures),
        account=started.account,
        apis=started.confirmed_apis,
        typed_last=typed.element if isinstance(typed, TypeText) else None,
    )
    judged = judge(intent, setting)
    if judged.verdict == "CONFIRM" and _denied_before(progress, asked, read):
        return Judgement("REFUSE", "a person did not agree to the same thing before", "DENIED")
    return judged


def _denied_before(progress: TaskProgress, asked: TurnRequested, read: TurnRead) -> bool:
    """Whether a person said no to the same on the same screen."""
    probe = _probe(asked, read)
    key, state = action_key(probe), asked.screen.state_id
    return any(
        turn.person is not None
        and turn.person.verdict == "DENIED"
        and turn.person.by is not None
        and action_key(turn) == key
        and turn.before is not None
        and turn.before.state_id == state
        for turn in progress.turns
    )


def _probe(asked: TurnRequested, read: TurnRead) -> Turn:
    sealed = Sealed[dict[str, Any]].of(read.model_dump(mode="json"))
    taken = TurnTaken(run_id=asked.run_id, task_id=asked.task_id, turn=asked.turn, call_id=asked.call_id,
                      verdict="ASK", words="", read=sealed, model_name="")  # fmt: skip
    return Turn(taken)


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
        run, question, words, now, turn=asked.turn, detail=_detail(intent), screenshot=asked.screen.screenshot,
        point=_point(intent),
    )  # fmt: skip


def _detail(intent: AnyIntent) -> str | None:
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


def _point(intent: AnyIntent) -> Point | None:
    match intent:
        case TapAt(point=point) | SwipeTo(start=point) | TypeText(point=Point() as point):
            return point
        case _:
            element = element_of(intent)
            return None if element is None else element.bounds.centre


def _api_call(run: Run, turn: int, intent: CallApi, now: datetime) -> ApiCallRequested:
    started = run.spec_started
    assert started.llm_config_version is not None
    notes = {f"{note.turn}": note_words(note) for note in progress_of(run).notes}
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


def _taken(
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
        reason=None if reason is None else reason[:_REASON_CHARS],
        rule=rule,
        read=None if call is None else call.turn,
        point=None if intent is None else _point(intent),
        guard=guard,
        screenshot=asked.screen.screenshot,
        **{"model_name": "", **spent},
    )
