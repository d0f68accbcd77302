"""Tries locators on what was captured. Pure: a capture and the locators in, verdicts out.

The meaning of each kind of check: EXISTENCE, the locator addresses exactly one element. VISIBILITY, that element can be
seen on the screen. HIGHLIGHT, the same, with a picture in which the element is framed, for a person to look at. CLICK
cannot be told by looking; the taps of a run are those checks.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from PIL import Image, ImageDraw

from contracts.values import Bounds, LocatorCheck, Strategy, ValidationStatus, ValidationType
from services.hierarchy import template
from services.hierarchy.errors import HierarchyError, LocatorError
from services.hierarchy.geometry import Rect, from_bounds
from services.hierarchy.locators import evaluate
from services.hierarchy.node import Tree
from services.hierarchy.parse import parse
from services.hierarchy.visibility import Sight, look

FRAME_COLOUR = (230, 0, 76)
FRAME_WIDTH_PX = 6
FRAME_GAP_PX = 4
HIGHLIGHT_WIDTH_PX = 540
"""A highlight is shown to people: down to this width whole pixels are merged, which costs a quarter to encode."""


@dataclass(frozen=True)
class CheckResult:
    """The verdict on one locator. `bounds` is where the element was found, `note` says why a check did not pass.

    RETRY: the capture lacks what the check needs, another capture may have it. SKIPPED: it cannot be checked this way.
    """

    candidate_id: str
    validation_type: ValidationType
    status: ValidationStatus
    latency_ms: float
    bounds: Bounds | None = None
    note: str = ""
    picture: bytes | None = None
    """PNG with the element framed, for HIGHLIGHT that passed; half the size or less of a large screen."""


@dataclass(frozen=True)
class Seen:
    """What locators are tried on. Without a hierarchy or a picture, `hierarchy_lacks` or `picture_lacks` says why."""

    hierarchy: str | bytes | None
    png: bytes | None
    width: int | None
    height: int | None
    hierarchy_lacks: str = ""
    picture_lacks: str = ""


def check_all(
    checks: Sequence[LocatorCheck],
    seen: Seen,
    templates: Mapping[str, bytes] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[CheckResult]:
    """Tries each locator, in order. `templates` holds the PNG of each IMAGE_TEMPLATE by candidate id.

    Decodes pictures, so call it in a thread where that would hold up others.
    """
    screen = _Screen(seen, templates or {})
    results = []
    for item in checks:
        begun_s = clock()
        verdict = screen.check(item)
        results.append(
            CheckResult(
                candidate_id=item.candidate_id,
                validation_type=item.validation_type,
                status=verdict.status,
                latency_ms=(clock() - begun_s) * 1e3,
                bounds=None if verdict.box is None else verdict.box.to_bounds(),
                note=verdict.note,
                picture=verdict.picture,
            )
        )
    return results


@dataclass(frozen=True)
class _Verdict:
    status: ValidationStatus
    note: str = ""
    box: Rect | None = None
    picture: bytes | None = None


class _NotFoundError(Exception):
    """The locator addresses no element, or several."""


class _LackingError(Exception):
    """The capture lacks what the check needs."""


class _Screen:
    """A capture with what several checks share: the tree, what is visible, the decoded picture."""

    def __init__(self, seen: Seen, templates: Mapping[str, bytes]) -> None:
        self._seen, self._templates = seen, templates
        self._tree: Tree | None = None
        self._sight: Sight | None = None
        self._image: Image.Image | None = None
        self._small: tuple[Image.Image, int] | None = None

    def check(self, item: LocatorCheck) -> _Verdict:
        if item.validation_type is ValidationType.CLICK:
            return _Verdict(ValidationStatus.SKIPPED, "a click is checked by tapping, not by looking")
        try:
            box, visible = self._find(item)
        except _LackingError as error:
            return _Verdict(ValidationStatus.RETRY, str(error))
        except (_NotFoundError, LocatorError) as error:
            return _Verdict(ValidationStatus.FAILED, str(error))
        note = "" if box.clipped(from_bounds(item.expected)).area else f"found elsewhere: {box.to_text()}"
        match item.validation_type:
            case ValidationType.EXISTENCE:
                return _Verdict(ValidationStatus.PASSED, note, box)
            case ValidationType.VISIBILITY if visible:
                return _Verdict(ValidationStatus.PASSED, note, box)
            case ValidationType.HIGHLIGHT if visible and self._seen.png is None:
                return _Verdict(ValidationStatus.SKIPPED, f"there is no picture: {self._seen.picture_lacks}", box)
            case ValidationType.HIGHLIGHT if visible:
                return _Verdict(ValidationStatus.PASSED, note, box, self._framed(box))
            case ValidationType.VISIBILITY | ValidationType.HIGHLIGHT:
                return _Verdict(ValidationStatus.FAILED, f"not visible: {box.to_text()}", box)
            case _:
                assert_never(item.validation_type)

    def _find(self, item: LocatorCheck) -> tuple[Rect, bool]:
        """Where the one element is, and whether it can be seen."""
        if item.strategy is Strategy.IMAGE_TEMPLATE:
            return self._find_picture(item), True
        tree = self._parsed()
        nodes = evaluate(tree, item.strategy, item.locator_value)
        if len(nodes) != 1:
            raise _NotFoundError("no element matches" if not nodes else f"{len(nodes)} elements match, not one")
        if self._sight is None:
            screen = Rect(0, 0, self._seen.width or 0, self._seen.height or 0)
            self._sight = look(tree, screen if screen.area else tree.extent)
        return nodes[0].bounds, nodes[0].position in self._sight.seen

    def _find_picture(self, item: LocatorCheck) -> Rect:
        wanted = self._templates.get(item.candidate_id)
        if wanted is None:
            raise _LackingError("the template's picture was not loaded")
        try:
            with Image.open(io.BytesIO(wanted)) as picture:
                template_image = picture.convert("RGB")
        except (OSError, Image.DecompressionBombError) as error:
            raise LocatorError(f"the template is no picture: {error}") from error
        match = template.find(self._decoded(), template_image, from_bounds(item.expected))
        if match is None:
            raise _NotFoundError("the picture is not on the screen")
        if match.is_ambiguous:
            raise _NotFoundError("the picture is on the screen more than once")
        return match.bounds

    def _parsed(self) -> Tree:
        if self._tree is None:
            if self._seen.hierarchy is None:
                raise _LackingError(f"there is no hierarchy: {self._seen.hierarchy_lacks}")
            try:
                self._tree = parse(self._seen.hierarchy)
            except HierarchyError as error:
                raise _LackingError(str(error)) from error
        return self._tree

    def _decoded(self) -> Image.Image:
        if self._image is None:
            if self._seen.png is None:
                raise _LackingError(f"there is no picture: {self._seen.picture_lacks}")
            with Image.open(io.BytesIO(self._seen.png)) as picture:
                self._image = picture.convert("RGB")
        return self._image

    def _framed(self, box: Rect) -> bytes:
        small, factor = self._shrunk()
        image = small.copy()
        gap = FRAME_GAP_PX + FRAME_WIDTH_PX
        left, top, right, bottom = (edge // factor for edge in (box.left, box.top, box.right, box.bottom))
        frame = Rect(left - gap, top - gap, right + gap, bottom + gap).clipped(Rect(0, 0, image.width, image.height))
        ImageDraw.Draw(image).rectangle(
            (frame.left, frame.top, frame.right - 1, frame.bottom - 1), outline=FRAME_COLOUR, width=FRAME_WIDTH_PX
        )
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _shrunk(self) -> tuple[Image.Image, int]:
        """The picture as highlights show it, and how many of its pixels became one."""
        if self._small is None:
            image = self._decoded()
            factor = max(min(image.width, image.height) // HIGHLIGHT_WIDTH_PX, 1)
            self._small = (image.reduce(factor), factor)
        return self._small
