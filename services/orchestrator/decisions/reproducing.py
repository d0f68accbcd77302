"""Crashes of the app under test: what led to each, and whether it leads there again. Tried when exploring is over.

A try starts the app anew and makes the steps of one sequence, each only where its target is there: nothing is tapped
blindly. Then the phone's word of a crash is waited for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.device_agent import CrashSeen
from contracts.event import Event
from contracts.orchestrator import ActionRequested, CrashAwaited, CrashTraced, ReproductionTried
from contracts.values import Action, Click, CrashStep, Gesture, Input, Navigate
from services.orchestrator.decisions.crash_cases import Attempt, Case, Verdict, current, next_try
from services.orchestrator.decisions.crash_paths import shortest, steps_of
from services.orchestrator.decisions.graph import UiState
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.steps import gesture_action, request
from services.orchestrator.decisions.trail import Made, pictures, since_launch, steps_made

CASES = 20
"""Different crashes of one run that are traced."""
_PATIENCE = timedelta(seconds=4)
_ANR_PATIENCE = timedelta(seconds=12)
"""Android calls an app not responding after 5 seconds, and writes its report after that."""
_AGAIN = {"CRASH", "NATIVE", "ANR"}


def traced(run: Run, crash: CrashSeen, action: ActionRequested | None) -> list[Event]:
    """What a crash tells beyond its note: a new case, or how a try went. `action`: the one that it belongs to."""
    started = run.spec_started
    attempt = run.reproduction.attempt
    if attempt is not None and action is not None and action.sequence >= attempt.launch:
        same = crash.stack_key == attempt.stack_key
        made = min(action.sequence - attempt.launch, len(attempt.kept))
        told = ReproductionTried(
            run_id=started.run_id,
            stack_key=attempt.stack_key,
            source=attempt.source,
            kept=attempt.kept,
            crashed_at=made if same else None,
            reason=None if same else f"another crash came: {crash.exception}",
        )
        if same or crash.package == started.app.package:
            return [told, *_case(run, crash, action)]
    return _case(run, crash, action)


def _case(run: Run, crash: CrashSeen, action: ActionRequested | None) -> list[Event]:
    started = run.spec_started
    if (
        crash.package != started.app.package
        or crash.stack_key in run.reproduction.cases
        or len(run.reproduction.cases) >= CASES
    ):
        return []
    if action is None or crash.kind not in _AGAIN:
        return []
    way = shortest(run.graph, run.entry, action.state_id, run.crashing)
    trail = since_launch(run.reproduction.trail, action)
    last = steps_made(run.graph, (Made(action, None),))
    is_launch = isinstance(action.action, Navigate) and action.action.to == "LAUNCH"
    sequence = () if is_launch or trail is None else steps_made(run.graph, trail)
    if way is not None and not is_launch:
        sequence = (*steps_of(way, started.spec.seed, run.texts), *last)
    event = CrashTraced(
        run_id=started.run_id,
        occurrence_id=crash.occurrence_id,
        crashed_by=action.sequence,
        package=crash.package,
        version_name=crash.version_name,
        kind=crash.kind,
        stack_key=crash.stack_key,
        verdict="NOT_TRIED",
        way=sequence,
        source="GRAPH" if way is not None or is_launch else "TRAIL",
        reason=None if started.spec.limits.reproduce_steps else "reproduce_steps is 0",
        pictures=pictures(run.graph, run.reproduction.trail, action),
    )
    return [event]


def reproduce(run: Run, now: datetime, *, explored: bool) -> list[Event] | None:
    """The next thing to do for a crash; None: nothing. `explored`: the run has nothing else to do."""
    if run.reproduction.attempt is not None:
        return _go_on(run, run.reproduction.attempt, now)
    if run.spec_started.spec.limits.reproduce_steps == 0:
        return None
    case = current(run.reproduction.cases)
    if case is None or not (explored or case.is_begun):
        return None
    wanted = next_try(case, _left(run))
    if isinstance(wanted, Verdict):
        return [_closed(case, wanted)]
    package = run.spec_started.app.package
    return [request(run, Navigate(to="LAUNCH", package=package, restart=True), "REPRODUCE", now)]


def over_without(run: Run, reason: str) -> ReproductionTried:
    """The try under way has come to nothing."""
    attempt = run.reproduction.attempt
    assert attempt is not None
    return ReproductionTried(
        run_id=run.spec_started.run_id,
        stack_key=attempt.stack_key,
        source=attempt.source,
        kept=attempt.kept,
        crashed_at=None,
        reason=reason,
    )


def _go_on(run: Run, attempt: Attempt, now: datetime) -> list[Event]:
    here, case = run.here, run.reproduction.cases[attempt.stack_key]
    if attempt.made == 0 and here is not None and not run.unseen and (other := _rerouted(run, case)) is not None:
        return [other]
    if attempt.made < len(attempt.kept):
        step = case.sequences[attempt.source][attempt.kept[attempt.made]]
        action = None if here is None or run.unseen else _again(here, step, run.spec_started.spec.seed)
        if action is not None:
            return [request(run, action, "REPRODUCE", now, gesture_id=step.gesture_id)]
        if here is not None and here.inside and not run.unseen:
            return [over_without(run, f"its target is not there: {step.words}")]
    until = now + (_ANR_PATIENCE if case.traced.kind == "ANR" else _PATIENCE)
    return [CrashAwaited(run_id=run.spec_started.run_id, stack_key=attempt.stack_key, until=until)]


def _left(run: Run) -> int:
    """Actions that are left for tries."""
    return run.spec_started.spec.limits.reproduce_steps - run.reproduction.steps


def _rerouted(run: Run, case: Case) -> CrashTraced | None:
    """The way from where the app starts now, where nothing was learnt yet of another: an app that somebody is signed
    in to starts elsewhere than on the first day."""
    if case.tries or case.goal is None:
        return None
    way = shortest(run.graph, run.current, case.goal, run.crashing)
    if way is None or len(way) + 2 > _left(run):
        return None
    steps = (*steps_of(way, run.spec_started.spec.seed, run.texts), case.traced.way[-1])
    if [(s.state_id, s.gesture_id) for s in steps] == [(s.state_id, s.gesture_id) for s in case.traced.way]:
        return None
    return case.traced.model_copy(update={"way": steps, "source": "GRAPH"})


def _again(here: UiState, step: CrashStep, seed: int) -> Action | None:
    """The step's action where its target is on this screen now; None where it is not there."""
    gesture = next((g for g in here.gestures if g.gesture_id == step.gesture_id), None)
    if gesture is None and step.resource_id is not None:
        gesture = next((g for g in here.gestures if _same(g, step)), None)
    if gesture is None:
        return step.action if not isinstance(step.action, Click | Input) and step.label == "" else None
    if gesture.bounds is None:
        return step.action
    if isinstance(step.action, Click | Input):
        return step.action.model_copy(update={"point": gesture.bounds.centre})
    return gesture_action(gesture, seed)


def _same(gesture: Gesture, step: CrashStep) -> bool:
    kind = gesture.action_type is step.action.type and gesture.resource_id == step.resource_id
    press = getattr(step.action, "press", gesture.press)
    return kind and gesture.label == step.label and gesture.press == press


def _closed(case: Case, verdict: Verdict) -> CrashTraced:
    return case.traced.model_copy(
        update={
            "final": True,
            "verdict": verdict.verdict,
            "minimal": verdict.minimal,
            "way": verdict.steps,
            "source": verdict.source,
            "reason": verdict.reason,
            "tries": case.tries,
            "steps": case.steps,
        }
    )
