"""What can be tried in a state, in the order in which exploring it pays.

BACK is not here: it belongs to the orchestrator. Keyboards and system bars have no gestures, because the surface leaves
them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, Literal

from contracts.values import ActionType, Bounds, Gesture
from services.hierarchy.geometry import Rect
from services.hierarchy.labels import is_editable, spoken_label
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface, is_pager
from services.screen_indexer.elements import element_hash

MAX_GESTURES: Final = 200
_MAX_FALLBACK: Final = 10
_MIN_TAP_PX: Final = 4
_SAME_BOX: Final = 0.9

InputKind = Literal["TEXT", "NUMBER", "PHONE", "EMAIL", "PASSWORD", "SEARCH", "DATE", "URL"]
Direction = Literal["UP", "DOWN", "LEFT", "RIGHT"]

_DESTRUCTIVE: Final = re.compile(
    r"log\s?-?out|sign\s?-?out|delete|remove|erase|uninstall|deactivate|unsubscribe|format|reset|clear\s(?:all|data|history)"
    r"|close account|退出|登出|注销|删除|移除|清空|清除|卸载|重置|解绑|格式化|sign_out|log_out|exit",
    re.IGNORECASE,
)
_LEAVING: Final = re.compile(
    r"^(?:navigate up|back|close|cancel|collapse|dismiss|done|返回|关闭|取消|转到上一层级)$|_back$|home_as_up",
    re.IGNORECASE,
)
_OUTSIDE: Final = re.compile(
    r"facebook|google|twitter|share|rate us|play store|browser|privacy|terms|分享|评分|隐私|协议|微信|微博",
    re.IGNORECASE,
)
_INPUT_KINDS: Final[dict[InputKind, re.Pattern[str]]] = {
    "PASSWORD": re.compile(r"passw|\bpwd|\bpin\b|密码|口令", re.IGNORECASE),
    "EMAIL": re.compile(r"e-?mail|邮箱|邮件|@", re.IGNORECASE),
    "SEARCH": re.compile(r"search|find\b|query|搜索|查找|查询|搜一搜", re.IGNORECASE),
    "URL": re.compile(r"\burl\b|website|web address|https?:|link|网址|链接", re.IGNORECASE),
    "PHONE": re.compile(r"phone|mobile|\btel\b|手机|电话", re.IGNORECASE),
    "DATE": re.compile(r"\bdate|birth|dd[/.-]mm|yyyy|日期|生日|出生|时间", re.IGNORECASE),
    "NUMBER": re.compile(
        r"amount|number|quantity|\bqty|price|\bage\b|code|zip|postal|\botp|数量|金额|价格|年龄|验证码|编号|数字|邮编",
        re.IGNORECASE,
    ),
}
"""What gives a field away, the strongest clue first."""


def gestures_of(surface: Surface, nodes: list[Node]) -> tuple[Gesture, ...]:
    """Gestures on the elements in reach, the most promising first, at most MAX_GESTURES, each id once."""
    found: dict[str, Gesture] = {}
    parts = _parts_of_rows(surface, nodes)
    twins = _later_twins(parts)
    for node in _tappable(surface, nodes):
        for gesture in _on_node(surface, node, twins):
            group = _group(parts[node.position], gesture) if node.position in parts else None
            found.setdefault(gesture.gesture_id, gesture.model_copy(update={"group": group}))
    for node in nodes:
        if node.scrollable and node.enabled and node.position in surface.sight.seen:
            for gesture in _scrolls(surface, node):
                found.setdefault(gesture.gesture_id, gesture)
    if not any(gesture.action_type is not ActionType.SCROLL for gesture in found.values()):
        for gesture in _fallback(surface):
            found.setdefault(gesture.gesture_id, gesture)
    ordered = sorted(found.values(), key=lambda gesture: -gesture.weight)
    return tuple(ordered[:MAX_GESTURES])


def _tappable(surface: Surface, nodes: list[Node]) -> list[Node]:
    """Enabled elements in reach; of nested ones with nearly the same box only the innermost, which gets the tap."""
    touched = [
        node for node in nodes
        if node.enabled and node.position in surface.sight.reached
        and (node.clickable or node.long_clickable or node.checkable or is_editable(node))
    ]  # fmt: skip
    kept: list[Node] = []
    for at, node in enumerate(touched):
        inner = touched[at + 1] if at + 1 < len(touched) else None
        is_wrapped = inner is not None and inner.position < node.end
        if is_wrapped and inner is not None and inner.bounds.clipped(node.bounds).area >= _SAME_BOX * node.bounds.area:
            continue
        kept.append(node)
    return kept


def _on_node(surface: Surface, node: Node, twins: frozenset[int]) -> Iterator[Gesture]:
    area = _tap_area(surface, node)
    if area is None:
        return
    weight = _weight(surface, node, twins)
    if is_editable(node):
        yield _gesture(surface, node, ActionType.INPUT, area, weight + 15, input_kind=input_kind(surface, node))
        yield _gesture(surface, node, ActionType.CLICK, area, weight - 25)
        return
    if node.clickable or node.checkable:
        yield _gesture(surface, node, ActionType.CLICK, area, weight)
    if node.long_clickable and node.position not in twins:
        yield _gesture(surface, node, ActionType.CLICK, area, weight - 35, press="LONG")


def _gesture(
    surface: Surface,
    node: Node,
    action: ActionType,
    area: Bounds,
    weight: int,
    *,
    press: Literal["TAP", "LONG"] = "TAP",
    direction: Direction | None = None,
    input_kind: InputKind | None = None,
    guess: bool = False,
) -> Gesture:
    element = element_hash(surface, node)
    name = f"{element}|{action}|{press}|{direction or ''}"
    return Gesture(
        gesture_id=blake2b(name.encode(), digest_size=12).hexdigest(),
        action_type=action,
        element_hash=element,
        label=spoken_label(surface.tree, node) or node.id_name or node.short_class,
        resource_id=node.resource_id or None,
        bounds=area,
        press=press,
        direction=direction,
        input_kind=input_kind,
        weight=weight,
        guess=guess,
    )


def _tap_area(surface: Surface, node: Node) -> Bounds | None:
    """The part of the element to tap in the middle of: on the screen, and not taken by a control inside it."""
    box = node.bounds.clipped(surface.screen)
    if min(box.width, box.height) < _MIN_TAP_PX:
        return None
    for below in surface.tree.descendants(node):
        inner = below.bounds.clipped(box)
        takes = (below.clickable or is_editable(below)) and below.position in surface.sight.seen
        if takes and inner.area and inner.holds_point((box.left + box.right) // 2, (box.top + box.bottom) // 2):
            box = _largest_strip(box, inner)
            if min(box.width, box.height) < _MIN_TAP_PX:
                return None
    return box.to_bounds()


def _largest_strip(box: Rect, taken: Rect) -> Rect:
    strips = (
        Rect(box.left, box.top, taken.left, box.bottom),
        Rect(taken.right, box.top, box.right, box.bottom),
        Rect(box.left, box.top, box.right, taken.top),
        Rect(box.left, taken.bottom, box.right, box.bottom),
    )
    return max(strips, key=lambda strip: strip.area)


def _weight(surface: Surface, node: Node, twins: frozenset[int]) -> int:
    """0 to 100: controls of a dialog first, then content, rows alike and leaving late, what destroys last."""
    label = f"{spoken_label(surface.tree, node)} {node.id_name}".strip()
    if _DESTRUCTIVE.search(label):
        return 5
    weight = 60
    if surface.is_dialog:
        weight += 30
    if node.position in twins:
        weight -= 30
    if _LEAVING.search(spoken_label(surface.tree, node)) or _LEAVING.search(node.id_name):
        weight -= 25
    elif _OUTSIDE.search(label):
        weight -= 15
    return weight


_Part = tuple[int, str, str, str, str]
"""The list (position and name), the shape of its row, and the class and id of the part."""


def _parts_of_rows(surface: Surface, nodes: list[Node]) -> dict[int, _Part]:
    """What elements in rows of lists are parts of, by their position."""
    parts: dict[int, _Part] = {}
    for node in nodes:
        row = surface.rows.get(node.position)
        if row is not None:
            top, inside = surface.tree.nodes[row], surface.lists[row]
            shape = top.class_name + top.resource_id
            name = surface.tree.nodes[inside].class_name + surface.tree.nodes[inside].resource_id
            parts[node.position] = (inside, name, shape, node.class_name, node.resource_id)
    return parts


def _later_twins(parts: dict[int, _Part]) -> frozenset[int]:
    """Elements in rows of a list that repeat an earlier row: same place and kind in a row of the same shape."""
    seen: set[_Part] = set()
    twins: set[int] = set()
    for position, part in parts.items():
        if part in seen:
            twins.add(position)
        seen.add(part)
    return frozenset(twins)


def _group(part: _Part, gesture: Gesture) -> str:
    """The same in every state of a screen: the list's position is left out, since it moves with what is above it."""
    name = "|".join((*part[1:], gesture.action_type, gesture.press))
    return blake2b(name.encode(), digest_size=6).hexdigest()


