"""A phone's screen and touch panel: power, keyguard and rotation in front of what is played."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from .faults import FaultKind
from .trace import Entry, Kind, Scalar
from .world import Surface

if TYPE_CHECKING:
    from .phone import Phone

SYSTEM_UI = "com.android.systemui"
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the screen as it is turned."""
_STATUS_BAR, _NAVIGATION_BAR = 63, 126
_KEYBOARD_PART = 0.36
_BOUNDS = re.compile(r'bounds="\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]"')
_ROTATION = re.compile(r'(<hierarchy[^>]*rotation=")\d"')
_DOUBLE_TAP_S, _DOUBLE_TAP_PX = 0.3, 50
_LONG_PRESS_MS, _LONG_PRESS_PX = 500, 10


class Screen:
    """Where commands meet the World. `cause` is the service that touches or looks."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self.awake = True
        self.locked = False
        self.rotation = 0
        """Quarter turns, as `Surface.ROTATION_*`: 1 and 3 are landscape."""
        self.pressed_at: tuple[int, int] | None = None
        """Where a finger went down that is not lifted yet."""
        self.keyboard_up = False
        """The soft keyboard is in sight: over the lower part of the app, swallowing what falls on it."""
        self._last_tap: tuple[int, float, int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as the screen is turned now."""
        world = self._phone.world
        return (world.height, world.width) if self.rotation % 2 else (world.width, world.height)

    @property
    def bars(self) -> tuple[Box, Box]:
        """The status bar and the navigation bar."""
        width, height = self.size
        return (0, 0, width, _STATUS_BAR), (0, height - _NAVIGATION_BAR, width, height)

    @property
    def keyboard_box(self) -> Box | None:
        """What the keyboard covers; None where it is not up."""
        width, height = self.size
        bottom = height - _NAVIGATION_BAR
        return (0, bottom - int(height * _KEYBOARD_PART), width, bottom) if self.keyboard_up else None

    def surface(self) -> Surface:
        """What is in front: the keyguard where the phone is locked."""
        if self.locked or not self.awake:
            return Surface(SYSTEM_UI, "NotificationShade", _keyguard(*self.size))
        return self._phone.world.surface(self._phone.now_s())

    def hierarchy(self, surface: Surface | None = None) -> str:
        """The uiautomator XML of a surface, of the one in front where none is given, turned as the screen is."""
        surface = surface or self.surface()
        if self.rotation == 0 or surface.package == SYSTEM_UI:
            return surface.hierarchy
        turned = _BOUNDS.sub(self._turn_bounds, surface.hierarchy)
        return _ROTATION.sub(rf'\g<1>{self.rotation}"', turned)

    def picture(self, cause: Entry) -> bytes:
        """The PNG that a capture gets, with the faults that are armed for it; recorded as delivered."""
        phone = self._phone
        if (fault := phone.faults.take(FaultKind.BLACK_PNG, cause.detail)) is not None:
            phone.note_fault(fault, cause)
            png = black(*self.size)
        elif not self.awake or self.surface().secure:
            png = black(*self.size)
        elif self.locked:
            png = plain(*self.size, (38, 50, 56))
        else:
            png = phone.world.picture(phone.now_s())
            png = _rotated(png, self.rotation) if self.rotation else png
            png = png if self.keyboard_box is None else _with_keyboard(png, self.keyboard_box)
        if (fault := phone.faults.take(FaultKind.TRUNCATED_PNG, cause.detail)) is not None:
            phone.note_fault(fault, cause)
            png = png[: len(png) * 2 // 3]
        phone.trace.deliver("picture", png, cause.seq)
        return png

    def tap(self, x: int, y: int, cause: Entry) -> None:
        """A tap; the second one at a place within 0.3 s by the same shell is a double tap."""
        if not self._usable:
            return
        now, last = self._phone.now_s(), self._last_tap
        near = (
            last is not None
            and last[0] == cause.seq
            and now - last[1] <= _DOUBLE_TAP_S
            and abs(last[2] - x) + abs(last[3] - y) <= _DOUBLE_TAP_PX
        )
        self._last_tap = None if near else (cause.seq, now, x, y)
        if (keyboard := self.keyboard_box) is not None and keyboard[1] <= y < keyboard[3]:
            self.touched("keyboard", cause, x=x, y=y)
            return
        native = self._native(x, y)
        self.touched("double_tap" if near else "tap", cause, x=native[0], y=native[1])
        (self._phone.world.double_tap if near else self._phone.world.tap)(*native, now)

    def swipe(self, start: tuple[int, int], end: tuple[int, int], duration_ms: int, cause: Entry) -> None:
        """A swipe; one that hardly moves and lasts is a long press. Upwards on the keyguard it unlocks."""
        if self.awake and self.locked:
            self.locked = end[1] >= start[1]
            return
        if not self._usable:
            return
        (x1, y1), (x2, y2) = self._native(*start), self._native(*end)
        world, now = self._phone.world, self._phone.now_s()
        if abs(x1 - x2) < _LONG_PRESS_PX and abs(y1 - y2) < _LONG_PRESS_PX:
            held = duration_ms >= _LONG_PRESS_MS
            self.touched("long_press" if held else "tap", cause, x=x1, y=y1, duration_ms=duration_ms)
            (world.long_press if held else world.tap)(x1, y1, now)
        else:
            self.touched("swipe", cause, x1=x1, y1=y1, x2=x2, y2=y2, duration_ms=duration_ms)
            world.swipe(x1, y1, x2, y2, duration_ms, now)

    def key(self, name: str, cause: Entry) -> None:
        """A key by its name without `KEYCODE_`. Power keys, and MENU on the keyguard, are the phone's own."""
        match name:
            case "POWER":
                self.awake = not self.awake
            case "WAKEUP":
                self.awake = True
            case "SLEEP" | "SOFT_SLEEP":
                self.awake = False
            case "MENU" if self.locked and self.awake:
                self.locked = False
            case "BACK" if self.keyboard_up and self._usable:
                self.keyboard_up = False
            case _ if self._usable:
                self.touched("key", cause, key=name)
                self._phone.world.key(name, self._phone.now_s())

    def text(self, text: str, cause: Entry) -> None:
        if self._usable:
            self.touched("text", cause, text=text)
            self._phone.world.type_text(text, self._phone.now_s())

    def clear_text(self, cause: Entry) -> None:
        if self._usable:
            self.touched("clear_text", cause)
            self._phone.world.clear_text(self._phone.now_s())

    def touched(self, what: str, cause: Entry, **data: Scalar) -> None:
        """Records that something reached the World; coordinates are those of the unturned screen."""
        self._phone.trace.add(Kind.TOUCH, what, cause.seq, **data)

    @property
    def _usable(self) -> bool:
        return self.awake and not self.locked

    def _native(self, x: int, y: int) -> tuple[int, int]:
        """The point of the unturned screen under a point of the turned one."""
        world = self._phone.world
        match self.rotation:
            case 1:
                return world.width - 1 - y, x
            case 2:
                return world.width - 1 - x, world.height - 1 - y
            case 3:
                return y, world.height - 1 - x
            case _:
                return x, y

    def _turn_bounds(self, match: re.Match[str]) -> str:
        left, top, right, bottom = map(int, match.groups())
        width, height = self._phone.world.width, self._phone.world.height
        match self.rotation:
            case 1:
                box = (top, width - right, bottom, width - left)
            case 2:
                box = (width - right, height - bottom, width - left, height - top)
            case _:
                box = (height - bottom, left, height - top, right)
        return 'bounds="[{},{}][{},{}]"'.format(*box)


@lru_cache(maxsize=16)
def plain(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def black(width: int, height: int) -> bytes:
    """What a capture shows where the window forbids it, or where the screen is off."""
    return plain(width, height, (0, 0, 0))


@lru_cache(maxsize=16)
def _with_keyboard(png: bytes, box: Box) -> bytes:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.paste((38, 50, 56), box)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@lru_cache(maxsize=16)
def _rotated(png: bytes, quarter_turns: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).rotate(90 * quarter_turns, expand=True).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@lru_cache(maxsize=16)
def _keyguard(width: int, height: int) -> str:
    node = (
        'text="" resource-id="{}" class="android.widget.FrameLayout" package="com.android.systemui" content-desc="{}" '
        'checkable="false" checked="false" clickable="false" enabled="true" focusable="false" focused="false" '
        f'scrollable="false" long-clickable="false" password="false" selected="false" bounds="[0,0][{width},{height}]"'
    )
    return (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\">"
        f'<node index="0" {node.format("", "")}>'
        f'<node index="0" {node.format("com.android.systemui:id/keyguard_root_view", "Lock screen.")} />'
        "</node></hierarchy>"
    )
