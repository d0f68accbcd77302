"""The loop of a task: look, ask the model, act, until it is over. What is next, and what came of a wait. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.event import Event
from contracts.llm_gateway import ApiCallFinished
from contracts.orchestrator import ApiCallTaken, ScreenAsked, TurnRequested
from contracts.screen_indexer import CaptureIndexed
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import Observe, RunStatus, StartApp, WaitFor
from contracts.values.actions import PATIENCE_LIMIT_S
from services.orchestrator.decisions.endings import end, ending_of
from services.orchestrator.decisions.run_state import Run, apply
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking.acting import action_of
from services.orchestrator.decisions.tasking.answers import confirmed, no_answer
from services.orchestrator.decisions.tasking.loops import going_round
from services.orchestrator.decisions.tasking.people import ask, nobody_said
from services.orchestrator.decisions.tasking.state import TaskProgress, Turn, shown
from services.orchestrator.decisions.tasking.telling import context_of
from services.orchestrator.decisions.tasking.turn_events import act

TURN_PATIENCE_S = 300.0
"""How long an answer of the model is waited for, its retries included."""

STARTING_S = 5.0
"""How long the first page of an app, on which nothing can be done, is waited for before the model is asked about it."""


def next_turn(run: Run, seen: CaptureIndexed | None, now: datetime) -> list[Event]:
    """What a task does next. `seen`: what was just seen on the phone, where that is so."""
    progress = run.task_progress
    last = progress.last
    if last is not None and (more := _more_of(run, last, now)):
        return more
    if seen is not None and _is_starting(run, last):
        return [request(run, Observe(patience_s=STARTING_S), "TURN", now)]
    screen = progress.screen if seen is None else screen_of(seen)
    if screen is None or (seen is None and progress.stale) or _is_blank(screen):
        return [look(run, now)]
    after = shown(progress, screen)
    loop = going_round(after)
    if loop is not None and loop.asks:
        return ask(run, "STUCK", loop.words, now, turn=progress.count, screenshot=screen.screenshot)
    return _ask_model(run, after, screen, None if loop is None else loop.warning, now)


def look(run: Run, now: datetime) -> Event:
    return request(run, Observe(), "TURN", now)


def screen_of(seen: CaptureIndexed) -> ScreenAsked:
    return ScreenAsked(
        package=seen.package,
        app_name="" if seen.app is None else seen.app.name,
        activity=seen.activity,
        screen_id=seen.screen_id,
        screen_name=seen.screen_name,
        state_id=seen.state_id,
        screenshot=seen.screenshot,
        screenshot_absent=seen.screenshot_absent or (None if seen.screenshot is not None else seen.reason),
        hierarchy=seen.hierarchy,
        hierarchy_absent=seen.hierarchy_absent or (None if seen.hierarchy is not None else seen.reason),
        width=seen.width,
        height=seen.height,
    )


def overdue(run: Run, now: datetime) -> list[Event]:
    """What follows where the time of whatever the task waits for is up."""
    progress = run.task_progress
    if progress.asked is not None and now >= progress.asked.expires_at:
        return no_answer(run, now)
    if progress.api is not None and now >= progress.api.expires_at:
        return [_lost_call(progress)]
    if progress.person is not None and now >= progress.person.until:
        return nobody_said(run, progress.person)
    may_look = progress.person is None and run.action is None and not run.paused
    if progress.away is not None and now >= progress.away.until and may_look:
        return [look(run, now)]
    return []


def deadlines_of(progress: TaskProgress) -> frozenset[datetime]:
    """When the time of each thing that the task waits for is up."""
    waited = (progress.asked, progress.api, progress.person, progress.away)
    return frozenset(event.due_at for event in waited if event is not None and event.due_at is not None)


def called(run: Run, call: ApiCallFinished) -> list[Event]:
    """What came of an HTTP call of the task; nothing where it is another one."""
    api = run.task_progress.api
    if api is None or api.call_id != call.call_id:
        return []
    return [
        ApiCallTaken(
            run_id=api.run_id, task_id=api.task_id, call_id=api.call_id, turn=api.turn, name=call.name,
            status=call.status, answer=call.answer, error_code=call.error_code, error_message=call.error_message,
        )
    ]  # fmt: skip


def _lost_call(progress: TaskProgress) -> ApiCallTaken:
    api = progress.api
    assert api is not None
    return ApiCallTaken(
        run_id=api.run_id, task_id=api.task_id, call_id=api.call_id, turn=api.turn, name=api.call.name,
        error_code="UNKNOWN_OUTCOME", error_message="nothing was heard of it in time; it may have been made",
    )  # fmt: skip


def _more_of(run: Run, last: Turn, now: datetime) -> list[Event]:
    """What of the last turn is still to be done: what a person has agreed to, or the rest of a wait."""
    is_new = last.person is not None and last.person.verdict == "CONFIRMED" and last.action is None
    if is_new and not last.called:
        return confirmed(run, last, now)
    intent, finished = last.intent, last.finished
    if not isinstance(intent, WaitFor) or finished is None or finished.found is not False:
        return []
    waited_s = last.actions * PATIENCE_LIMIT_S
    if waited_s >= intent.seconds or last.after is not None:
        return []
    action = action_of(intent, None, waited_s)
    assert action is not None
    return [act(run, action, last.taken.turn, now)]


def _is_starting(run: Run, last: Turn | None) -> bool:
    """Whether the last turn started an app that shows a page which only waits: a question about it would be wasted."""
    if last is None or not last.is_done or last.action is None or run.previous != last.action:
        return False
    return isinstance(last.action.action, StartApp) and run.here is not None and run.here.takes_nothing


def _is_blank(screen: ScreenAsked) -> bool:
    """Whether nothing of it was seen, neither a picture nor what it is made of."""
    return screen.screenshot is None and screen.hierarchy is None


def _ask_model(
    run: Run, progress: TaskProgress, screen: ScreenAsked, warning: str | None, now: datetime
) -> list[Event]:
    started = run.spec_started
    goal = started.spec.goal
    if started.llm_config_version is None:
        return _ended(run, "no model is configured: `waymark config set` adds one", "UNCONFIGURED", now)
    if goal is None or goal.clear is None:
        return _ended(run, "its goal cannot be read: the key that it is sealed with was erased", "ERASED", now)
    rules = started.spec.rules
    turn = progress.count + 1
    context = context_of(progress, started.account, warning)
    asked = TurnRequested(
        run_id=started.run_id,
        task_id=started.task_id,
        call_id=derived_id("call", started.run_id, "turn", turn),
        turn=turn,
        goal=goal,
        context=Sealed.of(context.model_dump(mode="json")),
        screen=screen,
        config_id=started.llm_config_id,
        config_version=started.llm_config_version,
        token_budget=None if rules is None else rules.token_budget,
        cost_budget=None if rules is None else rules.cost_budget,
        expires_at=min(now + timedelta(seconds=TURN_PATIENCE_S), started.ends_at),
    )
    return [asked]


def _ended(run: Run, reason: str, code: str, now: datetime) -> list[Event]:
    ending = ending_of(run, RunStatus.FAILED, reason, code)
    return [ending, *end(apply(run, ending), now)]
