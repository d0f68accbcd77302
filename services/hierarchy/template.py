"""Finds a small picture on a screenshot: what an IMAGE_TEMPLATE locator means.

Normalised cross-correlation on grey values, so brightness and contrast do not matter. First where the element was seen,
then, coarsely by Fourier transform and finely around the best places, everywhere. The cost is bounded by sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.hierarchy.errors import LocatorError
from services.hierarchy.geometry import Rect

THRESHOLD: Final = 0.9
"""Least score of a match. Antialiasing and a pressed state stay above it, other icons of a set below (tested)."""

AMBIGUITY_MARGIN: Final = 0.03
_COARSE_PX: Final = 300_000
_MIN_SIDE_PX: Final = 8
_MIN_COARSE_SIDE_PX: Final = 6
_MAX_SCREEN_PX: Final = 25_000_000
_MAX_PLACES: Final = 8
_NEAR_PX: Final = 6
_FLAT: Final = 4.0

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """Where the template is, how well it fits (-1..1), and whether another place fits nearly as well."""

    bounds: Rect
    score: float
    is_ambiguous: bool = False


def find(screen: Image.Image, template: Image.Image, expected: Rect | None = None) -> Match | None:
    """The best match on the screen, None below THRESHOLD.

    `expected` is where the element was seen: a match there ends the search. Raises LocatorError for a template that can
    not be told from its surroundings (too small, one colour, larger than the screen) and for a screen of absurd size.
    """
    if screen.width * screen.height > _MAX_SCREEN_PX:
        raise LocatorError(f"the screenshot has {screen.width}x{screen.height} pixels, more than can be searched")
    if min(template.size) < _MIN_SIDE_PX or template.width > screen.width or template.height > screen.height:
        raise LocatorError(
            f"a template of {template.width}x{template.height} pixels cannot be looked for: crop it anew"
        )
    wanted = _grey(template)
    if float(wanted.std()) < _FLAT:
        raise LocatorError("the template is of one colour: nothing tells it from its surroundings")
    if expected is not None and _is_at(screen, template, expected):
        return Match(_placed(template, expected), 1.0)
    picture = _grey(screen)
    if expected is not None:
        near = _best_near(picture, wanted, expected.left, expected.top, _NEAR_PX)
        if near is not None and near.score >= THRESHOLD:
            return near
    return _everywhere(picture, wanted)


def _is_at(screen: Image.Image, template: Image.Image, expected: Rect) -> bool:
    """Whether the template is there pixel by pixel, as on most screens: a thousandth of the work of a correlation."""
    place = _placed(template, expected)
    if place.clipped(Rect(0, 0, screen.width, screen.height)) != place:
        return False
    return screen.crop(place).convert("RGB").tobytes() == template.convert("RGB").tobytes()


def _placed(template: Image.Image, expected: Rect) -> Rect:
    return Rect(expected.left, expected.top, expected.left + template.width, expected.top + template.height)


def _grey(image: Image.Image) -> Grey:
    return np.asarray(image.convert("L"), dtype=np.float32)


def _everywhere(picture: Grey, wanted: Grey) -> Match | None:
    factor = max(1, int(np.ceil(np.sqrt(picture.size / _COARSE_PX))))
    factor = max(1, min(factor, min(wanted.shape) // _MIN_COARSE_SIDE_PX))
    scores = _correlation(_shrunk(picture, factor), _shrunk(wanted, factor))
    matches: list[Match] = []
    for _ in range(_MAX_PLACES):
        y, x = (int(at) for at in np.unravel_index(int(np.argmax(scores)), scores.shape))
        if scores[y, x] < THRESHOLD / 2:
            break
        found = _best_near(picture, wanted, x * factor, y * factor, factor + 1)
        if found is not None:
            matches.append(found)
        reach_y, reach_x = max(1, wanted.shape[0] // factor // 2), max(1, wanted.shape[1] // factor // 2)
        scores[max(0, y - reach_y) : y + reach_y + 1, max(0, x - reach_x) : x + reach_x + 1] = -1
    matches.sort(key=lambda match: -match.score)
    if not matches or matches[0].score < THRESHOLD:
        return None
    best = matches[0]
    rival = matches[1].score if len(matches) > 1 else -1.0
    return Match(best.bounds, best.score, best.score - rival < AMBIGUITY_MARGIN)


def _shrunk(image: Grey, factor: int) -> Grey:
    if factor == 1:
        return image
    height, width = image.shape[0] // factor * factor, image.shape[1] // factor * factor
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
    means: Grey = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _correlation(picture: Grey, wanted: Grey) -> Grey:
    """Scores for every place of the template's top left corner.

    The transforms have the picture's size: what wraps around its edges falls on places that stick out of it anyway.
    """
    height, width = wanted.shape
    zero_mean = wanted - wanted.mean()
    shape = picture.shape
    spectrum = np.fft.rfft2(picture, shape) * np.fft.rfft2(zero_mean[::-1, ::-1], shape)
    product = np.fft.irfft2(spectrum, shape)[height - 1 : picture.shape[0], width - 1 : picture.shape[1]]
    spread = _window_sum(picture.astype(np.float64) ** 2, height, width)
    spread -= _window_sum(picture.astype(np.float64), height, width) ** 2 / wanted.size
    norm = np.sqrt(np.maximum(spread, 0.0) * float((zero_mean.astype(np.float64) ** 2).sum()))
    flat = norm < _FLAT * wanted.size
    scores: Grey = np.where(flat, -1.0, product / np.where(flat, 1.0, norm)).astype(np.float32)
    return scores


def _window_sum(values: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found: npt.NDArray[np.float64] = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    return found


def _best_near(picture: Grey, wanted: Grey, left: int, top: int, reach: int) -> Match | None:
    """The best place within `reach` pixels of a corner."""
    height, width = wanted.shape
    x0, y0 = max(0, left - reach), max(0, top - reach)
    x1, y1 = min(picture.shape[1], left + width + reach), min(picture.shape[0], top + height + reach)
    part = picture[y0:y1, x0:x1]
    if part.shape[0] < height or part.shape[1] < width:
        return None
    scores = _correlation(part, wanted)
    y, x = (int(at) for at in np.unravel_index(int(np.argmax(scores)), scores.shape))
    return Match(Rect(x0 + x, y0 + y, x0 + x + width, y0 + y + height), float(scores[y, x]))
