"""A script that is replayed: what is asked of a model for a step whose element is gone, and what the run leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.orchestrator import TaskRules, TurnRequested, TurnTaken
from contracts.screen_indexer import CaptureIndexed
from contracts.sealed import Sealed
from contracts.steps import TypeStep
from contracts.subjects import derived_id
from contracts.values import Guard, Observe, TapAt, TurnContext, TurnRead, TypeText
from services.orchestrator.decisions.interruptions import PERMISSION_PACKAGES, SYSTEM_UI, in_call
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.script import Progress
from services.orchestrator.decisions.script_program import Instruction
from services.orchestrator.decisions.scripts.repairing import aimed_at, element_of, read_of, screen_asked, unfit
from services.orchestrator.decisions.step_actions import action_of, guarded
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking.safety import Setting, judge

_ANSWER_S = 180.0
"""How long the model has to answer."""
Verdict = Literal["ACT", "REFUSE", "MISREAD", "AWAY"]


def interrupted(run: Run, current: Instruction) -> str | None:
    """What came over the app while it was replayed, where the step is not meant for that."""
    here = run.here
    expected = None if current.guard is None or current.guard.screen is None else current.guard.screen.package
    if here is None or here.inside or here.package == expected:
        return None
    if in_call(here):
        return "a call is in front"
    if here.package in PERMISSION_PACKAGES:
        return f"a dialog that asks for a permission is in front ({here.package}), for which the script has no step"
    if here.package == "android":
        return "a dialog of the system is in front, for which the script has no step"
    return "the lock screen, or another window of the system, is in front" if here.package == SYSTEM_UI else None


def repair(run: Run, progress: Progress, seen: CaptureIndexed | None, now: datetime) -> list[Event]:
    """The model is asked where the element of the step is now; where it has said so, that is done. `seen`: what the
    phone shows now; none: it has to be looked at first."""
    current = progress.current
    assert current is not None
    taken = run.repair.taken
    if taken is not None:
        read = read_of(taken)
        element = element_of(read.intent)
        assert element is not None
        step = aimed_at(current.step, element.targets[0])
        action = action_of(step, run.spec_started.app.package, 0.0)
        action = guarded(action, Guard(screen=read.screen, element=element), 0.0)
        return [request(run, action, "STEP", now, step=current.ref, turn=taken.turn)]
    if seen is None:
        return [request(run, Observe(), "TURN", now)]
    return [_ask(run, current, progress, seen, now)]


def _ask(run: Run, current: Instruction, progress: Progress, seen: CaptureIndexed, now: datetime) -> TurnRequested:
    started = run.spec_started
    rules, replay = started.spec.rules, started.spec.replay
    turn = run.repair.usage.turns + 1
    what = "" if replay is None else f" The whole is to: {replay.name}."
    goal = (
        f"One step of a recorded script cannot be done because its element is not found: {current.ref.words}."
        f" Find the element that this step means on the screen now, and do just this step.{what}"
    )
    told = (f"Why it was not found: {progress.stuck}",)
    assert started.llm_config_version is not None, "asked only where there is a model"
    return TurnRequested(
        run_id=started.run_id,
        task_id=started.task_id,
        call_id=derived_id("call", started.run_id, "repair", turn),
        turn=turn,
        purpose="REPAIR",
        goal=Sealed[str].of(goal),
        context=Sealed[dict[str, Any]].of(TurnContext(told=told).model_dump(mode="json")),
        screen=screen_asked(seen),
        config_id=started.llm_config_id,
        config_version=started.llm_config_version,
        token_budget=None if rules is None else rules.token_budget,
        cost_budget=None if rules is None else rules.cost_budget,
        expires_at=now + timedelta(seconds=_ANSWER_S),
    )


def answered(run: Run, call: CallFinished) -> TurnTaken:
    """What the run makes of the answer."""
    asked, progress = run.repair.asked, run.script
    assert asked is not None
    assert progress is not None
    assert progress.current is not None
    sealed = None if call.turn is None else call.turn.clear
    read = TurnRead() if sealed is None else TurnRead.model_validate(sealed)
    verdict, reason = _verdict(run, call, read, progress.current)
    return TurnTaken(
        run_id=asked.run_id,
        task_id=asked.task_id,
        turn=asked.turn,
        call_id=asked.call_id,
        verdict=verdict,
        words=f"do instead: {progress.current.ref.words}"[:300],
        reason=reason,
        read=None if sealed is None else Sealed[dict[str, Any]].of(sealed),
        guard=Guard(screen=read.screen, element=element_of(read.intent)) if verdict == "ACT" else None,
        screenshot=asked.screen.screenshot,
        model_name=call.model_name,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        cost=call.cost,
        latency_ms=call.latency_ms,
        attempts=call.attempts,
    )


def unanswered(run: Run) -> TurnTaken:
    """Nobody answered in time."""
    asked, progress = run.repair.asked, run.script
    assert asked is not None
    words = "" if progress is None or progress.current is None else progress.current.ref.words
    return TurnTaken(
        run_id=asked.run_id,
        task_id=asked.task_id,
        turn=asked.turn,
        call_id=asked.call_id,
        verdict="AWAY",
        words=words,
        reason="it did not answer in time",
        model_name="",
    )


def _verdict(run: Run, call: CallFinished, read: TurnRead, current: Instruction) -> tuple[Verdict, str | None]:
    if call.error_code is not None and call.error_code != "MALFORMED":
        return "AWAY", f"it gave no answer ({call.error_code})"
    if read.intent is None:
        return "MISREAD", read.misread or "its answer could not be understood"
    reason = unfit(current.step, read.intent) or _forbidden(run, read, current)
    return ("ACT", None) if reason is None else ("REFUSE", reason)


def _forbidden(run: Run, read: TurnRead, current: Instruction) -> str | None:
    """The platform's last word on what the model found: nobody is there to agree to something sensitive."""
    started, asked, element = run.spec_started, run.repair.asked, element_of(read.intent)
    assert asked is not None
    assert element is not None
    setting = Setting(
        rules=started.spec.rules or TaskRules(),
        package=started.app.package,
        screen=asked.screen,
        texts=read.texts,
        account=started.account,
    )
    if isinstance(current.step, TypeStep):
        secret = current.step.type.secret is not None
        judged = judge(TypeText(text="", element=element), setting)
        if secret and not element.password:
            return "a secret may be typed into a password field only"
        allowed = judged.verdict == "ALLOW" or (secret and judged.verdict == "TAKE_OVER")
    else:
        judged = judge(TapAt(point=element.bounds.centre, element=element), setting)
        allowed = judged.verdict == "ALLOW"
    return None if allowed else judged.reason
