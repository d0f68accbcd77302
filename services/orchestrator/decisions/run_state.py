"""The state of a run: the graph of states that it has seen, what it tried in each, and what it is waiting for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    AdviceTaken,
    CrashAwaited,
    CrashTraced,
    PersonAnswered,
    PlanPending,
    ReproductionTried,
    RunEnding,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    RunStarted,
    StateAdded,
    StepFinished,
    TurnRequested,
    TurnTaken,
    WatchSet,
)
from contracts.values import Install, InstalledFiles, ObjectRef, Uninstall
from services.orchestrator.decisions import reproduction
from services.orchestrator.decisions.graph import BACK, NEWS, Graph, UiState, learnt, tried, untried
from services.orchestrator.decisions.interruptions import intrudes
from services.orchestrator.decisions.reproduction import Reproduction
from services.orchestrator.decisions.script import Progress, advance, begin, repaired_by
from services.orchestrator.decisions.scripts.repairing import Repair
from services.orchestrator.decisions.tasking import state as tasking
from services.orchestrator.decisions.tasking.state import PLATFORM, TaskProgress
from services.orchestrator.decisions.trouble import KEYBOARD_MISSING, Trouble, of_step, refused
from services.runtime.log import Recorded
from services.runtime.telemetry import hundred_of

HINTS_LIMIT = 6
"""More than a form with its button needs; an answer that lists the whole screen again is no help."""
INSTALLED = "installed"
"""`what` of the note that an app is on the phone as it was asked for."""
NO_CHECKS = "no locators to check"
"""`what` of the note that ends the waiting for a plan."""


@dataclass(frozen=True)
class Run:
    """Folded from the events of a run. `action` is the one under way; `waiting` says what the run waits for."""

    started: RunStarted | None = None
    graph: Graph = field(default_factory=Graph)
    screens: Mapping[UUID, int] = field(default_factory=dict)
    """Screens of the app under test, with the number of their states."""
    current: str | None = None
    entry: str | None = None
    action: ActionRequested | None = None
    previous: ActionRequested | None = None
    plan: PlanPending | None = None
    call: AdviceRequested | None = None
    ending: RunEnding | None = None
    finished: RunFinished | None = None
    paused: bool = False
    watch_at: datetime | None = None
    sequence: int = 0
    hundreds: tuple[datetime, ...] = ()
    """When each further hundred of steps began: each is a trace of its own."""
    succeeded: int = 0
    restored: bool = False
    """Whether the phone was sent home after the end."""
    installed: InstalledFiles | None = None
    """What the phone had after the installation that the run begins with."""
    installs: int = 0
    """How often that was tried."""
    removal_tried: bool = False
    """Whether the app that the run had installed was removed, or could not be."""
    unseen: int = 0
    """Steps in a row after which nothing was seen."""
    refused: int = 0
    """Actions in a row that the phone did not do. Starts of the app count, but only a touch that is done ends the row:
    a phone that refuses all input still starts apps."""
    trouble: Trouble | None = None
    """What was wrong with the last step; None where nothing was."""
    ascii_only: bool = False
    """The phone can type ASCII only: it has no keyboard for other texts."""
    outside: int = 0
    """Steps in a row that ended outside the app."""
    restarts: int = 0
    lost_launches: int = 0
    """Starts of the app in a row, without being inside it once."""
    fruitless_restarts: int = 0
    """Restarts since the last state that was new."""
    crashes: int = 0
    crashing: frozenset[tuple[str, str]] = frozenset()
    """(state, gesture) pairs that crashed the app: not tried again."""
    activities: frozenset[str] = frozenset()
    declared: tuple[str, ...] = ()
    checked_screens: frozenset[UUID] = frozenset()
    advised_screens: frozenset[UUID] = frozenset()
    helped_screens: frozenset[UUID] = frozenset()
    """Screens on which a model was asked what to do because the run was stuck."""
    hints: tuple[str, ...] = ()
    """Gestures that it named then, to be made one after the other while `hinted_screen` is in front."""
    hinted_screen: UUID | None = None
    idle: int = 0
    """Steps of exploring since the last one that showed something new, or since a model was asked for help."""
    texts: Mapping[str, str] = field(default_factory=dict)
    preferred: Mapping[str, int] = field(default_factory=dict)
    tokens: int = 0
    picture: ObjectRef | None = None
    """What the phone showed after the last step."""
    reproduction: Reproduction = field(default_factory=Reproduction)
    script: Progress | None = None
    """Where it is in the steps that set it up, or that it is made of; none: it has no steps."""
    repair: Repair = field(default_factory=Repair)
    """What a model was asked because an element of the script that is replayed is gone."""

    by_hand: Mapping[int, str] = field(default_factory=dict)
    """What a person did on the phone after a turn of the task, or instead of it, by its number."""

    crashed_by: frozenset[int] = frozenset()
    """Numbers of the actions that crashed an app."""

    @property
    def goes_anywhere(self) -> bool:
        """Whether it is about what is to be reached, or done again, in whichever app that is."""
        return self.task is not None or self.spec_started.spec.kind == "replay"

    @property
    def is_steps(self) -> bool:
        """Whether its script is all that it does: steps that were written, or that were recorded."""
        return self.spec_started.spec.kind in {"steps", "replay"}

    task: TaskProgress | None = None
    """Where it is in its task in plain language; none: it has none."""

    @property
    def states(self) -> Mapping[str, UiState]:
        return self.graph.states

    @property
    def packages(self) -> frozenset[str]:
        """Apps that were in front in this run, the one under test included."""
        return frozenset(s.package for s in self.states.values()) | {self.spec_started.app.package}

    @property
    def most_promising(self) -> float:
        """No promise in this run is greater."""
        return 1.0 if not self.preferred and not self.spec_started.spec.coverage.priorities else float("inf")

    @property
    def unfinished(self) -> bool:
        """Whether steps are left that have to be done: an end now is a failure."""
        return self.script is not None and self.script.current is not None

    @property
    def waiting(self) -> Literal["ACTION", "PLAN", "CALL", "CRASH", "TURN", "API", "PERSON", "MODEL", "NOTHING"]:
        if self.action is not None:
            return "ACTION"
        if self.plan is not None:
            return "PLAN"
        if self.reproduction.awaited is not None:
            return "CRASH"
        if self.task is not None and self.task.waiting is not None:
            return self.task.waiting
        is_asked = self.call is not None or self.repair.asked is not None
        return "CALL" if is_asked else "NOTHING"

    @property
    def spec_started(self) -> RunStarted:
        assert self.started is not None
        return self.started

    @property
    def task_progress(self) -> TaskProgress:
        assert self.task is not None
        return self.task

    @property
    def here(self) -> UiState | None:
        return None if self.current is None else self.states.get(self.current)


def evolve(run: Run, recorded: Recorded[Event]) -> Run:
    return apply(run, recorded.event)


def apply(run: Run, event: Event) -> Run:
    run = _apply(run, event)
    return run if run.task is None else replace(run, task=tasking.apply(run.task, event))


def _apply(run: Run, event: Event) -> Run:
    match event:
        case RunStarted():
            task = TaskProgress() if event.spec.goal is not None else None
            return replace(run, started=event, watch_at=event.watch_at, script=begin(event), task=task)
        case StateAdded():
            return _add_state(run, event)
        case ActionRequested():
            return _request(run, event)
        case StepFinished():
            return _finish_step(run, event)
        case PlanPending():
            return replace(run, plan=event, checked_screens=run.checked_screens | {event.screen_id})
        case TurnRequested(purpose="REPAIR"):
            return replace(run, repair=run.repair.ask(event))
        case TurnTaken() if run.repair.asked is not None:
            script = None if run.script is None else repaired_by(run.script, event)
            return replace(run, repair=run.repair.take(event), script=script)
        case PersonAnswered(verdict="DONE") if run.task is not None and run.task.person is not None:
            return replace(run, by_hand={**run.by_hand, run.task.person.turn: run.task.person.words})
        case AdviceRequested():
            return _ask(run, event)
        case AdviceTaken():
            return _advise(run, event)
        case WatchSet():
            return replace(run, watch_at=event.watch_at)
        case RunNoted():
            return _note(run, event)
        case RunPaused():
            is_held = run.task is not None and event.by == PLATFORM  # Until a person or the model answers.
            return replace(run, paused=run.paused or not is_held)
        case RunResumed():
            return replace(run, paused=run.paused and run.task is not None and event.by == PLATFORM)
        case RunEnding():
            repair = replace(run.repair, asked=None)
            return replace(
                run, ending=event, plan=None, call=None, reproduction=run.reproduction.stopped(), repair=repair
            )
        case CrashTraced() | CrashAwaited() | ReproductionTried():
            return replace(run, reproduction=reproduction.apply(run.reproduction, run.graph, event))
        case RunFinished():
            return replace(run, finished=event, action=None, plan=None, call=None)
        case _:
            return run


def _add_state(run: Run, event: StateAdded) -> Run:
    state = UiState(
        state_id=event.state_id,
        screen_id=event.screen_id,
        screen_name=event.screen_name,
        package=event.package,
        activity=event.activity,
        inside=event.inside,
        gestures=event.gestures,
        screenshot=event.screenshot,
        came_from=run.current,
    )
    screens = run.screens
    if event.inside:
        screens = {**screens, event.screen_id: screens.get(event.screen_id, 0) + 1}
    activities = run.activities
    if event.activity is not None and event.package == run.spec_started.app.package:
        activities = activities | {event.activity}
    return replace(
        run,
        graph=run.graph.with_state(state),
        screens=screens,
        activities=activities,
        fruitless_restarts=0,
    )


def _ask(run: Run, event: AdviceRequested) -> Run:
    run = replace(run, call=event)
    match event.question:
        case "SCREEN":
            return replace(run, advised_screens=run.advised_screens | {event.screen_id})
        case "STUCK":
            return replace(run, helped_screens=run.helped_screens | {event.screen_id}, idle=0)
        case _:
            assert_never(event.question)


def _advise(run: Run, event: AdviceTaken) -> Run:
    """The order of a new screen is a preference; where the run was stuck it is a list of things to do."""
    texts = (event.texts.clear if event.texts is not None else None) or {}  # Unreadable: the run makes up its own.
    asked = run.call
    run = replace(run, call=None, texts={**run.texts, **texts}, tokens=run.tokens + event.tokens)
    if asked is not None and asked.question == "STUCK":
        filled = (g for g in texts if g not in event.order)
        return replace(run, hints=(*filled, *event.order)[:HINTS_LIMIT], hinted_screen=asked.screen_id)
    preferred = {g: len(event.order) - i for i, g in enumerate(event.order)}
    return replace(run, preferred={**run.preferred, **preferred})


def _request(run: Run, event: ActionRequested) -> Run:
    hints = tuple(g for g in run.hints if g != event.gesture_id)
    left = 0 if run.started is None else run.spec_started.spec.limits.reproduce_steps - run.reproduction.steps
    run = replace(run, reproduction=run.reproduction.asked(event, run.picture, left))
    if hundred_of(event.sequence) > hundred_of(run.sequence):
        run = replace(run, hundreds=(*run.hundreds, event.requested_at))
    run = replace(run, action=event, plan=None, call=None, sequence=event.sequence, hints=hints)
    if isinstance(event.action, Install):
        run = replace(run, installs=run.installs + 1)
    if event.purpose == "LAUNCH":
        run = replace(run, restarts=run.restarts + 1, fruitless_restarts=run.fruitless_restarts + 1)
    if event.state_id is None or event.gesture_id is None:
        return run
    return replace(run, graph=tried(run.graph, event.state_id, event.gesture_id))


def _finish_step(run: Run, event: StepFinished) -> Run:
    reached = event.to_state
    target = None if reached is None else run.states.get(reached)
    inside = target is not None and target.inside
    is_news = event.outcome in NEWS
    run = replace(run, ascii_only=run.ascii_only or event.error_code == KEYBOARD_MISSING)
    stays = target is not None and target.screen_id == run.hinted_screen
    step = None if run.script is None or event.step is None else run.script.current
    return replace(
        run,
        repair=run.repair if step is None else run.repair.finish(step.row, event),
        script=run.script if run.script is None or event.step is None else advance(run.script, event),
        hints=run.hints if stays else (),
        idle=0 if is_news else run.idle + int(event.purpose == "EXPLORE"),
        graph=_learnt(run, event, target),
        action=None,
        picture=event.screenshot,
        previous=run.action,
        restored=run.restored or event.purpose == "RESTORE",
        removal_tried=run.removal_tried or (run.action is not None and isinstance(run.action.action, Uninstall)),
        lost_launches=0 if inside else run.lost_launches + int(event.purpose == "LAUNCH"),
        current=reached if reached is not None else run.current,
        entry=reached if event.purpose == "LAUNCH" and inside else run.entry,
        succeeded=run.succeeded + int(event.succeeded),
        unseen=run.unseen + 1 if event.outcome == "UNSEEN" and not _is_pictured(run, event) else 0,
        refused=refused(run.refused, event, is_key=run.action is not None and run.action.gesture_id == BACK),
        trouble=of_step(event),
        outside=0 if inside or event.purpose == "INSTALL" else run.outside + 1,
    )


def _is_pictured(run: Run, event: StepFinished) -> bool:
    """A task goes on with a picture alone: its model may see what it shows."""
    return run.task is not None and event.screenshot is not None


def _learnt(run: Run, event: StepFinished, target: UiState | None) -> Graph:
    """What the step teaches. A gesture that a call or the lock screen cut short, or whose text could not be typed, is
    as good as not made in this state, though its screen counts it: it comes again, a few times at most."""
    source = run.states.get(event.from_state or "")
    cut_short = source is not None and source.inside and target is not None and intrudes(target)
    if event.gesture_id is not None and source is not None and (cut_short or event.error_code == KEYBOARD_MISSING):
        return untried(run.graph, source.state_id, event.gesture_id)
    return learnt(run.graph, event)


def _note(run: Run, event: RunNoted) -> Run:
    if event.detail.get("what") in {"crash", "crash elsewhere"} and event.detail.get("sequence") is not None:
        run = replace(run, crashed_by=run.crashed_by | {event.detail["sequence"]})
    if event.detail.get("what") == "crash":
        state_id, gesture_id = event.detail.get("state_id"), event.detail.get("gesture_id")
        crashing = run.crashing
        if state_id is not None and gesture_id is not None:
            crashing = crashing | {(state_id, gesture_id)}
        return replace(run, crashes=run.crashes + 1, crashing=crashing)
    if event.detail.get("what") == NO_CHECKS:
        return replace(run, plan=None)
    if event.detail.get("what") == INSTALLED:
        return replace(run, installed=InstalledFiles.model_validate(event.detail["files"]))
    if event.detail.get("what") == "declared":
        return replace(run, declared=tuple(event.detail["activities"]))
    return run
