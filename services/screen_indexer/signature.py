"""Identities of what is in front: the screen, its state, and its bare structure.

Screen: the set of named containers and fields that stand outside lists and scrolled content, plus the chosen tab. A
set, so that wrapping, order and repetition do not matter; outside scrolled content, so that scrolling and list length
do not. Single controls count where there is little else, because they come and go; where too few names exist at all
(dialogs, Compose, Flutter, web pages), fixed labels and the title are added.

State: the screen plus what a person or the app has set on it: checked, selected, disabled, typed, said (steady texts
only, see `volatile`), and how far lists are scrolled (their first row). Rows count by their first one and by how many
of them are checked, because what is in a feed differs at every visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from services.hierarchy.headings import chosen_tab, title
from services.hierarchy.labels import has_trusted_id, is_editable, is_fleeting, own_label
from services.hierarchy.node import Node, Tree
from services.hierarchy.surface import Surface, is_list
from services.hierarchy.volatile import steady

_POOR: Final = 3
_RICH: Final = 5
_MAX_LABELS: Final = 12
_MAX_TEXT: Final = 80
_MAX_FIXED_LABEL: Final = 30
_EXACT_CHECKS: Final = 3
_SPAN: Final = 0.9


def screen_signature(surface: Surface) -> str:
    """40 hex digits: equal for captures of the same screen, whatever its content."""
    return _hashed(screen_features(surface))


def state_signature(surface: Surface, screen: str) -> str:
    """40 hex digits: equal for captures of screen `screen` in which the same actions mean the same."""
    return _hashed([screen, *state_features(surface)])


def dom_hash(tree: Tree) -> str:
    """40 hex digits of the structure: classes and ids, runs of equal siblings counted once, without any text."""
    digests = [b""] * len(tree)
    for node in reversed(tree.nodes):
        digest = blake2b(f"{node.class_name}|{node.resource_id}".encode(), digest_size=20)
        before = b""
        for child in node.children:
            if digests[child.position] != before:
                before = digests[child.position]
                digest.update(before)
        digests[node.position] = digest.digest()
    return blake2b(b"".join(digests[root.position] for root in tree.roots), digest_size=20).hexdigest()


def _hashed(parts: Iterable[str]) -> str:
    return blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=20).hexdigest()


# --- screen


def screen_features(surface: Surface) -> list[str]:
    """What the screen signature is made of, sorted; for tests and for explaining why two screens differ."""
    frame, controls = _named_parts(surface)
    named = frame if len(frame) >= _RICH else frame | controls
    features = {f"package={surface.package}", *named}
    tab = chosen_tab(surface)
    if tab:
        features.add(f"tab={steady(tab)}")
    if surface.is_dialog:
        features.add("dialog")
    if sum(1 for part in named if not part.startswith("id=android:")) < _POOR:
        features.update(_fixed_labels(surface))
        features.add(f"title={steady(title(surface) or '')}")
    return sorted(features)


def _named_parts(surface: Surface) -> tuple[set[str], set[str]]:
    """Ids outside rows; inside scrolled content only of what spans its viewport.

    First those that make the frame (containers, fields), then those of single controls, which come and go more easily.
    """
    frame: set[str] = set()
    controls: set[str] = set()
    for node in surface.seen():
        if not has_trusted_id(node) or is_fleeting(node) or node.position in surface.rows or is_list(node):
            continue
        if node.position in surface.scrolled and not _spans(surface, node):
            continue
        part = f"id={node.resource_id if node.resource_id.startswith('android:') else node.id_name}"
        if node.children or is_editable(node):
            frame.add(part)
        elif node.is_actionable or node.focusable:
            controls.add(part)
    return frame, controls


def _spans(surface: Surface, node: Node) -> bool:
    """Whether a node inside scrolled content fills the viewport, so that it is there wherever one scrolls."""
    if not node.children:
        return False
    for above in surface.tree.ancestors(node):
        if above.position not in surface.scrolled:
            return node.bounds.clipped(above.bounds).area >= _SPAN * above.bounds.area > 0
    return False


def _fixed_labels(surface: Surface) -> list[str]:
    """Labels of controls outside rows and scrolled content, which stay while the content changes."""
    found: list[str] = []
    for node in surface.seen():
        if node.position in surface.scrolled or node.position in surface.rows or is_editable(node):
            continue
        label = steady(own_label(node)) if node.clickable or node.focusable else ""
        if label and len(label) <= _MAX_FIXED_LABEL and f"label={label}" not in found:
            found.append(f"label={label}")
            if len(found) == _MAX_LABELS:
                break
    return found


# --- state


def state_features(surface: Surface) -> list[str]:
    """What a state adds to its screen, in document order; for tests and for explaining why two states differ."""
    features: list[str] = []
    checks: list[str] = []
    for node in surface.seen():
        if is_fleeting(node):
            continue
        if node.checkable:
            checks.append(f"{_who(node)}={node.checked}")
        if node.position in surface.rows:
            continue
        if node.selected:
            features.append(f"selected={_who(node)}")
        if not node.enabled and (node.is_actionable or node.focusable or node.class_name.endswith("Button")):
            features.append(f"disabled={_who(node)}")
        features.extend(_said(node))
    if len(checks) > _EXACT_CHECKS:
        checks = [f"checked={sum(check.endswith('=True') for check in checks)}"]
    return [*features, *checks, *_scroll_positions(surface)]


def _who(node: Node) -> str:
    return node.id_name or steady(own_label(node)) or node.short_class


def _said(node: Node) -> Iterator[str]:
    if is_editable(node):
        yield f"typed={node.id_name}={len(node.text) if node.password else node.text}"
        return
    for text in (node.text, node.content_desc):
        plain = steady(text) if text else ""
        if plain and len(plain) <= _MAX_TEXT:
            yield f"said={plain}"


def _scroll_positions(surface: Surface) -> Iterator[str]:
    """One entry a list: its first row in sight, whether that is cut off, the kinds of rows, how many (up to 3)."""
    by_list: dict[int, list[Node]] = {}
    for row, holder in surface.lists.items():
        if row in surface.sight.seen:
            by_list.setdefault(holder, []).append(surface.tree.nodes[row])
    for holder, rows in by_list.items():
        first = rows[0]
        tallest = max(row.bounds.height for row in rows)
        widest = max(row.bounds.width for row in rows)
        is_cut = first.bounds.height < 0.9 * tallest or first.bounds.width < 0.9 * widest
        many = min(len(rows), 3)
        kinds = ",".join(sorted({row.id_name or row.short_class for row in rows}))
        place = f"rows={many} cut={is_cut} kinds={kinds} first={_row_key(surface, first)}"
        yield f"list={_who(surface.tree.nodes[holder])} {place}"


def _row_key(surface: Surface, row: Node) -> str:
    texts = [
        steady(own_label(node))
        for node in surface.tree.nodes[row.position : row.end]
        if own_label(node) and not is_fleeting(node)
    ]
    return "|".join(texts)[:_MAX_TEXT] or f"{row.short_class}/{row.id_name}"
