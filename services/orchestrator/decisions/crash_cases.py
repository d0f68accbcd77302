"""What a run knows of each crash of its app, and which sequence it tries next to make it happen again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from contracts.orchestrator import CrashTraced, ReproductionTried
from contracts.values import CrashStep
from services.orchestrator.decisions.shrinking import Kept, shrink

Source = Literal["GRAPH", "TRAIL"]
TRIES = 2
"""How often a whole sequence is tried before it counts as one that does not do."""


@dataclass(frozen=True)
class Attempt:
    """A try under way: `made` steps of `kept` were asked for, after the start of the app, which was action `launch`."""

    stack_key: str
    source: Source
    kept: Kept
    launch: int
    made: int = 0

    def further(self) -> Attempt:
        return replace(self, made=self.made + 1)

    def over(self, source: Source, steps: int) -> Attempt:
        """The same try over the whole of another way."""
        return replace(self, source=source, kept=tuple(range(steps)))


@dataclass(frozen=True)
class Verdict:
    """What is known in the end. `steps` make the app crash (REPRODUCED), or should have."""

    verdict: Literal["NOT_TRIED", "REPRODUCED", "NOT_REPRODUCED"]
    source: Source
    steps: tuple[CrashStep, ...]
    minimal: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Case:
    """One crash. `sequences`: what to try, by where it comes from. `known`: which parts of them crashed the app."""

    traced: CrashTraced
    sequences: Mapping[Source, tuple[CrashStep, ...]]
    known: Mapping[Source, Mapping[Kept, bool]] = field(default_factory=dict)
    best: Mapping[Source, Kept] = field(default_factory=dict)
    failed: Mapping[Source, int] = field(default_factory=dict)
    tries: int = 0
    steps: int = 0
    closed: bool = False

    @property
    def is_begun(self) -> bool:
        return self.tries > 0 and not self.closed

    @property
    def goal(self) -> str | None:
        """The state in which its last step crashes the app; None: it is the start that does."""
        return self.traced.way[-1].state_id if self.traced.way else None

    def rerouted(self, traced: CrashTraced) -> Case:
        """The case with another way through the graph, tried before all others."""
        others: Mapping[Source, tuple[CrashStep, ...]] = {k: v for k, v in self.sequences.items() if k != "GRAPH"}
        return replace(self, traced=traced, sequences={"GRAPH": traced.way, **others})


def opened(traced: CrashTraced, trail: tuple[CrashStep, ...] | None) -> Case:
    """A case with the way through the graph first; the trail only where it is another one."""
    sequences: dict[Source, tuple[CrashStep, ...]] = {}
    if traced.source == "GRAPH":
        sequences["GRAPH"] = traced.way
    if trail is not None and _gestures(trail) != _gestures(sequences.get("GRAPH")):
        sequences["TRAIL"] = trail
    return Case(traced, sequences)


def _gestures(steps: tuple[CrashStep, ...] | None) -> tuple[tuple[str | None, str | None], ...] | None:
    return None if steps is None else tuple((step.state_id, step.gesture_id) for step in steps)


def tried(case: Case, event: ReproductionTried, steps: int) -> Case:
    """The case after a try that took so many steps. What crashed at its third step did not at its second."""
    crashed = event.crashed_at is not None
    until = len(event.kept) if event.crashed_at is None else event.crashed_at
    known = dict(case.known.get(event.source, {}))
    for length in range(until if crashed else until + 1):
        known[event.kept[:length]] = False
    known[event.kept] = crashed
    changed = replace(case, tries=case.tries + 1, steps=case.steps + steps)
    if not crashed:
        failed = {**case.failed, event.source: case.failed.get(event.source, 0) + 1}
        return replace(changed, known={**case.known, event.source: known}, failed=failed)
    best = event.kept[:until]
    known[best] = True
    return replace(changed, known={**case.known, event.source: known}, best={**case.best, event.source: best})


def next_try(case: Case, left: int) -> tuple[Source, Kept] | Verdict:
    """What to try with `left` actions left, or the verdict."""
    for source, steps in case.sequences.items():
        best = case.best.get(source)
        if best is not None:
            answer = shrink(best, case.known.get(source, {}))
            shown = tuple(steps[at] for at in answer.best)
            if answer.ask is None:
                return Verdict("REPRODUCED", source, shown, minimal=True)
            if len(answer.ask) + 1 > left:
                return Verdict("REPRODUCED", source, shown, reason="no actions were left to make it shorter")
            return source, answer.ask
        if case.failed.get(source, 0) < TRIES and len(steps) + 1 <= left:
            return source, tuple(range(len(steps)))
    source, steps = next(iter(case.sequences.items()), ("TRAIL", ()))
    if case.tries:
        return Verdict("NOT_REPRODUCED", source, steps, reason=f"it did not come again in {case.tries} tries")
    reason = "no way to it is known" if not case.sequences else f"{left} actions were left, too few for a try"
    return Verdict("NOT_TRIED", source, steps, reason=reason)


def current(cases: Mapping[str, Case]) -> Case | None:
    """The case whose tries have begun, else the oldest that is open."""
    left = [case for case in cases.values() if not case.closed]
    return next((case for case in left if case.is_begun), next(iter(left), None))


def begun(cases: Mapping[str, Case], left: int, launch: int) -> Attempt | None:
    """The try that action `launch`, a start of the app, begins: the one that is wanted next."""
    case = current(cases)
    wanted = None if case is None else next_try(case, left)
    if case is None or wanted is None or isinstance(wanted, Verdict):
        return None
    return Attempt(case.traced.stack_key, *wanted, launch)
