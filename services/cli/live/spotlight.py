"""What the phone of a run shows now, and where it is touched next: folded from the run's events. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from io import BytesIO

from PIL import Image, ImageDraw

from contracts.event import Event
from contracts.orchestrator import ActionRequested, StateAdded, StepFinished, TurnTaken
from contracts.values import Action, ObjectRef, Point, PressKey, Swipe, Touch, TypeInto
from services.cli.turns import drag_of
from services.orchestrator.decisions.trail import touched

FOLLOWED: tuple[type[Event], ...] = (StateAdded, TurnTaken, ActionRequested, StepFinished)
_RED = (220, 38, 38)
_NAMES = 2_000
_QUALITY = 80


@dataclass(frozen=True)
class Spotlight:
    """`picture` is what was seen last; `point` where the finger comes down on it now, `end` where it leaves it."""

    picture: ObjectRef | None = None
    point: Point | None = None
    end: Point | None = None
    screen: str = ""
    doing: str = ""
    step: int = 0
    names: dict[str, str] = field(default_factory=dict)
    """Names of the screens of states."""


def evolve(shown: Spotlight, event: Event) -> Spotlight:
    """After an event of the run."""
    match event:
        case StateAdded():
            names = {**shown.names, event.state_id: event.screen_name}
            while len(names) > _NAMES:
                names.pop(next(iter(names)))
            return replace(shown, names=names)
        case TurnTaken():
            return _turned(shown, event)
        case ActionRequested(turn=turn) if turn is not None and shown.point is not None:
            return replace(shown, step=event.sequence)
        case ActionRequested():
            point, end = places_of(event.action)
            doing = f"{event.purpose.lower()}: {event.action.type.lower()}"
            return replace(shown, step=event.sequence, point=point, end=end, doing=doing)
        case StepFinished():
            screen = shown.names.get(event.to_state or "", shown.screen)
            doing = event.outcome.replace("_", " ").lower()
            picture = event.screenshot or shown.picture
            return replace(shown, picture=picture, point=None, end=None, screen=screen, doing=doing)
        case _:
            return shown


def _turned(shown: Spotlight, event: TurnTaken) -> Spotlight:
    """The model has said where; the action that follows finds its place on the phone anew."""
    acts = event.verdict in {"ACT", "ASK"}
    drag = drag_of(event) if acts else None
    point = (event.point or (None if drag is None else drag.start)) if acts else None
    picture = event.screenshot or shown.picture
    return replace(shown, picture=picture, point=point, end=None if drag is None else drag.end, doing=event.words)


def places_of(action: Action) -> tuple[Point | None, Point | None]:
    """Where the finger comes down and leaves; of what is found on the phone only later, where it was seen before."""
    if isinstance(action, Touch | TypeInto | Swipe | PressKey):
        element = None if action.guard is None else action.guard.element
        return (None if element is None else element.bounds.centre), None
    return touched(action)


def drawn(png: bytes, shown: Spotlight, width_px: int, kind: str = "PNG") -> bytes | None:
    """The picture at most `width_px` wide with the touched point on it; None for bytes that are no picture."""
    try:
        with Image.open(BytesIO(png)) as image:
            factor = min(width_px / image.width, 1.0)
            size = (max(round(image.width * factor), 1), max(round(image.height * factor), 1))
            small = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if shown.point is not None:
        _mark(small, shown.point, shown.end, factor)
    out = BytesIO()
    small.save(out, kind, quality=_QUALITY)
    return out.getvalue()


def _mark(image: Image.Image, point: Point, end: Point | None, factor: float) -> None:
    canvas, radius = ImageDraw.Draw(image), max(image.width // 20, 4)
    x, y = point.x * factor, point.y * factor
    if end is not None:
        canvas.line((x, y, end.x * factor, end.y * factor), fill=_RED, width=max(radius // 3, 2))
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), outline=_RED, width=max(radius // 3, 2))
