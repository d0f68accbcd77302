"""What a model is shown of a screen: the picture, the list of its elements, or both; and what is said of a part that is
not there. Never a stand-in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from contracts.configs import LlmConfig
from contracts.values import Bounds
from services.hierarchy.listing import Listing
from services.hierarchy.targets import Screen

LISTED: Final = 120
"""Elements that are listed at most."""

_PICTURE_ABSENT: Final[Mapping[str, str]] = {
    "SECURE": "the app forbids pictures of this screen",
    "BLACK": "the picture is black all over, which says nothing of the screen",
    "TRUNCATED": "the picture arrived incomplete",
    "UNAVAILABLE": "the phone gave no picture",
    "MISSING": "the picture is not kept any more",
    "UNREADABLE": "the picture cannot be read",
}
_LIST_ABSENT: Final[Mapping[str, str]] = {
    "NOT_IDLE": "the screen does not come to rest",
    "NULL_ROOT": "no window has the focus",
    "EMPTY": "the phone named no element",
    "MALFORMED": "what the phone said of its elements cannot be read",
    "UNAVAILABLE": "the phone did not say what is on the screen",
    "UIAUTOMATION_HELD": "another tool on the phone holds what elements are read with",
    "MISSING": "it is not kept any more",
}
_BLIND: Final = (
    "So nothing can be seen of this screen, and a point or an element means nothing now. Only a key, waiting, starting"
    " an app, or asking a person is possible."
)


@dataclass(frozen=True)
class Parts:
    """Which parts of a screen: those that a model is to be shown, or is shown."""

    picture: bool
    listing: bool


@dataclass(frozen=True)
class Sight:
    """A screen as it was read: `screen` and `listing` where there is a hierarchy, and `picture`, the size in pixels in
    which the picture is sent, where it is. `shows_listing`: whether the listing is sent too. `absent`: what cannot be
    shown, in words."""

    screen: Screen | None = None
    listing: Listing | None = None
    picture: tuple[int, int] | None = None
    shows_listing: bool = False
    absent: tuple[str, ...] = ()

    @property
    def blind(self) -> bool:
        return self.screen is None and self.picture is None

    @property
    def places(self) -> tuple[Bounds, ...]:
        """Where the listed elements are, by number from 1; none where the list is not sent."""
        if self.listing is None or self.screen is None or not self.shows_listing:
            return ()
        found: list[Bounds] = []
        while (node := self.listing.node(len(found) + 1)) is not None:
            found.append(node.bounds.clipped(self.screen.size).to_bounds())
        return tuple(found)

    def text(self) -> str | None:
        """The listing as it is sent."""
        if self.listing is None or not self.shows_listing:
            return None
        left_out = self.listing.left_out
        return "\n".join([*self.listing.lines, *([f"({left_out} more elements are not listed)"] if left_out else [])])


def wanted(config: LlmConfig) -> Parts:
    """What the model is to be shown where everything is there."""
    by_number = config.grammar == "numbered"
    match config.observation:
        case "auto":
            return Parts(config.vision, by_number or not config.vision or config.grammar != "autoglm")
        case "picture":
            return Parts(config.vision, by_number or not config.vision)
        case "text":
            return Parts(picture=False, listing=True)
        case "both":
            return Parts(config.vision, listing=True)
        case _:
            assert_never(config.observation)


def possible(config: LlmConfig, picture_absent: str | None, hierarchy_absent: str | None) -> Parts:
    """What it is shown where parts are missing: one stands in for the other, nothing for both."""
    parts = wanted(config)
    has_picture = config.vision and picture_absent is None
    has_listing = hierarchy_absent is None
    return Parts(
        picture=has_picture and (parts.picture or not has_listing),
        listing=has_listing and (parts.listing or not has_picture),
    )


def words_of_absence(config: LlmConfig, picture_absent: str | None, hierarchy_absent: str | None) -> tuple[str, ...]:
    """What the model is told of parts that are missing. Of a picture that it could not look at, nothing."""
    told: list[str] = []
    if picture_absent is not None and config.vision:
        told.append(f"There is no picture: {_PICTURE_ABSENT.get(picture_absent, picture_absent)}.")
    if hierarchy_absent is not None:
        told.append(f"There is no list of elements: {_LIST_ABSENT.get(hierarchy_absent, hierarchy_absent)}.")
        if not config.vision or picture_absent is not None:
            told.append(_BLIND)
    return tuple(told)
