"""The turns of a task in plain language as they go on, folded from its events: what a person who watches wants to know.
Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from contracts.event import Event
from contracts.orchestrator import (
    ApiCallRequested,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    ScriptDrafted,
    StepFinished,
    TurnTaken,
)
from contracts.sealed import Sealed
from contracts.values import AnyIntent, AskPerson, CallApi, SwipeTo, TakeOver, TapAt, TurnRead, TypeText
from services.cli.output import clean
from services.cli.people import ways_to_answer
from services.orchestrator.redacting import typed, without_typed

KINDS = frozenset({"task", "replay"})
TOLD: tuple[type[Event], ...] = (
    TurnTaken, PersonAsked, PersonAnswered, NoteKept, ModelAwaited, ApiCallRequested, ScriptDrafted,
)  # fmt: skip
LOUD = (PersonAsked, ModelAwaited)
"""What nobody who watches may miss."""
SHORT = 160
"""Characters of what a model thinks, in a line."""
PLATFORM = "waymark"
"""Who holds a task that waits for a person or for its model."""
_UNREADABLE = "(sealed: its key is gone)"


@dataclass(frozen=True)
class Turns:
    """A task so far. `asked` is what a person is asked now, `away` that the model does not answer."""

    goal: str = ""
    turn: int = 0
    taken: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    thinking: str = ""
    wants: str = ""
    intent: AnyIntent | None = None
    came: str = ""
    asked: PersonAsked | None = None
    question: str = ""
    away: ModelAwaited | None = None
    notes: int = 0
    script: ScriptDrafted | None = None
    result: str = ""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def begun(started: RunStarted) -> Turns | None:
    """None for runs that are no such task."""
    spec = started.spec
    if spec.kind not in KINDS:
        return None
    return Turns(goal=_clear(spec.goal) or ("" if spec.replay is None else f"replay of {spec.replay.name}"))


def evolve(turns: Turns, event: Event) -> Turns:
    """After an event of the task's run."""
    match event:
        case TurnTaken():
            return replace(
                turns,
                turn=event.turn,
                taken=turns.taken + 1,
                prompt_tokens=turns.prompt_tokens + event.prompt_tokens,
                completion_tokens=turns.completion_tokens + event.completion_tokens,
                cost=turns.cost + Decimal(event.cost),
                thinking=thinking_of(event),
                wants=event.words,
                intent=intent_of(event),
                came=event.reason or "",
                away=turns.away if event.verdict == "AWAY" else None,
            )
        case StepFinished():
            return replace(turns, came=came_of(event))
        case PersonAsked():
            return replace(turns, asked=event, question=question_of(event, turns.intent))
        case PersonAnswered():
            return replace(turns, asked=None)
        case ModelAwaited():
            return replace(turns, away=event)
        case RunResumed():
            return replace(turns, away=None)
        case NoteKept():
            return replace(turns, notes=turns.notes + 1)
        case ScriptDrafted():
            return replace(turns, script=event)
        case RunFinished():
            return replace(turns, asked=None, away=None, result=_clear(event.result) or "")
        case _:
            return turns


def is_silent(event: Event) -> bool:
    """Whether an event of a task says what was told just before: that it is held for a person, or for its model."""
    return isinstance(event, RunPaused | RunResumed) and event.by == PLATFORM


def told(event: Event, turns: Turns) -> str | None:
    """A line about an event; `turns` are those before it."""
    match event:
        case TurnTaken():
            return _told_turn(event, evolve(turns, event))
        case StepFinished(turn=turn) if turn is not None:
            return f"turn {turn}: {came_of(event)}"
        case PersonAsked():
            until = event.until.astimezone().strftime("%H:%M:%S")
            ways = ways_to_answer(event.question, event.task_id)
            return f">>> A PERSON IS ASKED, until {until}: {clean(question_of(event, turns.intent))} >>> {ways}"
        case PersonAnswered():
            by = "nobody" if event.by is None else clean(event.by)
            text = _clear(event.text)
            return f"{event.verdict.replace('_', ' ').lower()} by {by}" + (f": {short(text)}" if text else "")
        case ModelAwaited():
            until = event.until.astimezone().strftime("%H:%M:%S")
            return f">>> THE MODEL IS AWAY (try {event.tries}): {clean(event.reason)}; it is asked again at {until}"
        case NoteKept():
            return f"note: {short(_clear(event.text) or _UNREADABLE)}"
        case ApiCallRequested():
            return f"calls {clean(event.call.name)}"
        case ScriptDrafted():
            what = "repaired" if event.origin == "REPAIRED" else "recorded"
            return f"{what} as a script: {clean(event.data.name)} ({event.script_id})"
        case _:
            return None


