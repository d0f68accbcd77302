"""A phone's screen and touch panel: power, keyguard and rotation in front of what is played."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from .faults import FaultKind
from .keyguard import SYSTEM_UI, Keyguard
from .split import Split
from .trace import Entry, Kind, Scalar
from .turning import turned, unturned
from .world import Surface

if TYPE_CHECKING:
    from .phone import Phone

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the screen as it is turned."""
_STATUS_BAR, _NAVIGATION_BAR = 63, 126
_KEYBOARD_PART = 0.36
_DOUBLE_TAP_S, _DOUBLE_TAP_PX = 0.3, 50
_LONG_PRESS_MS, _LONG_PRESS_PX = 500, 10


class Screen:
    """Where commands meet the World. `cause` is the service that touches or looks."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self.awake = True
        self.locked = False
        self.keyguard = Keyguard()
        self.locks_itself = False
        """Whether it is locked after a restart."""
        self.split: Split | None = None
        self.secure = False
        """Whatever is shown forbids pictures (FLAG_SECURE)."""
        self.restless = False
        """Whatever is shown never comes to rest: uiautomator finds no idle state."""
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
        played = self._phone.world.surface(self._phone.now_s())
        if self.locked or not self.awake:
            task = played.task or ((played.package, played.activity),)
            return Surface(SYSTEM_UI, "NotificationShade", self.keyguard.hierarchy(self.size), task=task)
        if self.secure or self.restless:
            played = replace(played, secure=played.secure or self.secure, animated=played.animated or self.restless)
        if self.split is not None:
            played = self.split.surface(played)
        return self._phone.interruptions.surface(played)

    def hierarchy(self, surface: Surface | None = None) -> str:
        """The uiautomator XML of a surface, of the one in front where none is given, turned as the screen is."""
        surface = surface or self.surface()
        if self.rotation == 0 or surface.package == SYSTEM_UI:
            return surface.hierarchy
        return turned(surface.hierarchy, self.rotation, self._phone.world.width, self._phone.world.height)

    def picture(self, cause: Entry) -> bytes:
        """The PNG that a capture gets, with the faults that are armed for it; recorded as delivered."""
        phone = self._phone
        if (fault := phone.faults.take(FaultKind.BLACK_PNG, cause.detail)) is not None:
            phone.note_fault(fault, cause)
            png = black(*self.size)
        elif not self.awake:
            png = black(*self.size)
        elif self.locked:
            png = plain(*self.size, (38, 50, 56))
        else:
            png = self._played()
            png = _rotated(png, self.rotation) if self.rotation else png
            png = png if self.keyboard_box is None else _with_keyboard(png, self.keyboard_box)
        if (fault := phone.faults.take(FaultKind.TRUNCATED_PNG, cause.detail)) is not None:
            phone.note_fault(fault, cause)
            png = png[: len(png) * 2 // 3]
        phone.trace.deliver("picture", png, cause.seq)
        return png

    def _played(self) -> bytes:
        """The unturned picture of what is played and of what is over it."""
        phone = self._phone
        world, now_s = phone.world, phone.now_s()
        hidden = self.secure or world.surface(now_s).secure
        png = black(world.width, world.height) if hidden else world.picture(now_s)
        png = png if self.split is None else self.split.picture(png)
        return phone.interruptions.picture(png)

    def tap(self, x: int, y: int, cause: Entry) -> None:
        """A tap; the second one at a place within 0.3 s by the same shell is a double tap."""
        if self.awake and self.locked:
            self.locked = not self.keyguard.tapped(x, y, self.size)
            return
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
        native = self._unturned(x, y)
        self.touched("double_tap" if near else "tap", cause, x=native[0], y=native[1])
        if (point := self._below(*native)) is not None:
            (self._phone.world.double_tap if near else self._phone.world.tap)(*point, now)
        self._phone.triggers.touched()

    def swipe(self, start: tuple[int, int], end: tuple[int, int], duration_ms: int, cause: Entry) -> None:
        """A swipe; one that hardly moves and lasts is a long press. Upwards on the keyguard it unlocks."""
        if self.awake and self.locked:
            self.locked = end[1] >= start[1] or not self.keyguard.dismissed()
            return
        if not self._usable:
            return
        (x1, y1), (x2, y2) = self._unturned(*start), self._unturned(*end)
        world, now = self._phone.world, self._phone.now_s()
        if abs(x1 - x2) < _LONG_PRESS_PX and abs(y1 - y2) < _LONG_PRESS_PX:
            held = duration_ms >= _LONG_PRESS_MS
            self.touched("long_press" if held else "tap", cause, x=x1, y=y1, duration_ms=duration_ms)
            if (point := self._below(x1, y1)) is not None:
                (world.long_press if held else world.tap)(*point, now)
        else:
            self.touched("swipe", cause, x1=x1, y1=y1, x2=x2, y2=y2, duration_ms=duration_ms)
            self._swipe_below((x1, y1), (x2, y2), duration_ms)
        self._phone.triggers.touched()

    def key(self, name: str, cause: Entry) -> None:
        """A key by its name without `KEYCODE_`. Power keys, and MENU on the keyguard, are the phone's own."""
        match name:
            case "POWER":
                self.awake = not self.awake
                self.keyguard.closed()
            case "WAKEUP":
                self.awake = True
            case "SLEEP" | "SOFT_SLEEP":
                self.awake = False
                self.keyguard.closed()
            case "MENU" if self.locked and self.awake:
                self.dismiss_keyguard()
            case "BACK" if self.keyboard_up and self._usable:
                self.keyboard_up = False
            case "ENTER" | "NUMPAD_ENTER" if self.locked and self.awake:
                self.locked = not self.keyguard.entered()
            case "BACK" if self.locked and self.awake:
                self.keyguard.closed()
            case _ if self._usable:
                self.touched("key", cause, key=name)
                self._key_below(name)
                self._phone.triggers.touched()

    def text(self, text: str, cause: Entry) -> None:
        if self.awake and self.locked:
            self.keyguard.typed(text)
        elif self._usable:
            self.touched("text", cause, text=text)
            if not self._phone.interruptions.takes_gestures():
                self._phone.world.type_text(text, self._phone.now_s())
            self._phone.triggers.touched()

    def clear_text(self, cause: Entry) -> None:
        if self._usable:
            self.touched("clear_text", cause)
            if not self._phone.interruptions.takes_gestures():
                self._phone.world.clear_text(self._phone.now_s())

    def dismiss_keyguard(self) -> None:
        """`wm dismiss-keyguard`: opens a lock screen without a PIN, where the screen is on."""
        if self.locked and self.awake:
            self.locked = not self.keyguard.dismissed()

    def app_started(self, *, full_screen: bool) -> None:
        """An app was started from outside; `full_screen`: it gets the whole screen."""
        self.split = None if full_screen else self.split
        self._phone.interruptions.app_started()

    def app_ended(self, package: str) -> None:
        """An app was ended. From Android 12 on a split screen without one of its two apps is over."""
        phone = self._phone
        played = phone.world.surface(phone.now_s()).package
        if self.split is not None and phone.profile.api >= 31 and package in (self.split.package, played):
            self.split = None
        phone.interruptions.app_ended(package)

    def _below(self, x: int, y: int) -> tuple[int, int] | None:
        """Where a touch reaches what is played; None where something over it, or beside it, took it."""
        if self._phone.interruptions.tap(x, y):
            return None
        return (x, y) if self.split is None else self.split.upper_point(x, y)

    def _swipe_below(self, start: tuple[int, int], end: tuple[int, int], duration_ms: int) -> None:
        if self._phone.interruptions.takes_gestures():
            return
        if self.split is not None:
            if self.split.closes(start, end):
                self.split = None
                return
            upper, lower = self.split.upper_point(*start), self.split.upper_point(*end)
            if upper is None or lower is None:
                return
            start, end = upper, lower
        self._phone.world.swipe(*start, *end, duration_ms, self._phone.now_s())

    def _key_below(self, name: str) -> None:
        if self._phone.interruptions.key(name):
            return
        if self.split is not None and name == "HOME":
            self.split = None
        if self.split is None or not self.split.other_in_front:
            self._phone.world.key(name, self._phone.now_s())

    def _unturned(self, x: int, y: int) -> tuple[int, int]:
        return unturned(x, y, self.rotation, self._phone.world.width, self._phone.world.height)

    def boot(self) -> None:
        """As it is after a restart: dark and locked where it locks itself."""
        self.awake, self.locked, self.split = not self.locks_itself, self.locks_itself, None
        self.keyguard.closed()

    def touched(self, what: str, cause: Entry, **data: Scalar) -> None:
        """Records that something reached the World; coordinates are those of the unturned screen."""
        self._phone.trace.add(Kind.TOUCH, what, cause.seq, **data)

    @property
    def _usable(self) -> bool:
        return self.awake and not self.locked


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
