"""People in a task: what they are asked, what they answer, and who decides where nobody does. Pure.

One question is open at a time. While it is, the phone is not touched; what comes after it begins with a fresh look.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

from contracts.event import Event
from contracts.orchestrator import (
    PersonAnswered,
    PersonAsked,
    PersonQuestion,
    PersonSaid,
    PersonVerdict,
    RunEnding,
    RunPauseAsked,
    RunPaused,
    RunResumed,
    TaskRejected,
    TaskRules,
)
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import ObjectRef, Point, RunStatus
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.tasking.state import PLATFORM

CLOCKS = timedelta(seconds=2)
"""So far the clocks of two replicas may lie apart: an answer that is older than its question by more is not to it."""


def ask(
    run: Run,
    question: PersonQuestion,
    words: str,
    now: datetime,
    *,
    turn: int,
    detail: str | None = None,
    screenshot: ObjectRef | None = None,
    point: Point | None = None,
) -> list[Event]:
    """A person is asked, and the run is held."""
    started = run.spec_started
    wait = timedelta(seconds=(started.spec.rules or TaskRules()).person_wait_s)
    asked = PersonAsked(
        run_id=started.run_id,
        task_id=started.task_id,
        ask_id=derived_id("ask", started.run_id, turn, question),
        turn=turn,
        question=question,
        words=words[:500],
        detail=None if detail is None else Sealed[str].of(detail),
        screenshot=screenshot,
        point=point,
        quiet=started.spec.quiet,
        otherwise="DENIED" if question == "CONFIRM" else "TIMED_OUT",
        asked_at=now,
        until=min(now + wait, started.ends_at),
    )
    return [asked, held(run, f"a person is asked: {asked.words}")]


def taken_over(run: Run, by: str, now: datetime) -> list[Event]:
    """Somebody takes the phone: until they give it back, or the task's time is up."""
    started = run.spec_started
    turn = run.task_progress.count
    asked = PersonAsked(
        run_id=started.run_id,
        task_id=started.task_id,
        ask_id=derived_id("ask", started.run_id, turn, "TAKEN", now.isoformat()),
        turn=turn,
        question="TAKE_OVER",
        words=f"{by} has the phone; `resume` gives it back",
        by=by,
        asked_at=now,
        until=started.ends_at,
    )
    return [asked, held(run, f"{by} has the phone")]


def held(run: Run, reason: str) -> RunPaused:
    started = run.spec_started
    return RunPaused(run_id=started.run_id, task_id=started.task_id, reason=reason[:500], by=PLATFORM)


def released(run: Run) -> list[Event]:
    """The run is no longer held, unless somebody has paused it besides: that is told again."""
    progress, started = run.task_progress, run.spec_started
    if not progress.held:
        return []
    ids = {"run_id": started.run_id, "task_id": started.task_id}
    again = [] if progress.paused is None else [progress.paused]
    return [RunResumed(**ids, by=PLATFORM), *again]


def unheard(run: Run, said: PersonSaid, at: datetime) -> str | None:
    """Why what somebody said changes nothing; None where it does something."""
    progress = run.task
    if run.started is None:
        return "the task has no run yet, so that it asks nobody"
    if run.finished is not None or run.ending is not None:
        return "the task is over"
    if progress is None:
        return "only a task in plain language asks people; `waymark stop` and `waymark pause` steer the others"
    asked = progress.person
    if asked is None:
        return (
            None if said.kind == "takeover" else "the task does not ask anything now: it was answered, or it timed out"
        )
    if said.ask_id not in {None, asked.ask_id} or at < asked.asked_at - CLOCKS:
        return f"that was about an earlier question; now it is: {asked.words}"
    if said.kind == "answer" and said.text is None:
        return "an answer needs a text"
    if said.kind == "takeover" and asked.by is not None:
        return f"{asked.by} has the phone already"
    return None


def rejection(said: PersonSaid, why: str) -> TaskRejected | None:
    """The answer to whoever said it; None where nobody waits for one."""
    if said.answer_id is None:
        return None
    return TaskRejected(task_id=said.answer_id, user=said.user, code="NOT_ASKED", reason=why)


def heard(run: Run, said: PersonSaid, now: datetime) -> list[Event]:
    """What follows from what somebody said. Only where it is not `unheard`."""
    asked = run.task_progress.person
    if said.kind == "takeover":
        closed = [] if asked is None else [_answer(run, asked, "ANSWERED", said.user, Sealed[str].of("I do it myself"))]
        return [*closed, *taken_over(run, said.user, now)]
    assert asked is not None
    answer = _answer(run, asked, _verdict(said.kind, asked.question), said.user, said.text)
    return [answer, *released(run), *_gives_up(run, asked, answer)]


def resumed(run: Run, asked: RunPauseAsked) -> list[Event] | None:
    """What `resume` means for a task that is held: the phone is given back, the model is tried at once. None: it is not
    held, or a person has to say yes or no."""
    progress = run.task
    if progress is None or asked.pause:
        return None
    back = RunResumed(run_id=asked.run_id, task_id=asked.task_id, by=asked.user)
    if progress.person is not None:
        if progress.person.question == "CONFIRM":
            return None
        return [_answer(run, progress.person, "DONE", asked.user, None), back]
    return None if progress.away is None else [back]


def nobody_said(run: Run, asked: PersonAsked) -> list[Event]:
    """The time is up."""
    answer = _answer(run, asked, asked.otherwise, None, None)
    return [answer, *released(run), *_gives_up(run, asked, answer)]


def closed(run: Run, events: list[Event]) -> list[Event]:
    """The same events; a question that is open when the run ends is over with it."""
    asked = None if run.task is None else run.task.person
    ends = any(isinstance(event, RunEnding) for event in events)
    if asked is None or not ends or any(isinstance(event, PersonAnswered) for event in events):
        return events
    return [_answer(run, asked, "TIMED_OUT", None, None), *events]


def _verdict(kind: Literal["confirm", "deny", "answer"], question: PersonQuestion) -> PersonVerdict:
    match kind:
        case "confirm":
            return "CONFIRMED" if question == "CONFIRM" else "DONE"
        case "deny":
            return "DENIED"
        case "answer":
            return "ANSWERED"
        case _:
            assert_never(kind)


def _answer(
    run: Run, asked: PersonAsked, verdict: PersonVerdict, by: str | None, text: Sealed[str] | None
) -> PersonAnswered:
    started = run.spec_started
    return PersonAnswered(
        run_id=started.run_id, task_id=started.task_id, ask_id=asked.ask_id, verdict=verdict, by=by, text=text
    )


def _gives_up(run: Run, asked: PersonAsked, answer: PersonAnswered) -> list[Event]:
    """The end of the task where it cannot go on without the person."""
    is_stuck = asked.question == "STUCK"
    if answer.verdict == "TIMED_OUT":
        code = "STUCK" if is_stuck else "NOBODY"
        return [ending_of(run, RunStatus.FAILED, f"nobody answered: {asked.words}", code)]
    if answer.verdict == "DENIED" and is_stuck:
        return [ending_of(run, RunStatus.FAILED, f"{answer.by} gave it up: {asked.words}", "STUCK")]
    return []
