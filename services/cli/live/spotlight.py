"""What the phone of a run shows now, and where it is touched next: folded from the run's events. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from io import BytesIO

from PIL import Image, ImageDraw

from contracts.event import Event
from contracts.orchestrator import ActionRequested, StateAdded, StepFinished
from contracts.values import ObjectRef, Point
from services.orchestrator.decisions.trail import touched

FOLLOWED: tuple[type[Event], ...] = (StateAdded, ActionRequested, StepFinished)
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
        case ActionRequested():
            point, end = touched(event.action)
            doing = f"{event.purpose.lower()}: {event.action.type.lower()}"
            return replace(shown, step=event.sequence, point=point, end=end, doing=doing)
        case StepFinished():
            screen = shown.names.get(event.to_state or "", shown.screen)
            doing = event.outcome.replace("_", " ").lower()
            picture = event.screenshot or shown.picture
            return replace(shown, picture=picture, point=None, end=None, screen=screen, doing=doing)
        case _:
            return shown


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