def input_kind(surface: Surface, node: Node) -> InputKind:
    """What a field wants, from its flag, hint, id, description and the label before it, in English or Chinese."""
    if node.password:
        return "PASSWORD"
    clues = " ".join(
        (node.hint, node.id_name.replace("_", " "), node.content_desc, node.text, spoken_label(surface.tree, node))
    )
    for kind, pattern in _INPUT_KINDS.items():
        if pattern.search(clues):
            return kind
    return "TEXT"


def _scrolls(surface: Surface, node: Node) -> Iterator[Gesture]:
    """Directions by shape and class: pagers and strips sideways, everything else down and up."""
    box = node.bounds.clipped(surface.screen)
    if min(box.width, box.height) < 2 * _MIN_TAP_PX:
        return
    sideways = "Horizontal" in node.class_name or is_pager(node) or _lies_in_a_line(node) or box.width > 3 * box.height
    directions: tuple[Direction, Direction] = ("RIGHT", "LEFT") if sideways else ("DOWN", "UP")
    for rank, direction in enumerate(directions):
        weight = 40 - 20 * rank
        yield _gesture(surface, node, ActionType.SCROLL, box.to_bounds(), weight, direction=direction)


def _lies_in_a_line(node: Node) -> bool:
    children = [child for child in node.children if child.bounds.area]
    return len(children) > 1 and len({child.bounds.top for child in children}) == 1


def _fallback(surface: Surface) -> Iterator[Gesture]:
    """A screen where nothing says that it takes taps (games, old lists): its labels are worth a try."""
    tried = 0
    for node in surface.seen():
        if (node.text.strip() or node.content_desc.strip()) and node.enabled and tried < _MAX_FALLBACK:
            tried += 1
            area = node.bounds.clipped(surface.screen).to_bounds()
            yield _gesture(surface, node, ActionType.CLICK, area, 10, guess=True)
