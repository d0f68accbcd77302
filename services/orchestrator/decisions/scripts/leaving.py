"""What a run that ends well leaves: the script of what it did, or of what it repaired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.event import Event
from contracts.orchestrator import RunNoted, ScriptDrafted, ScriptRef
from contracts.scripts import SCRIPT_DATA, ScriptStep
from contracts.sealed import Sealed
from contracts.values import ANDROID, ElementSeen, Guard, RunEventType, RunStatus, Target
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.script import Progress
from services.orchestrator.decisions.scripts.acts_as_steps import UnrecordableError
from services.orchestrator.decisions.scripts.lifting import Lifted
from services.orchestrator.decisions.scripts.recording import Recording, Source, fitting, record
from services.orchestrator.decisions.scripts.repairing import aimed_at, element_of, read_of
from services.orchestrator.decisions.scripts.versions import script_id_of
from services.orchestrator.decisions.scripts_asked import plain_name

_REPAIRS_TOLD, _REPAIR_CHARS = 40, 300


def scripts_left(run: Run, now: datetime) -> list[Event]:
    """Events of the batch in which a run ends."""
    ending = run.ending
    if ending is None or ending.status is not RunStatus.SUCCEEDED:
        return []
    try:
        if run.task is not None:
            return _recorded(run, now)
        return _repaired(run, now) if run.script is not None and run.script.replays else []
    except UnrecordableError as error:
        detail = {"what": "no script", "why": str(error)}
        return [RunNoted(run_id=ending.run_id, event_type=RunEventType.NOTICE, detail=detail)]


def replayed_by(run: Run) -> ScriptRef | None:
    """The script that a run replays."""
    replay = run.spec_started.spec.replay
    if replay is None:
        return None
    return ScriptRef(script_id=replay.script_id, version=replay.version, checksum=replay.checksum)


def _recorded(run: Run, now: datetime) -> list[Event]:
    started, task = run.spec_started, run.task
    spec = started.spec
    assert task is not None
    if spec.rules is None or not spec.rules.record:
        return []
    goal = None if spec.goal is None else spec.goal.clear
    if goal is None:
        raise UnrecordableError("its goal cannot be read: the key that it is sealed with was erased")
    if task.count > len(task.turns):
        raise UnrecordableError(f"it took {task.count} turns, of which the last {len(task.turns)} are kept")
    setup = {} if spec.script is None or spec.script.clear is None else spec.script.clear
    source = Source(
        goal=goal,
        name="" if spec.name == plain_name("task", spec.package) else spec.name,
        app=None if spec.package == ANDROID else spec.package,
        setup=setup.get("steps", ()),
        variables=setup.get("variables", {}),
        account={} if started.account is None else started.account.fields,
        by_hand=run.by_hand,
        crashed_by=run.crashed_by,
        person_wait_s=spec.rules.person_wait_s,
    )
    recording = record(task.turns, source)
    model = next((turn.taken.model_name for turn in reversed(task.turns) if turn.taken.model_name), None)
    return [_draft(run, recording, now, model)]


def _draft(run: Run, recording: Recording, now: datetime, model: str | None) -> ScriptDrafted:
    started = run.spec_started
    return ScriptDrafted(
        run_id=started.run_id,
        task_id=started.task_id,
        script_id=script_id_of(started.spec.user, recording.data.name),
        origin="RECORDED",
        user=started.spec.user,
        data=recording.data,
        defaults=_sealed(recording.defaults),
        serial=started.serial,
        model_name=model,
        duration_ms=_took_ms(run, now),
        metadata=recording.metadata,
    )


def _repaired(run: Run, now: datetime) -> list[Event]:
    """The script with the locators by which its elements were found, where those were others than its own."""
    started, progress, base = run.spec_started, run.script, replayed_by(run)
    script = None if started.spec.script is None else started.spec.script.clear
    assert progress is not None
    if base is None or script is None or not (progress.healed or run.repair.mended):
        return []
    data = SCRIPT_DATA.validate_python({**script["about"], "steps": script["steps"]})
    lifted = Lifted({value: name for name, value in script["variables"].items() if value})
    steps, repairs = list(data.steps), []
    for row in sorted({*progress.healed, *run.repair.mended}):
        mended = _mended(run, row, steps[row], lifted) or _healed(progress, row, steps[row], lifted)
        if mended is not None:
            steps[row], told = mended
            repairs.append(f"step {row + 1} of {len(steps)} ({steps[row].words}): {told}"[:_REPAIR_CHARS])
    if not repairs:
        return []
    return [
        ScriptDrafted(
            run_id=started.run_id,
            task_id=started.task_id,
            script_id=base.script_id,
            origin="REPAIRED",
            base=base,
            user=started.spec.user,
            data=fitting(data.model_copy(update={"steps": tuple(steps)}), script["defaults"]),
            defaults=_sealed(script["defaults"]),
            repairs=_few(repairs),
            serial=started.serial,
            model_name=run.repair.model,
            duration_ms=_took_ms(run, now),
        )
    ]


def _few(repairs: Sequence[str]) -> tuple[str, ...]:
    more = len(repairs) - _REPAIRS_TOLD
    return tuple(repairs) if more <= 0 else (*repairs[:_REPAIRS_TOLD], f"and {more} more")


def _mended(run: Run, row: int, step: ScriptStep, lifted: Lifted) -> tuple[ScriptStep, str] | None:
    """What a model said where the element is, as the step's own."""
    taken = run.repair.mended.get(row)
    read = None if taken is None else read_of(taken)
    element = None if read is None else element_of(read.intent)
    if read is None or element is None or not (targets := lifted.targets(element.targets)):
        return None
    guard = lifted.guard(Guard(screen=read.screen, element=element))
    aimed = aimed_at(step.step, targets[0])
    return step.model_copy(update={"step": aimed, "guard": guard}), f"a model found it as {targets[0].words}"


def _healed(progress: Progress, row: int, step: ScriptStep, lifted: Lifted) -> tuple[ScriptStep, str] | None:
    """The locator that found the element becomes the step's own, the others follow it."""
    found = progress.healed.get(row)
    filled = next((one.guard for one in progress.program if one.row == row and one.guard is not None), None)
    guard = step.guard
    if found is None or guard is None or guard.element is None or filled is None or filled.element is None:
        return None
    target = _unfilled(found, guard.element, filled.element) or lifted.target(found)
    if target is None:
        return None
    others = tuple(other for other in guard.element.targets if other != target)
    element = guard.element.model_copy(update={"targets": (target, *others)})
    changed = {"step": aimed_at(step.step, target), "guard": guard.model_copy(update={"element": element})}
    return step.model_copy(update=changed), f"found as {target.words} instead"


def _unfilled(found: Target, own: ElementSeen, filled: ElementSeen) -> Target | None:
    """A locator as the script has it, with its parameters."""
    pairs = zip(own.targets, filled.targets, strict=True)
    return next((target for target, with_values in pairs if with_values == found), None)


def _sealed(values: Mapping[str, str]) -> Sealed[dict[str, str]] | None:
    return Sealed[dict[str, str]].of(dict(values)) if values else None


def _took_ms(run: Run, now: datetime) -> int:
    return max(round((now - run.spec_started.started_at).total_seconds() * 1000), 0)
