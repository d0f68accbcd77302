"""Which element of one version is which of another.

Healing tools match greedily and heal to the next button: identical nodes without an id differ by tag and path alone. So
a pair must pass a veto (two trusted names that contradict each other), reach a threshold, and beat every rival on both
sides by a margin; what does not is left open and reported as ambiguous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from services.hierarchy.geometry import Rect
from services.hierarchy.labels import has_trusted_id, is_editable, own_label, spoken_label
from services.hierarchy.node import Node, Tree
from services.hierarchy.volatile import steady

THRESHOLD: Final = 0.62
MARGIN: Final = 0.06
_MAX_PAIRS: Final = 40_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What an element is compared by. `id` is "" where it cannot be trusted, `box` is in shares of the screen."""

    node: Node
    id: str
    label: str
    kind: str
    is_editable: bool
    near: frozenset[str]
    path: str
    box: tuple[float, float, float, float]
    in_list: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """Indices into the two lists: pairs, and those of the first list that several of the second could be."""

    pairs: tuple[tuple[int, int], ...]
    ambiguous: tuple[int, ...]


def profiles(tree: Tree, screen: Rect, nodes: Sequence[Node], in_list: frozenset[int]) -> list[Profile]:
    """Profiles of elements of one version, in their order."""
    return [_profile(tree, screen, node, node.position in in_list) for node in nodes]


def _profile(tree: Tree, screen: Rect, node: Node, in_list: bool) -> Profile:
    near = {above.id_name for above in tree.ancestors(node) if has_trusted_id(above)}
    near |= {steady(own_label(sibling)) for sibling in tree.siblings(node) if sibling is not node}
    box = node.bounds
    width, height = max(screen.width, 1), max(screen.height, 1)
    return Profile(
        node=node,
        id=node.id_name if has_trusted_id(node) else "",
        label=steady(spoken_label(tree, node)),
        kind=node.short_class,
        is_editable=is_editable(node),
        near=frozenset(near - {""}),
        path=tree.path(node),
        box=(box.left / width, box.top / height, box.right / width, box.bottom / height),
        in_list=in_list,
    )


_Key = Callable[[Profile], tuple[str, ...] | None]


def match(base: Sequence[Profile], target: Sequence[Profile]) -> Matching:
    """One-to-one pairs: first the certain ones (a name or a place that is unique on both sides), then by similarity."""
    pairs: dict[int, int] = {}
    for key in (_by_all, _by_place, _by_id, _by_label):
        _join_unique(base, target, key, pairs)
    open_base = [at for at in range(len(base)) if at not in pairs]
    taken = set(pairs.values())
    open_target = [at for at in range(len(target)) if at not in taken]
    if len(open_base) * len(open_target) > _MAX_PAIRS:
        return Matching(tuple(sorted(pairs.items())), ())
    scores = {(one, two): similarity(base[one], target[two]) for one in open_base for two in open_target}
    ambiguous = _join_similar(scores, pairs)
    return Matching(tuple(sorted(pairs.items())), tuple(sorted(ambiguous)))


def _by_all(one: Profile) -> tuple[str, ...] | None:
    return (one.id, one.label, one.kind) if one.id and one.label else None


def _by_place(one: Profile) -> tuple[str, ...] | None:
    """Nameless twins in an unchanged place with unchanged neighbours."""
    return (one.path, one.id, one.label, one.kind, *sorted(one.near))


def _by_id(one: Profile) -> tuple[str, ...] | None:
    return (one.id,) if one.id and not one.in_list else None


def _by_label(one: Profile) -> tuple[str, ...] | None:
    return (one.label, one.kind) if one.label else None


def _join_unique(base: Sequence[Profile], target: Sequence[Profile], key: _Key, pairs: dict[int, int]) -> None:
    taken = set(pairs.values())
    ours = {at: key(one) for at, one in enumerate(base) if at not in pairs}
    theirs = {at: key(one) for at, one in enumerate(target) if at not in taken}
    count_ours, count_theirs = Counter(ours.values()), Counter(theirs.values())
    where = {name: at for at, name in theirs.items()}
    for at, name in ours.items():
        certain = name is not None and count_ours[name] == count_theirs[name] == 1
        if certain and not is_vetoed(base[at], target[where[name]]):
            pairs[at] = where[name]


def _join_similar(scores: dict[tuple[int, int], float], pairs: dict[int, int]) -> set[int]:
    """Takes pairs in the order of their scores while they beat their rivals; the rest is ambiguous."""
    ambiguous: set[int] = set()
    taken: set[int] = set()
    good = sorted((score, one, two) for (one, two), score in scores.items() if score >= THRESHOLD)
    for score, one, two in reversed(good):
        if one in pairs or two in taken or one in ambiguous:
            continue
        rivals = [other for other, a, b in good if (a == one) != (b == two) and a not in pairs and b not in taken]
        if rivals and score - max(rivals) < MARGIN:
            ambiguous.add(one)
            continue
        pairs[one] = two
        taken.add(two)
    return ambiguous - set(pairs)


def is_vetoed(one: Profile, two: Profile) -> bool:
    """A field is no button; and where both have trusted ids and labels, not both may differ."""
    if one.is_editable != two.is_editable:
        return True
    ids_differ = bool(one.id and two.id) and one.id != two.id
    labels_differ = bool(one.label and two.label) and fuzz.ratio(one.label, two.label) < 60
    return ids_differ and labels_differ and fuzz.ratio(one.id, two.id) < 75


def similarity(one: Profile, two: Profile) -> float:
    """0..1: what both know of id (weight 40), label (30), kind (10), surroundings (10) and place (20)."""
    if is_vetoed(one, two):
        return 0.0
    parts: list[tuple[float, float]] = []
    if one.id or two.id:
        parts.append((40, fuzz.ratio(one.id, two.id) / 100 if one.id and two.id else 0.3))
    if one.label or two.label:
        parts.append((30, fuzz.ratio(one.label, two.label) / 100 if one.label and two.label else 0.0))
    parts.append((10, 1.0 if one.kind == two.kind else fuzz.ratio(one.kind, two.kind) / 200))
    if one.near or two.near:
        parts.append((10, len(one.near & two.near) / len(one.near | two.near)))
    apart = sum(abs(a - b) for a, b in zip(one.box, two.box, strict=True)) / 2
    parts.append((20, max(0.0, 1 - 2 * apart)))
    return sum(weight * share for weight, share in parts) / sum(weight for weight, _ in parts)