def _told_turn(event: TurnTaken, after: Turns) -> str:
    did = ": ".join(part for part in (event.words, event.reason) if part)
    used = event.prompt_tokens + event.completion_tokens
    spent = f"{used} tokens, {after.tokens} so far" + ("" if not after.cost else f", cost {after.cost:f}")
    verdict = {"MISREAD": "not understood: ", "REFUSE": "refused: ", "AWAY": "no answer: "}.get(event.verdict, "")
    thinking = f"  ({short(after.thinking)})" if after.thinking else ""
    return f"turn {event.turn}: {verdict}{short(did)}{thinking}  [{spent}]"


def thinking_of(event: TurnTaken) -> str:
    """What the model thought, without a password that it is about to type."""
    read = read_of(event)
    return "" if read is None else without_typed(read.thinking, read.intent)


def read_of(event: TurnTaken) -> TurnRead | None:
    """What its answer meant; None where there was none, or where nobody can read it."""
    if event.read is None or event.read.clear is None:
        return None
    return TurnRead.model_validate(event.read.clear)


def intent_of(event: TurnTaken) -> AnyIntent | None:
    read = read_of(event)
    return None if read is None else read.intent


def drag_of(event: TurnTaken) -> SwipeTo | None:
    intent = intent_of(event)
    return intent if isinstance(intent, SwipeTo) else None


def question_of(asked: PersonAsked, intent: AnyIntent | None) -> str:
    """What a person is asked, whole: with what the model says, and what it would type where that is no password.

    `intent`: of the turn that asks; none: nobody knows it, or it was not the model that asks.
    """
    match intent:
        case TakeOver(message=text) | AskPerson(question=text):
            more = text
        case TypeText():
            more = typed(intent)
        case CallApi():
            more = _clear(asked.detail) or ""
        case TapAt(sensitive=str() as text):
            more = text
        case _:
            more = ""
    return asked.words if not more or asked.by is not None or more in asked.words else f"{asked.words}: {more}"


def came_of(event: StepFinished) -> str:
    came = event.outcome.replace("_", " ").lower()
    return came if event.succeeded else f"{came}: {clean(event.error_message or event.error_code or 'not seen')}"


def facts(turns: Turns, table: Table) -> None:
    """Rows of the live view."""
    table.add_row("goal", Text(short(turns.goal)))
    if turns.taken:
        table.add_row("turn", Text(str(turns.turn), style="bold"))
        table.add_row("thinks", Text(short(turns.thinking, 3 * SHORT), style="italic"))
        table.add_row("does", Text(short(turns.wants)))
    table.add_row("came of it", Text(short(turns.came)))
    cost = "" if not turns.cost else f"  cost {turns.cost:f}"
    table.add_row("tokens", Text(str(turns.tokens), style="bold") + Text(cost))
    if turns.notes:
        table.add_row("notes", Text(str(turns.notes)))
    if turns.asked is not None:
        ways = ways_to_answer(turns.asked.question, turns.asked.task_id)
        table.add_row("ASKS", Text(f"{clean(turns.question)}\n{ways}", style="bold black on yellow"))
    if turns.away is not None:
        table.add_row("AWAY", Text(f"the model: {clean(turns.away.reason)}", style="bold black on yellow"))


def summary(turns: Turns) -> list[str]:
    """How it went, in a few lines."""
    cost = "" if not turns.cost else f", cost {turns.cost:f}"
    said = [f"{turns.taken} turns, {turns.tokens} tokens{cost}" + (f", {turns.notes} notes" if turns.notes else "")]
    if turns.result:
        said.insert(0, f"Result: {clean(turns.result)}")
    if turns.script is not None:
        said.append(f"Script:  waymark run replay {turns.script.script_id}")
    return said


def as_json(turns: Turns) -> dict[str, Any]:
    return {
        "goal": turns.goal,
        "turns": turns.taken,
        "tokens": turns.tokens,
        "cost": f"{turns.cost:f}",
        "thinking": turns.thinking,
        "wants": turns.wants,
        "came": turns.came,
        "asked": None if turns.asked is None else turns.question,
        "answer_with": None if turns.asked is None else ways_to_answer(turns.asked.question, turns.asked.task_id),
        "away": None if turns.away is None else turns.away.reason,
        "notes": turns.notes,
        "result": turns.result or None,
        "script": None if turns.script is None else turns.script.script_id,
    }


def short(text: str, limit: int = SHORT) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clear(field: Sealed[str] | None) -> str | None:
    return None if field is None else field.clear
