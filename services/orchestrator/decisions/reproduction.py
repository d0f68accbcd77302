"""What a run keeps to make crashes happen again: what it did last, its cases, the try under way. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts.orchestrator import ActionRequested, CrashAwaited, CrashTraced, ReproductionTried
from contracts.values import ObjectRef
from services.orchestrator.decisions import crash_cases
from services.orchestrator.decisions.crash_cases import Attempt, Case
from services.orchestrator.decisions.graph import Graph
from services.orchestrator.decisions.trail import TRAIL_LIMIT, Made, Trail, since_launch, steps_made


@dataclass(frozen=True)
class Reproduction:
    """Folded from the run's events. `cases`: crashes that were traced, by stack key; `steps`: actions of all tries."""

    trail: Trail = ()
    cases: Mapping[str, Case] = field(default_factory=dict)
    attempt: Attempt | None = None
    awaited: CrashAwaited | None = None
    steps: int = 0

    def asked(self, event: ActionRequested, before: ObjectRef | None, left: int) -> Reproduction:
        """After an action was asked for, with `left` actions for tries. `before`: what the phone showed.

        A try begins with a start of the app, and every further action of it is its next step.
        """
        trail = (*self.trail, Made(event, before))[-TRAIL_LIMIT:]
        if event.purpose != "REPRODUCE":
            return replace(self, trail=trail)
        attempt = self.attempt
        begun = crash_cases.begun(self.cases, left, event.sequence) if attempt is None else attempt.further()
        return replace(self, trail=trail, attempt=begun, steps=self.steps + 1)

    def stopped(self) -> Reproduction:
        """The run ends: no try goes on."""
        return replace(self, attempt=None, awaited=None)


def apply(known: Reproduction, graph: Graph, event: CrashTraced | CrashAwaited | ReproductionTried) -> Reproduction:
    match event:
        case CrashTraced():
            return _traced(known, graph, event)
        case CrashAwaited():
            return replace(known, awaited=event)
        case ReproductionTried():
            steps = 0 if known.attempt is None else known.attempt.made + 1
            case = crash_cases.tried(known.cases[event.stack_key], event, steps)
            return replace(known.stopped(), cases={**known.cases, event.stack_key: case})


def _traced(known: Reproduction, graph: Graph, event: CrashTraced) -> Reproduction:
    """The first word of a crash opens its case, the last closes it; one between them is another way, tried at once."""
    case = known.cases.get(event.stack_key)
    if case is not None and event.final:
        return replace(known, cases={**known.cases, event.stack_key: replace(case, closed=True)})
    if case is not None:
        attempt = None if known.attempt is None else known.attempt.over("GRAPH", len(event.way))
        return replace(known, cases={**known.cases, event.stack_key: case.rerouted(event)}, attempt=attempt)
    crashed = next((made for made in known.trail if made.asked.sequence == event.crashed_by), None)
    trail = None if crashed is None else since_launch(known.trail, crashed.asked)
    made = None if trail is None else steps_made(graph, trail)
    return replace(known, cases={**known.cases, event.stack_key: crash_cases.opened(event, made)})
