"""What became of an action on a phone, in the words that an event needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from services.device_agent.fence import Outcome, Verdict
from services.device_agent.gestures import failure_code, silent_failure
from services.device_agent.parsers import installs


class Result(StrEnum):
    """How an action ended."""

    DONE = "DONE"
    """The phone did it, as far as its commands tell."""
    FAILED = "FAILED"
    """The phone attempted it and said that it failed."""
    IMPOSSIBLE = "IMPOSSIBLE"
    """It cannot be done on this phone; nothing was sent."""
    NOT_FOUND = "NOT_FOUND"
    """What it is to be done to is not on the screen; nothing was sent."""
    GUARD = "GUARD"
    """The screen or the element is not what the action's guard expects; nothing was sent."""
    DUPLICATE = "DUPLICATE"
    """The phone attempted it before; it was not repeated."""
    STALE = "STALE"
    """A newer lease drives the phone; it was refused."""
    REFUSED = "REFUSED"
    """The fence could not record it; it was not attempted."""
    UNKNOWN = "UNKNOWN"
    """The phone left or froze while it was under way, and cannot be asked; it may have happened."""
    NOT_FIT = "NOT_FIT"
    """The phone cannot be driven (battery, heat, space, a locked screen); nothing was sent."""
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    """The phone left or froze before it was attempted, as its fence tells."""


@dataclass(frozen=True)
class Performed:
    """`reason` is empty where nothing is to be said; `latency_ms` is the time of the phone's commands.

    `code` names a cause that whoever asked can act on: `INPUT_DENIED`, `KEYBOARD_MISSING`, `NOT_SHOWN` of
    `gestures`.
    """

    result: Result
    reason: str = ""
    latency_ms: float = 0.0
    code: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.result is Result.DONE

    @property
    def may_have_happened(self) -> bool:
        """Whether the screen may have changed because of it."""
        return self.result in {Result.DONE, Result.FAILED, Result.DUPLICATE, Result.UNKNOWN}


def refused_by(outcome: Outcome) -> Performed:
    """What it means that the fence did not let an action through."""
    match outcome.verdict:
        case Verdict.DUPLICATE:
            return Performed(Result.DUPLICATE, outcome.text)
        case Verdict.STALE:
            return Performed(Result.STALE, outcome.text)
        case Verdict.BUSY | Verdict.BROKEN:
            return Performed(Result.REFUSED, outcome.text)
        case Verdict.DONE | Verdict.FAILED:
            raise ValueError(f"the action was let through: {outcome.verdict}")
        case _:
            assert_never(outcome.verdict)


def performed_by(outcome: Outcome) -> Performed:
    """What the phone's answer means. An exit code of 0 is not believed where the output speaks of failure."""
    if not outcome.attempted:
        return refused_by(outcome)
    failure = silent_failure(outcome.text)
    if outcome.verdict is Verdict.DONE and failure is None:
        return Performed(Result.DONE)
    said = failure or f"exit code {outcome.rc}: {outcome.text[:300] or 'no output'}"
    return Performed(Result.FAILED, said, code=failure_code(outcome.text))


def changed_by(outcome: Outcome) -> Performed:
    """The same for commands that install, clear or remove apps: they succeeded where the last one says so."""
    if not outcome.attempted:
        return refused_by(outcome)
    if installs.succeeded(outcome.text):
        return Performed(Result.DONE)
    return Performed(Result.FAILED, installs.failure(outcome.text))
