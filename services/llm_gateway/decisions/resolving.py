"""What an answer means on the screen that it is about: a point becomes the element that it means, a number the element
that was listed under it. What means nothing is said in words that the model can act on, and is never guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Final, assert_never

from contracts.values import (
    AnyIntent,
    AskPerson,
    CallApi,
    ElementSeen,
    Finish,
    LaunchApp,
    Point,
    Press,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TurnRead,
    TypeText,
    WaitFor,
)
from services.hierarchy.geometry import Rect
from services.hierarchy.kinds import kind_of_node
from services.hierarchy.knowing import element_seen, screen_seen
from services.hierarchy.node import Node
from services.hierarchy.snapping import Snapped, snap, takes_part
from services.hierarchy.targets import Screen, focused_field
from services.llm_gateway.decisions.observation import Sight
from services.llm_gateway.decisions.screen_texts import one_line
from services.llm_gateway.grammars.shown import Misread, Spoken

_THINKING_CHARS: Final = 4_000
_SURFACES: Final = ("SurfaceView", "TextureView", "WebView", "FlutterView", "MapView")
_NAMED: Final = 3
"""Elements that a miss tells of."""
_TEXTS: Final = 60
_TEXT_CHARS: Final = 120
_SURFACE_PART: Final = 4
"""A surface takes up a quarter of the screen at least."""
_BLIND: Final = (
    "Nothing can be seen of this screen, so a point or an element means nothing. Press a key, wait, start an app, or"
    " ask a person."
)


@dataclass(frozen=True)
class _Place:
    """Where something is to be done, and on what; without an element where the screen names none."""

    point: Point
    element: ElementSeen | None = None


@dataclass(frozen=True)
class _Nowhere:
    """Why what was answered cannot be done. `off_target`: it was understood, and points at nothing."""

    reason: str
    off_target: bool = True


def resolve(spoken: Spoken | Misread, sight: Sight, package: str, activity: str | None) -> TurnRead:
    """What is to be done, on the elements that are meant; or why the answer means nothing."""
    seen = None if sight.screen is None else screen_seen(sight.screen, package, activity)
    thinking = spoken.thinking[:_THINKING_CHARS]
    if isinstance(spoken, Misread):
        return TurnRead(thinking=thinking, misread=spoken.reason, screen=seen)
    meant = _meant(spoken, sight)
    if isinstance(meant, _Nowhere):
        return TurnRead(thinking=thinking, misread=meant.reason, off_target=meant.off_target, screen=seen)
    return TurnRead(thinking=thinking, intent=meant, screen=seen, texts=_texts(sight.screen))


def _texts(screen: Screen | None) -> tuple[str, ...]:
    """What the screen says in sight, once each: whether an action is sensitive may depend on it."""
    if screen is None:
        return ()
    seen = (node for node in screen.tree if node.position in screen.sight.seen and not node.password)
    said = dict.fromkeys(text for node in seen if (text := one_line(node.text or node.content_desc, _TEXT_CHARS)))
    return tuple(said)[:_TEXTS]


def _meant(spoken: Spoken, sight: Sight) -> AnyIntent | _Nowhere:
    intent = spoken.intent
    match intent:
        case TapAt():
            place = _place(sight, intent.point, spoken.number)
            if isinstance(place, _Nowhere):
                return place
            return intent.model_copy(update={"point": place.point, "element": place.element})
        case TypeText():
            return _typed(intent, sight, spoken.number)
        case SwipeTo():
            return _swiped(intent, sight)
        case LaunchApp() | Press() | WaitFor() | TakeOver() | TakeNote() | CallApi() | AskPerson() | Finish():
            return intent
        case _:
            assert_never(intent)


def _typed(intent: TypeText, sight: Sight, number: int | None) -> AnyIntent | _Nowhere:
    if sight.blind:
        return _Nowhere(_BLIND, off_target=False)
    if intent.point is None and number is None:
        field = None if sight.screen is None else focused_field(sight.screen)
        element = None if field is None or sight.screen is None else element_seen(sight.screen, field)
        return intent.model_copy(update={"element": element if element is not None and element.editable else None})
    place = _place(sight, intent.point, number)
    if isinstance(place, _Nowhere):
        return place
    return intent.model_copy(update={"point": place.point, "element": place.element})


def _swiped(intent: SwipeTo, sight: Sight) -> AnyIntent | _Nowhere:
    """A drag may end beyond the edge, as a finger does; it begins on the screen."""
    if sight.blind:
        return _Nowhere(_BLIND, off_target=False)
    screen = sight.screen
    if screen is None:
        return intent
    if not screen.size.holds_point(intent.start.x, intent.start.y):
        return _Nowhere(_outside(intent.start, screen.size))
    scrolled = _scrollable_below(screen, intent.start)
    end = Point(
        x=min(max(intent.end.x, screen.size.left), screen.size.right - 1),
        y=min(max(intent.end.y, screen.size.top), screen.size.bottom - 1),
    )
    within = None if scrolled is None else element_seen(screen, scrolled)
    return intent.model_copy(update={"end": end, "within": within})


def _place(sight: Sight, point: Point | None, number: int | None) -> _Place | _Nowhere:
    screen = sight.screen
    if sight.blind:
        return _Nowhere(_BLIND, off_target=False)
    if number is not None and screen is not None and sight.listing is not None:
        node = sight.listing.node(number)
        if node is None:
            last = len(sight.listing.lines)
            return _Nowhere(f"There is no element {number} in the list: its numbers go from 1 to {last}.")
        return _Place(node.bounds.clipped(screen.size).to_bounds().centre, element_seen(screen, node))
    if point is None:
        return _Nowhere("It names no place on the screen.")
    if screen is None:
        return _Place(point)
    if not screen.size.holds_point(point.x, point.y):
        return _Nowhere(_outside(point, screen.size))
    snapped = snap(screen, point)
    if isinstance(snapped, Snapped):
        return _Place(snapped.point, element_seen(screen, snapped.node))
    return _Place(point) if _draws_itself(screen, point) else _Nowhere(_missed(sight, screen, point))


def _missed(sight: Sight, screen: Screen, point: Point) -> str:
    """What is near, by kind, number and place; without what the screen says, because the model is told this as words of
    ours."""
    there = [] if sight.listing is None else list(enumerate(sight.listing.nodes, 1))
    acting = [(number, node) for number, node in there if takes_part(screen, node)]
    acting.sort(key=lambda one: (_distance(one[1].bounds.clipped(screen.size), point), one[0]))
    near = []
    for number, node in acting[:_NAMED]:
        centre = node.bounds.clipped(screen.size).to_bounds().centre
        listed = f", number {number} in the list," if sight.shows_listing else ""
        near.append(f"{kind_of_node(node)}{listed} at ({centre.x}, {centre.y})")
    what = f"Near it: {'; '.join(near)}." if near else "Nothing on this screen can be acted on."
    return f"There is nothing to act on at ({point.x}, {point.y}) in pixels of the screen. {what}"


def _distance(box: Rect, point: Point) -> float:
    across = max(box.left - point.x, 0, point.x - (box.right - 1))
    along = max(box.top - point.y, 0, point.y - (box.bottom - 1))
    return hypot(across, along)


def _draws_itself(screen: Screen, point: Point) -> bool:
    """Whether what is on top there is a surface that a game, a map or a web page paints: what takes taps on it, no
    hierarchy tells."""
    here = [n for n in screen.tree if n.position in screen.sight.seen and n.bounds.holds_point(point.x, point.y)]
    if not here or here[-1].children:
        return False
    top = here[-1]
    is_surface = top.short_class == "View" or top.short_class.endswith(_SURFACES)
    return is_surface and top.bounds.clipped(screen.size).area * _SURFACE_PART >= screen.size.area


def _scrollable_below(screen: Screen, point: Point) -> Node | None:
    """The innermost element in sight that scrolls and holds the point."""
    found = [
        node
        for node in screen.tree
        if node.scrollable and node.position in screen.sight.seen and node.bounds.holds_point(point.x, point.y)
    ]
    return min(found, key=lambda node: (node.bounds.area, -node.position), default=None)


def _outside(point: Point, size: Rect) -> str:
    return (
        f"The point ({point.x}, {point.y}) lies outside of the screen, which has {size.width} by {size.height} pixels."
    )
