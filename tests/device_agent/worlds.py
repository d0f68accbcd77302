"""What simulated phones show in these tests: screens that misbehave in one way each. Used as `factory:` worlds."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import ClassVar

from PIL import Image, ImageDraw

from deploy.simulator.bare import BareWorld
from deploy.simulator.hierarchy import FLAGS, XmlNode, hierarchy_xml
from deploy.simulator.world import InstalledApp, LogLine, Surface

PACKAGE = "com.test"
MAIN, SECOND = f"{PACKAGE}.Main", f"{PACKAGE}.Second"
FIELD = (40, 300, 1040, 420)
BUTTON = (40, 600, 1040, 760)


@lru_cache(maxsize=64)
def drawn(colour: tuple[int, int, int], mark: tuple[int, int, int, int] | None = None) -> bytes:
    image = Image.new("RGB", (1080, 1920), colour)
    if mark is not None:
        ImageDraw.Draw(image).rectangle(mark, fill=(255 - colour[0], 40, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def flags(*names: str) -> tuple[bool, ...]:
    return tuple(name in {"enabled", *names} for name in FLAGS)


class TestWorld(BareWorld):
    """One app: a field and a button. Pictures are counted, so that a screen can change at a given one."""

    __test__ = False

    latest: ClassVar[TestWorld]
    """The one that was made last: the farm of these tests runs in their process."""

    def __init__(self, seed: int) -> None:
        TestWorld.latest = self
        self.pictures = 0
        self.text = "old"
        self.focused = False
        self.stack = [MAIN]
        self.gestures: list[str] = []
        self.lines: list[LogLine] = []

    def surface(self, now_s: float) -> Surface:
        field = XmlNode(
            self.text, f"{PACKAGE}:id/name", "android.widget.EditText", PACKAGE, "", flags("clickable"), FIELD
        )
        button = XmlNode(
            self.title(), f"{PACKAGE}:id/go", "android.widget.Button", PACKAGE, "", flags("clickable"), BUTTON
        )
        box = (0, 0, 1080, 1920)
        root = XmlNode("", "", "android.widget.FrameLayout", PACKAGE, "", flags(), box, (field, button))
        return Surface(PACKAGE, self.stack[-1], hierarchy_xml([root]), task=((PACKAGE, self.stack[-1]),))

    def title(self) -> str:
        return "Go"

    def picture(self, now_s: float) -> bytes:
        self.pictures += 1
        return self.shown()

    def shown(self) -> bytes:
        return drawn((240, 240, 255))

    def tap(self, x: int, y: int, now_s: float) -> None:
        self.gestures.append(f"tap {x} {y}")
        self.focused = FIELD[1] <= y < FIELD[3]

    def long_press(self, x: int, y: int, now_s: float) -> None:
        self.gestures.append(f"long {x} {y}")

    def double_tap(self, x: int, y: int, now_s: float) -> None:
        self.gestures.append(f"double {x} {y}")

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:
        self.gestures.append(f"swipe {x1} {y1} {x2} {y2}")

    def key(self, keycode: str, now_s: float) -> None:
        if keycode == "DEL" and self.focused:
            self.text = self.text[:-1]
        elif keycode == "BACK" and len(self.stack) > 1:
            self.stack.pop()
        self.gestures.append(f"key {keycode}")

    def type_text(self, text: str, now_s: float) -> None:
        if self.focused:
            self.text += text

    def clear_text(self, now_s: float) -> None:
        if self.focused:
            self.text = ""

    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        if package != PACKAGE or activity not in (None, MAIN, SECOND):
            return False
        self.stack = [activity or MAIN]
        return True

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:
        if uri.startswith("test://second"):
            self.stack.append(SECOND)
            return True
        return False

    def force_stop(self, package: str, now_s: float) -> None:
        self.gestures.append(f"stop {package}")

    def apps(self) -> tuple[InstalledApp, ...]:
        return (
            *super().apps(),
            InstalledApp(PACKAGE, "1.4.2", 142, "测试", (MAIN, SECOND)),
        )

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        return tuple(line for line in self.lines if line.at_s > since_s)


class Relabelled(TestWorld):
    """Its button says something else from the second look on."""

    def title(self) -> str:
        return "Go" if self.pictures <= 2 else "Delete"


class Named(TestWorld):
    """Two apps have the same label."""

    def apps(self) -> tuple[InstalledApp, ...]:
        return tuple(InstalledApp(name, "1.0", 1, "Mail", (MAIN,)) for name in (PACKAGE, "com.other"))


class Moving(TestWorld):
    """An animation over the whole screen that rests after five pictures."""

    def shown(self) -> bytes:
        return drawn((40 * min(self.pictures, 5), 120, 200))


class Ticking(TestWorld):
    """A clock in a corner that changes in every picture."""

    def shown(self) -> bytes:
        return drawn((240, 240, 255), (40, 20, 60 + 40 * (self.pictures % 2), 60))


class Video(TestWorld):
    """Never at rest."""

    def shown(self) -> bytes:
        return drawn((90, 100 * self.pictures % 251, 10))

    def surface(self, now_s: float) -> Surface:
        shown = super().surface(now_s)
        shown.animated = True
        return shown


class Turning(TestWorld):
    """Shows another screen from the second picture on: while the hierarchy is read."""

    def shown(self) -> bytes:
        return drawn((240, 240, 255) if self.pictures <= 1 else (10, 200, 10))

    def title(self) -> str:
        return "before" if self.pictures <= 1 else "after"


class Ticked(TestWorld):
    """A box gets its tick between the first picture and the second: a change as small as that of a clock."""

    def shown(self) -> bytes:
        return drawn((240, 240, 255), (40, 20, 60, 60) if self.pictures > 1 else None)

    def title(self) -> str:
        return "empty" if self.pictures <= 1 else "ticked"


class Loading(TestWorld):
    """Counts its progress on a button, and shows another activity without the button from the twelfth picture on."""

    def title(self) -> str:
        return f"{self.pictures} of 12"

    def surface(self, now_s: float) -> Surface:
        if self.pictures < 12:
            return super().surface(now_s)
        self.stack = [SECOND]
        root = XmlNode("", "", "android.widget.FrameLayout", PACKAGE, "", flags(), (0, 0, 1080, 1920), ())
        return Surface(PACKAGE, SECOND, hierarchy_xml([root]), task=((PACKAGE, SECOND),))


class Secure(TestWorld):
    """FLAG_SECURE."""

    def surface(self, now_s: float) -> Surface:
        shown = super().surface(now_s)
        shown.secure = True
        return shown


class BlackAtFirst(TestWorld):
    """An app that starts with a black window."""

    def shown(self) -> bytes:
        return drawn((0, 0, 0) if self.pictures <= 6 else (240, 240, 255))


class Black(TestWorld):
    """Black for ever, and nothing says why."""

    def shown(self) -> bytes:
        return drawn((0, 0, 0))


def playing(world: type[TestWorld]) -> str:
    """The farm's name for one of these."""
    return f"factory:{__name__}:{world.__name__}"
