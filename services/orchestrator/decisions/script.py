"""A script as a run carries it out: its steps in a row, where it is in them, what came of each. Pure.

The steps of a run are fixed by its beginning, and its place in them follows from its finished steps alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts.orchestrator import RunStarted, StepFinished, TurnTaken
from contracts.steps import (
    ExpectStep,
    IfSeenStep,
    LaunchStep,
    ScrollStep,
    WaitStep,
)
from contracts.values import Target
from services.orchestrator.decisions.script_program import Instruction, ScriptError, program
from services.orchestrator.decisions.scripts.repairing import REPAIRABLE

TRIES = 3
"""How often a step is asked for that surely was not done, or that only looks."""
_UNTOUCHED = frozenset({"NOT_ATTEMPTED", "EXPIRED", "REFUSED"})


@dataclass(frozen=True)
class Progress:
    """Where a run is in its script. `failure` says why it cannot go on; `at` then is the step that failed."""

    program: tuple[Instruction, ...]
    at: int = 0
    tries: int = 0
    """Times that this step was asked for and is not decided by that: looks of a long wait."""
    swipes: int = 0
    """Of a scroll that has not seen yet what it is for."""
    lost: int = 0
    """Times that nobody saw what came of it, although it is harmless to ask again."""
    failure: str | None = None
    code: str | None = None
    """Why it failed, for programs: GUARD or NOT_FOUND, of a script that is replayed."""
    stuck: str | None = None
    """Why the step cannot be done by itself: a model may be asked where its element is now."""
    replays: bool = False
    repairs: bool = False
    """Whether it was recorded, and whether a model may be asked for a step whose element is gone."""
    healed: Mapping[int, Target] = field(default_factory=dict)
    """Locators that found an element where the step's own did not, by the step's row."""

    @property
    def current(self) -> Instruction | None:
        return self.program[self.at] if self.failure is None and self.at < len(self.program) else None


def begin(started: RunStarted) -> Progress | None:
    """The script of a run at its beginning; None where it has none."""
    sealed = started.spec.script
    if sealed is None:
        return None
    if sealed.clear is None:
        return Progress((), failure="its steps cannot be read: the key that they are sealed with was erased")
    try:
        steps, replay = program(sealed.clear, started), started.spec.replay
        repairs = replay is not None and replay.repair and started.llm_config_version is not None
        return Progress(steps, replays=replay is not None, repairs=repairs)
    except ScriptError as error:
        return Progress((), failure=str(error))


def advance(progress: Progress, finished: StepFinished) -> Progress:
    """The place after a step of the script is over."""
    current = progress.current
    if current is None:
        return progress
    if not finished.succeeded:
        return _failed(progress, current, finished)
    if finished.sighting is not None and finished.sighting.healed_by is not None:
        progress = replace(progress, healed={**progress.healed, current.row: finished.sighting.healed_by})
    match current.step:
        case IfSeenStep() if finished.found is False:
            if progress.tries + 1 < current.looks:
                return replace(progress, tries=progress.tries + 1, lost=0)
            return _at(progress, current.otherwise)
        case ScrollStep(scroll=scroll) if scroll.until is not None and finished.found is not True:
            swipes = progress.swipes + 1
            if swipes >= scroll.max_swipes and _decided_next(progress):
                return _at(progress, progress.at + 1)
            if swipes >= scroll.max_swipes:
                return replace(progress, failure=f"{scroll.until.words} was not seen after {swipes} swipes")
            return replace(progress, swipes=swipes, tries=0, lost=0)
        case _:
            return _at(progress, progress.at + 1)


def _failed(progress: Progress, current: Instruction, finished: StepFinished) -> Progress:
    """Asked again where that is harmless; failed otherwise."""
    reason = finished.error_message or "nobody saw what came of it"
    if progress.stuck is not None:
        return replace(progress, failure=f"{progress.stuck}; what the model found instead was not done: {reason}")
    if finished.error_code in {"NOT_FOUND", "GUARD"}:
        tries = progress.tries + 1
        if tries < current.looks:
            return replace(progress, tries=tries, lost=0)
        waited_s = current.patience_s
        failure = f"not within {waited_s:g} s: {reason}" if waited_s else reason
        code = finished.error_code if progress.replays else None
        if progress.repairs and isinstance(current.step, REPAIRABLE):
            return replace(progress, stuck=failure, code=code)
        return replace(progress, failure=failure, code=code)
    harmless = isinstance(current.step, LaunchStep | WaitStep | ExpectStep | IfSeenStep)
    unknown = finished.error_code in {None, "OUTCOME_UNKNOWN"}
    if (finished.error_code in _UNTOUCHED or (harmless and unknown)) and progress.lost + 1 < TRIES:
        return replace(progress, lost=progress.lost + 1)
    if unknown and not harmless:
        reason = f"it is not known whether it was done ({reason})"
    return replace(progress, failure=reason)


def repaired_by(progress: Progress, taken: TurnTaken) -> Progress:
    """The place after the model has answered where the step's element is now; it says so, or the script has failed."""
    if progress.stuck is None or taken.verdict == "ACT":
        return progress
    return replace(progress, failure=f"{progress.stuck}; the model did not help: {taken.reason or 'no reason told'}")


def _decided_next(progress: Progress) -> bool:
    """Whether the step after a scroll tells by itself, and by all its locators, whether its element is there."""
    after = progress.program[progress.at + 1] if progress.at + 1 < len(progress.program) else None
    return progress.replays and after is not None and after.guard is not None and after.guard.element is not None


def _at(progress: Progress, at: int) -> Progress:
    return replace(progress, at=at, tries=0, swipes=0, lost=0, stuck=None, code=None)
