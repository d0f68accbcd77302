"""Delta debugging (Zeller's ddmin): which steps of a sequence does it take? Pure, one question at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

Kept = tuple[int, ...]
"""Places of steps in the whole sequence, ascending."""


@dataclass(frozen=True)
class Answer:
    """How far the shrinking has come. `best` is the shortest sequence that is known to do; `ask` the one to try next,
    none: no step of `best` can be left out."""

    best: Kept
    ask: Kept | None


class _Unknown(Exception):  # noqa: N818 - not an error: the question that has no answer yet
    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept


def shrink(best: Kept, known: Mapping[Kept, bool]) -> Answer:
    """What to try next, where `best` does and `known` says of other sequences whether they do.

    The same answers always lead to the same question, so nothing but the answers has to be remembered.
    """

    def does(kept: Kept) -> bool:
        if kept not in known:
            raise _Unknown(kept)
        return known[kept]

    pieces = 2
    try:
        while best:
            shorter = _shorter(best, pieces, does)
            if shorter is not None:
                best, pieces = shorter, max(pieces - 1, 2)
            elif pieces >= len(best):
                break
            else:
                pieces = min(len(best), pieces * 2)
    except _Unknown as question:
        return Answer(best, question.kept)
    return Answer(best, None)


def _shorter(best: Kept, pieces: int, does: Callable[[Kept], bool]) -> Kept | None:
    """The sequence without one of its pieces, where that does too."""
    pieces = min(pieces, len(best))
    bounds = [round(len(best) * at / pieces) for at in range(pieces + 1)]
    for begin, end in pairwise(bounds):
        rest = best[:begin] + best[end:]
        if does(rest):
            return rest
    return None
