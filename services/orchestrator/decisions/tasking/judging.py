"""What becomes of an intent in the run that it is wanted in: its rules, its screen, what people said before. Pure."""

from __future__ import annotations

from contracts.orchestrator import TaskRules, TurnRequested
from contracts.values import AnyIntent, CallApi, TurnRead, TypeText
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.tasking.loops import key_of
from services.orchestrator.decisions.tasking.safety import Judgement, Setting, judge
from services.orchestrator.decisions.tasking.state import TaskProgress


def hindered(run: Run) -> str | None:
    """Why nothing may be done now, although the model was asked."""
    if run.task_progress.person is not None:
        return "somebody had taken the phone over before it could be done"
    if run.paused:
        return "the task had been paused before it could be done"
    if run.task_progress.stale:
        return "somebody may have used the phone since the screen was looked at"
    return None


def judged(run: Run, asked: TurnRequested, read: TurnRead, intent: AnyIntent) -> Judgement:
    started, progress = run.spec_started, run.task_progress
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
    found = judge(intent, setting)
    if found.verdict == "CONFIRM" and _denied_before(progress, asked, intent):
        return Judgement("REFUSE", "a person did not agree to the same thing before", "DENIED")
    return found


def _denied_before(progress: TaskProgress, asked: TurnRequested, intent: AnyIntent) -> bool:
    """Whether a person said no to the same on the same screen."""
    return any(
        turn.person is not None
        and turn.person.verdict == "DENIED"
        and turn.person.by is not None
        and turn.intent is not None
        and _is_same(turn.intent, intent)
        and turn.before is not None
        and turn.before.state_id == asked.screen.state_id
        for turn in progress.turns
    )


def _is_same(denied: AnyIntent, wanted: AnyIntent) -> bool:
    """Whether both want the same. Calls are told apart by their names and parameters, actions by what they touch."""
    if isinstance(denied, CallApi) or isinstance(wanted, CallApi):
        return isinstance(denied, CallApi) and isinstance(wanted, CallApi) and denied.call == wanted.call
    return key_of(denied) == key_of(wanted)
