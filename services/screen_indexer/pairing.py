"""Which screen of one version is which of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from services.hierarchy.labels import own_label
from services.hierarchy.volatile import steady
from services.screen_indexer.model import Indexed, resurvey
from services.screen_indexer.signature import screen_features

THRESHOLD: Final = 0.5
_MAX_LABELS: Final = 40


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a screen is recognised by in another version. `key` is the caller's, such as the screen's id."""

    key: str
    signature: str
    package: str
    activity: str
    name: str
    features: frozenset[str]
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Keys of screens in both versions (with their similarity), only in the base, only in the target."""

    pairs: tuple[tuple[str, str, float], ...]
    dropped: tuple[str, ...]
    added: tuple[str, ...]


def sketch(key: str, indexed: Indexed) -> Sketch:
    """The sketch of an indexed capture."""
    surface = resurvey(indexed)
    labels = [steady(own_label(node)) for node in surface.seen() if node.position not in surface.rows]
    return Sketch(
        key=key,
        signature=indexed.screen_signature,
        package=indexed.package,
        activity=(indexed.activity or "").rpartition(".")[2],
        name=indexed.name,
        features=frozenset(screen_features(surface)) - {f"package={indexed.package}"},
        labels=frozenset([label for label in labels if label][:_MAX_LABELS]),
    )


def pair_screens(base: Sequence[Sketch], target: Sequence[Sketch]) -> Pairing:
    """One to one: equal signatures first, then the most similar at or above THRESHOLD, best first."""
    pairs: list[tuple[str, str, float]] = []
    ours, theirs = list(base), list(target)
    by_signature = {one.signature: one for one in reversed(theirs)}
    for one in list(ours):
        same = by_signature.pop(one.signature, None)
        if same is not None:
            pairs.append((one.key, same.key, 1.0))
            ours.remove(one)
            theirs.remove(same)
    ranked = sorted(
        ((similarity(one, two), one.key, two.key, one, two) for one in ours for two in theirs),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    for score, _, _, one, two in ranked:
        if score >= THRESHOLD and one in ours and two in theirs:
            pairs.append((one.key, two.key, round(score, 3)))
            ours.remove(one)
            theirs.remove(two)
    return Pairing(tuple(pairs), tuple(one.key for one in ours), tuple(two.key for two in theirs))


def similarity(one: Sketch, two: Sketch) -> float:
    """0..1: frame (35), labels (35), name (20), activity where both know it (10). 0 for another package."""
    if one.package != two.package:
        return 0.0
    parts = [(20.0, fuzz.ratio(one.name, two.name) / 100)]
    for weight, ours, theirs in ((35.0, one.features, two.features), (35.0, one.labels, two.labels)):
        if ours or theirs:
            parts.append((weight, len(ours & theirs) / len(ours | theirs)))
    if one.activity and two.activity:
        parts.append((10.0, 1.0 if one.activity == two.activity else 0.0))
    return sum(weight * share for weight, share in parts) / sum(weight for weight, _ in parts)
