"""What a screen and an element are known by later: written down when they are seen, compared by `guards`."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, assert_never

from contracts.values import ElementSeen, ScreenSeen, Strategy, Target
from services.hierarchy import traits
from services.hierarchy.headings import chosen_tab, title
from services.hierarchy.kinds import family
from services.hierarchy.labels import (
    has_trusted_id,
    is_editable,
    is_fleeting,
    label_node,
    own_label,
)
from services.hierarchy.locators import xpath_literal
from services.hierarchy.node import Node, tag_name
from services.hierarchy.owners import package_of
from services.hierarchy.proposing import Proposal, proposals
from services.hierarchy.surface import Surface
from services.hierarchy.targets import Match, Screen, find
from services.hierarchy.uiselector import quoted

MAX_TARGETS: Final = 8
MAX_KEYS: Final = 160
_MAX_VALUE: Final = 1_000
_MAX_LABEL: Final = 30
_MAX_ROW_TEXT: Final = 120


# --- an element


def element_seen(screen: Screen, node: Node) -> ElementSeen:
    """What to know an element by: what it is, what it says, where it stands, and locators that address it alone."""
    surface = screen.surface
    like = _like(surface, node)
    in_row = node.position in surface.rows
    beside = traits.beside(surface, node) if in_row or len(like) > 1 else ()
    exact = traits.exact_words(surface, node)
    same = [
        one for one in like
        if one is node
        or (traits.exact_words(surface, one) == exact and (not beside or traits.beside(surface, one) == beside))
    ]  # fmt: skip
    box = node.bounds.clipped(screen.size)
    return ElementSeen(
        element_type=node.class_name,
        resource_id=node.resource_id if 0 < len(node.resource_id) <= traits.MAX_TEXT else None,
        text=(node.text[: traits.MAX_TEXT] or None) if not node.password else None,
        content_desc=node.content_desc[: traits.MAX_TEXT] or None,
        label=_label(surface, node),
        bounds=(box if box.area else node.bounds).to_bounds(),
        path=traits.path(surface, node),
        beside=beside[: traits.MAX_BESIDE],
        editable=is_editable(node),
        password=node.password,
        clickable=node.clickable,
        numbered=any(_differs_in_numbers(surface, one, exact, beside) for one in like),
        alike=max(len(same), 1),
        place=same.index(node) if node in same else 0,
        targets=_targets(screen, node),
    )


def _differs_in_numbers(surface: Surface, other: Node, exact: tuple[str, ...], beside: tuple[str, ...]) -> bool:
    """Whether one of its like says the same but for numbers, itself or in its row."""
    if traits.exact_words(surface, other) != exact:
        return True
    theirs = traits.beside(surface, other) if beside else ()
    return theirs != beside and [traits.known_by(text) for text in theirs] == [traits.known_by(text) for text in beside]


def _label(surface: Surface, node: Node) -> str:
    named = traits.label(surface, node)
    return own_label(node)[: traits.MAX_TEXT] if not named and is_editable(node) else named


def _like(surface: Surface, node: Node) -> list[Node]:
    wanted = traits.kin(surface, node)
    return [one for one in surface.seen() if one is node or traits.kin(surface, one) == wanted]


def _targets(screen: Screen, node: Node) -> tuple[Target, ...]:
    found: list[Target] = []
    offered = [*_by_row(screen.surface, node), *proposals(screen.surface, node, of_every_kind=True)]
    for proposal in sorted(offered, key=_by_lasting):
        target = None if _says_only_the_id(node, proposal) else _target(proposal)
        if target is not None and target not in found and _is_alone(screen, node, target):
            found.append(target)
    return tuple(found[:MAX_TARGETS])


def _says_only_the_id(node: Node, proposal: Proposal) -> bool:
    """An id in a longer form breaks whenever the id does."""
    ident = node.resource_id
    forms = (f"new UiSelector().resourceId({quoted(ident)})", f"[@resource-id={xpath_literal(ident)}]")
    return bool(ident) and (proposal.value == forms[0] or proposal.value == f"//{tag_name(node.class_name)}{forms[1]}")


def _by_lasting(proposal: Proposal) -> tuple[bool, float]:
    """The best first; the path from the top, which anything that moves breaks, last of all."""
    return proposal.value.startswith("/hierarchy/"), -proposal.worth


def _target(proposal: Proposal) -> Target | None:
    value = proposal.value
    if not 0 < len(value) <= _MAX_VALUE:
        return None
    match proposal.strategy:
        case Strategy.ID:
            return Target(id=value)
        case Strategy.TEXT:
            return Target(text=value)
        case Strategy.ACCESSIBILITY_ID:
            return Target(description=value)
        case Strategy.XPATH:
            return Target(xpath=value)
        case Strategy.CUSTOM:
            return Target(uiselector=value)
        case Strategy.IMAGE_TEMPLATE:
            return None
        case _:
            assert_never(proposal.strategy)


def _is_alone(screen: Screen, node: Node, target: Target) -> bool:
    found = find(screen, target)
    return isinstance(found, Match) and found.node is node


def _by_row(surface: Surface, node: Node) -> Iterator[Proposal]:
    """Through the text of its row: the button of the row that says `Alice`."""
    row = surface.rows.get(node.position)
    if row is None or row == node.position:
        return
    holder, tags = surface.tree.nodes[row], surface.tree.tags
    said = label_node(surface.tree, holder)
    if said is None or said is node or not traits.identifies(own_label(said)):
        return
    name, text = ("content-desc", said.content_desc) if said.content_desc.strip() else ("text", said.text)
    if len(text) > _MAX_ROW_TEXT:
        return
    own = f"[@resource-id={xpath_literal(node.resource_id)}]" if node.resource_id else ""
    ident = f"@resource-id={xpath_literal(holder.resource_id)} and " if holder.resource_id else ""
    value = f"//{tags[row]}[{ident}.//*[@{name}={xpath_literal(text)}]]//{tags[node.position]}{own}"
    yield Proposal(Strategy.XPATH, value, 0.7)


# --- a screen


def screen_seen(screen: Screen, package: str, activity: str | None) -> ScreenSeen:
    """What to know a screen by; `package` and `activity` are what is in front, as the phone says."""
    parts = sorted({(kind, _hash(kind, what)) for kind, what in _parts(screen.surface)}, key=_by_worth)
    kept = sorted(kind + digest for kind, digest in parts[:MAX_KEYS])
    return ScreenSeen(package=package, activity=activity, keys=tuple(kept))


OWNER, DIALOG, HEADING, TAB, NAME, LABEL, SAID, ROW, CONTENT, SHAPE = "odhtnlsrcx"
"""The first letter of a key: what kind of part it stands for."""
_ORDER: Final = OWNER + DIALOG + HEADING + TAB + NAME + LABEL + SAID + ROW + CONTENT + SHAPE


def _by_worth(part: tuple[str, str]) -> tuple[int, str]:
    """Within a kind by hash, so that two screens with many parts keep the same ones of those that they share."""
    return _ORDER.index(part[0]), part[1]


def _hash(kind: str, what: str) -> str:
    return blake2b(f"{kind}|{what}".encode("utf-8", "replace"), digest_size=4).hexdigest()


def _parts(surface: Surface) -> Iterator[tuple[str, str]]:
    yield OWNER, surface.package
    if surface.is_dialog:
        yield DIALOG, "dialog"
    if _is_under_a_stranger(surface):
        yield DIALOG, "stranger"
    heading, tab = title(surface), chosen_tab(surface)
    if heading and traits.identifies(heading):
        yield HEADING, traits.known_by(heading)
    if tab:
        yield TAB, traits.known_by(tab)
    for node in surface.seen():
        if not is_fleeting(node):
            yield from _parts_of(surface, node)


def _is_under_a_stranger(surface: Surface) -> bool:
    """A window that says of no app that it is its own, and takes taps: it may be a dialog over the app."""
    front = {node.position for node in surface.nodes}
    return any(
        root.position not in front
        and not package_of(surface.tree, root)
        and any(node.clickable for node in surface.tree.nodes[root.position : root.end])
        for root in surface.tree.roots
    )


def _parts_of(surface: Surface, node: Node) -> Iterator[tuple[str, str]]:
    kind = family(node.class_name)
    in_row = node.position in surface.rows
    if node.resource_id.startswith("android:"):
        yield SHAPE, f"{node.id_name}|{kind}"
    elif has_trusted_id(node):
        yield ROW if in_row else NAME, f"{node.id_name}|{kind}"
    if in_row:
        return
    yield SHAPE, "/".join(_steps(surface, node))
    said = traits.known_by(own_label(node))
    if not traits.identifies(said) or len(said) > _MAX_LABEL or is_editable(node):
        return
    if node.position in surface.scrolled:
        yield CONTENT, said
    else:
        yield LABEL if node.clickable or node.focusable else SAID, said


def _steps(surface: Surface, node: Node) -> list[str]:
    """Its kind and that of the two above."""
    above = [family(one.class_name) for _, one in zip(range(2), surface.tree.ancestors(node), strict=False)]
    return [*reversed(above), family(node.class_name)]
