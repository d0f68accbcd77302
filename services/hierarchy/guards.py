"""Whether this is the screen, and this the element, that was meant. Fails closed: a doubt is a no, with its reason.

An element is taken for the one that was seen only where nothing speaks against it: it is of the same kind, has the same
id (or one that replaced it: `_is_renamed`) and says the same (what changes by itself set aside), its row says the same,
it can be touched where it is, and no other element fits as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contracts.values import ElementSeen, Point, ScreenSeen, Target
from services.hierarchy import knowing, traits
from services.hierarchy.kinds import family, kind_of_node
from services.hierarchy.labels import is_editable, is_generated, is_obfuscated
from services.hierarchy.node import Node
from services.hierarchy.snapping import name_of, on_top, over_the_app
from services.hierarchy.targets import Match, Miss, Screen, find
from services.hierarchy.volatile import squeezed

THRESHOLD: Final = 0.7
"""Least likeness of a screen that is taken for the one that was seen."""
WEIGHTS: Final = {
    knowing.OWNER: 0.0, knowing.DIALOG: 0.0, knowing.HEADING: 3.0, knowing.TAB: 3.0, knowing.NAME: 2.0,
    knowing.LABEL: 2.0, knowing.SAID: 1.0, knowing.ROW: 1.0, knowing.SHAPE: 0.5,
    knowing.CONTENT: 0.5,
}  # fmt: skip
ADDED: Final = 0.6
"""Weight of what is there and was not, of what was there and is not: 1. Banners and hints come more often than parts
go."""
ACTIVITY: Final = 0.15
PATH_STEPS: Final = 3
_SAID_OF_MANY: Final = frozenset({
    "ok", "okay", "yes", "no", "confirm", "continue", "next", "done", "cancel", "close", "back", "more", "save",
    "submit", "apply", "accept", "allow", "agree", "go", "start", "skip", "edit", "add",
    "确定", "确认", "好", "好的", "是", "否", "继续", "下一步", "完成",
    "取消", "关闭", "返回", "更多", "保存", "提交", "应用", "同意", "允许", "开始",
    "跳过", "编辑", "添加",
})  # fmt: skip
"""Words that stand on buttons which do quite different things."""
_GRAVE: Final = frozenset({
    "delete", "remove", "erase", "clear", "reset", "wipe", "send", "pay", "buy", "purchase", "order", "transfer",
    "money", "logout", "signout", "out", "uninstall", "block", "report", "share", "grant", "cancel", "dismiss",
    "unsubscribe",
})  # fmt: skip
"""Parts of ids that say what cannot be taken back."""
_ID_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Verdict:
    """Whether a screen is taken for another; `score` is how alike they are, 0..1; `reason` says why, in words."""

    holds: bool
    score: float
    reason: str


@dataclass(frozen=True)
class Found:
    """The element that is meant. `healed_by`: not the first choice addressed it, but this target."""

    match: Match
    healed_by: Target | None = None


# --- the screen


def judge_screen(expected: ScreenSeen, screen: Screen, package: str | None, activity: str | None) -> Verdict:
    """Whether the screen is the expected one. `package` and `activity` are what is in front, where that is known."""
    now = knowing.screen_seen(screen, package or expected.package, activity)
    if package is not None and package != expected.package:
        return Verdict(False, 0.0, f"{package} is in front, not {expected.package}")
    before, after = set(expected.keys), set(now.keys)
    for kind, words in ((knowing.OWNER, "a window of another app is in front"),
                        (knowing.DIALOG, "a dialog is in front, or the one that was has gone")):  # fmt: skip
        if _of(before, kind) != _of(after, kind):
            return Verdict(False, 0.0, words)
    if _of(before, knowing.TAB) and _of(after, knowing.TAB) and not _of(before & after, knowing.TAB):
        return Verdict(False, 0.0, "another tab is chosen")
    shared, missing, added = _worth(before & after), _worth(before - after), _worth(after - before)
    if not shared:
        return Verdict(False, 0.0, "it has nothing in common with the expected screen")
    score = shared / (shared + missing + ADDED * added)
    if expected.activity is not None and activity is not None:
        same = _activity(expected.activity, expected.package) == _activity(activity, expected.package)
        score = (1 - ACTIVITY) * score + ACTIVITY * same
    if score < THRESHOLD:
        gone, new = len(before - after), len(after - before)
        return Verdict(False, score, f"it is another screen: likeness {score:.3f} of at least {THRESHOLD} "
                                     f"({gone} of {len(before)} known parts are missing, {new} are new)")  # fmt: skip
    return Verdict(True, score, f"likeness {score:.3f}")


def _of(keys: set[str], kind: str) -> set[str]:
    return {key for key in keys if key.startswith(kind)}


def _worth(keys: set[str]) -> float:
    return sum(WEIGHTS.get(key[0], 0.0) for key in keys)


def _activity(name: str, package: str) -> str:
    return name.rpartition("/")[2].removeprefix(package)


# --- the element


def find_guarded(screen: Screen, target: Target | None, element: ElementSeen) -> Found | Miss:
    """The element that was seen, through `target`, else through its own targets, best first.

    A target that addresses something else, or nothing that can be touched, is passed over. A miss says why; its
    `matches` is 0 where the element is gone: nothing fits it, and no target addresses anything.
    """
    fitting = [node for node in screen.surface.nodes if _why_not(screen, element, node) is None]
    chosen = _chosen(screen, element, fitting)
    refused: list[str] = []
    missed: list[str] = []
    addressed = len(fitting)
    tried = [one for one in (target, *element.targets) if one is not None]
    for at, one in enumerate(tried):
        found = find(screen, one)
        if isinstance(found, Miss):
            missed.append(found.reason)
            addressed = max(addressed, found.matches)
            continue
        if found.node is None:
            missed.append("a point is no element")
            continue
        addressed = max(addressed, 1)
        why = _why_not(screen, element, found.node)
        if why is not None:
            refused.append(f"{one.words} is {name_of(screen, found.node)} now: {why}")
        elif isinstance(chosen, Miss):
            return chosen
        elif found.node is chosen.node:
            return Found(chosen, None if at == 0 else one)
    if isinstance(chosen, Miss) and fitting:
        return chosen
    return Miss([*refused, *missed, "nothing was said to find it by"][0], addressed)


def _chosen(screen: Screen, element: ElementSeen, fitting: list[Node]) -> Match | Miss:
    """The one of those that fit which is meant."""
    if not fitting:
        return Miss("nothing on the screen fits it")
    at = 0
    if len(fitting) > 1 or element.alike > 1:
        if len(fitting) != element.alike:
            return Miss(f"{len(fitting)} elements fit it, where {element.alike} did when it was seen", len(fitting))
        if any(node.position in screen.surface.rows for node in fitting):
            return Miss(f"nothing tells it from the {len(fitting) - 1} others like it in the list", len(fitting))
        at = element.place
    node = fitting[at]
    if not _is_known(screen, element, node):
        return Miss("it has no name, and stands elsewhere than it did", len(fitting))
    point = _touchable(screen, node)
    if point is None:
        return Miss("it is there, but something lies over it", len(fitting))
    return Match(point, node.bounds.clipped(screen.size).to_bounds(), node)


def _is_known(screen: Screen, element: ElementSeen, node: Node) -> bool:
    """Whether an id or a text says that it is the one; else it has to stand where it stood."""
    if element.alike == 1:
        if element.resource_id and node.resource_id == element.resource_id and not _passing_id(element.resource_id):
            return True
        words = (*traits.seen_words(element), element.label, *element.beside)
        if element.numbered or any(traits.identifies(text) for text in words):
            return True
    return traits.path(screen.surface, node)[-PATH_STEPS:] == element.path[-PATH_STEPS:]


def _passing_id(resource_id: str) -> bool:
    return is_obfuscated(resource_id) or is_generated(resource_id)


def _why_not(screen: Screen, element: ElementSeen, node: Node) -> str | None:
    """What speaks against its being the element; None for nothing."""
    if family(node.class_name) != family(element.element_type) or is_editable(node) != element.editable:
        return f"it is a {kind_of_node(node)}"
    if node.password != element.password:
        return "one is a password field and the other is not"
    if node.clickable != element.clickable:
        return "it takes taps" if node.clickable else "it takes no taps"
    why = _other_id(screen, element, node) or _other_words(screen, element, node)
    if why is not None:
        return why
    if node.position not in screen.sight.seen or not node.bounds.clipped(screen.size).area:
        return "it cannot be seen"
    return None


def _other_id(screen: Screen, element: ElementSeen, node: Node) -> str | None:
    before, now = element.resource_id or "", node.resource_id
    if before == now or (before and now and _passing_id(before) and _passing_id(now)):
        return None
    if before and now:
        return None if _is_renamed(screen, element, node) else f"its id is {node.id_name}"
    named = any(traits.identifies(text) for text in (*traits.seen_words(element), element.label))
    return None if named else "one has an id and the other has none"


def _is_renamed(screen: Screen, element: ElementSeen, node: Node) -> bool:
    """Whether the id is one that a release put in the place of the old one: the old one is gone from the screen, the
    element says on itself what it is, in words that do not stand on many buttons, and the new id does not speak of
    something that the old one did not, and that cannot be taken back."""
    own = [words for words in traits.seen_words(element) if traits.identifies(words)]
    if not own or all(words in _SAID_OF_MANY for words in own):
        return False
    if any(other.resource_id == element.resource_id for other in screen.tree):
        return False
    return not (_id_parts(node.id_name) & _GRAVE) - _id_parts((element.resource_id or "").rpartition("/")[2])


def _id_parts(name: str) -> set[str]:
    return {part.casefold() for part in _ID_PART.findall(name)}


def _other_words(screen: Screen, element: ElementSeen, node: Node) -> str | None:
    surface = screen.surface
    for before, now in zip(traits.seen_words(element), traits.own_words(node), strict=True):
        if before != now:
            return f'it says "{now}", not "{before}"' if now else f'it does not say "{before}"'
    if element.editable:
        name = traits.known_by(traits.field_label(surface, node))
        if name and element.label and name != traits.known_by(element.label) and element.label != element.text:
            return f'it is the field "{name}"'
    elif traits.known_by(traits.label(surface, node)) != traits.known_by(element.label):
        return f'it says "{traits.label(surface, node)}", not "{element.label}"'
    if element.numbered:
        text = "" if element.editable or element.password else squeezed(element.text or "")
        if traits.exact_words(surface, node) != (text, squeezed(element.content_desc or ""), element.label):
            return f'it is "{traits.label(surface, node)}" of several, not "{element.label}"'
    if element.beside:
        as_said = squeezed if element.numbered else traits.known_by
        said = {as_said(text) for text in traits.beside(surface, node)}
        lost = [text for text in element.beside if as_said(text) not in said]
        if lost:
            return f'"{lost[0]}" does not stand beside it'
    return None


def _touchable(screen: Screen, node: Node) -> Point | None:
    """Where a finger reaches it and nothing else: its middle, else the nearest such place of a coarse grid. What is
    scrolled is dragged over, whatever lies in it."""
    box = node.bounds.clipped(screen.size)
    over = [window.bounds for window in over_the_app(screen)]
    if node.position not in screen.sight.reached:
        return None
    first: Point | None = None
    parts = (0.5, 0.25, 0.75, 0.1, 0.9)
    for down in parts:
        for across in parts:
            point = Point(x=min(box.left + int(box.width * across), box.right - 1),
                          y=min(box.top + int(box.height * down), box.bottom - 1))  # fmt: skip
            if any(window.holds_point(point.x, point.y) for window in over):
                continue
            first = first or point
            hit = on_top(screen, point)
            if hit is None or hit is node or hit.position <= node.position < hit.end or not hit.is_actionable:
                return point
    return first if node.scrollable else None
