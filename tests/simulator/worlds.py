"""A World small enough to know by heart: one screen with a button that counts and a text field."""

from __future__ import annotations

import dataclasses
import html

from deploy.simulator.bare import LAUNCHER, BareWorld
from deploy.simulator.screen import plain
from deploy.simulator.world import InstalledApp, LogLine, Surface

PACKAGE = "com.example.counter"
MAIN, SECOND = f"{PACKAGE}.MainActivity", f"{PACKAGE}.ui.SecondActivity"
BUTTON, FIELD = (540, 500), (540, 900)
_APP = InstalledApp(PACKAGE, "1.2.3", 42, "Counter", (MAIN, SECOND), permissions=("android.permission.CAMERA",))


class CounterWorld(BareWorld):
    """Starts in the app. What reached it is in `events`."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.count = 0
        self.text = ""
        self.focused = False
        self.front = PACKAGE
        self.secure = False
        self.lines: list[LogLine] = []
        self.installed = {PACKAGE: _APP}

    def surface(self, now_s: float) -> Surface:
        if self.front != PACKAGE:
            return super().surface(now_s)
        task = ((LAUNCHER, f"{LAUNCHER}.Launcher"), (PACKAGE, MAIN))
        return Surface(PACKAGE, MAIN, self._hierarchy(), secure=self.secure, task=task)

    def _hierarchy(self) -> str:
        def node(index: int, kind: str, name: str, text: str, box: str, focused: bool = False, inside: str = "") -> str:
            flags = (
                f'checkable="false" checked="false" clickable="true" enabled="true" focusable="true" '
                f'focused="{str(focused).lower()}" scrollable="false" long-clickable="false" password="false" '
                f'selected="false" bounds="{box}"'
            )
            return (
                f'<node index="{index}" text="{html.escape(text)}" resource-id="{PACKAGE}:id/{name}" '
                f'class="android.widget.{kind}" package="{PACKAGE}" content-desc="" {flags}>{inside}</node>'
            )

        button = node(0, "Button", "count", f"点击 {self.count}", "[40,400][1040,600]")
        field = node(1, "EditText", "field", self.text, "[40,800][1040,1000]", self.focused)
        root = node(0, "FrameLayout", "root", "", "[0,0][1080,1920]", inside=button + field)
        return f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\">{root}</hierarchy>"

    def picture(self, now_s: float) -> bytes:
        return plain(self.width, self.height, (self.count % 255, 100, len(self.text) % 255))

    def tap(self, x: int, y: int, now_s: float) -> None:
        self.events.append(("tap", x, y))
        if 400 <= y < 600:
            self.count += 1
        self.focused = 800 <= y < 1000

    def long_press(self, x: int, y: int, now_s: float) -> None:
        self.events.append(("long_press", x, y))

    def double_tap(self, x: int, y: int, now_s: float) -> None:
        self.events.append(("double_tap", x, y))

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:
        self.events.append(("swipe", x1, y1, x2, y2, duration_ms))

    def key(self, keycode: str, now_s: float) -> None:
        self.events.append(("key", keycode))
        if keycode in ("HOME", "BACK"):
            self.front = LAUNCHER
        if keycode == "DEL":
            self.text = self.text[:-1]

    def type_text(self, text: str, now_s: float) -> None:
        self.events.append(("text", text))
        if self.focused:
            self.text += text

    def clear_text(self, now_s: float) -> None:
        self.text = ""

    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        if package != PACKAGE or activity not in (None, MAIN, SECOND):
            return super().launch(package, activity, now_s)
        self.front = PACKAGE
        self.lines.append(LogLine(now_s, "main", "I", "Counter", 4321, f"start {len(self.lines)}"))
        return True

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:
        if uri.startswith("counter://crash"):
            self._crash(now_s)
            return True
        return uri.startswith("counter://")

    def _crash(self, now_s: float) -> None:
        process = f"Process: {PACKAGE}, PID: 4321"
        for message in ("FATAL EXCEPTION: main", process, "java.lang.IllegalStateException: 崩"):
            self.lines.append(LogLine(now_s, "crash", "E", "AndroidRuntime", 4321, message))
        self.front = LAUNCHER

    def force_stop(self, package: str, now_s: float) -> None:
        self.front = LAUNCHER if package == self.front else self.front

    def apps(self) -> tuple[InstalledApp, ...]:
        return (*super().apps(), *self.installed.values())

    def install(self, apk: bytes, now_s: float) -> str:
        if not apk.startswith(b"PK"):
            return "Failure [INSTALL_PARSE_FAILED_NOT_APK: no ZIP]"
        version = apk[2:].decode()
        self.installed[PACKAGE] = dataclasses.replace(_APP, version_name=version)
        return "Success"

    def uninstall(self, package: str, now_s: float) -> bool:
        return self.installed.pop(package, None) is not None

    def clear_data(self, package: str, now_s: float) -> bool:
        self.count, self.text = 0, ""
        return package in self.installed

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        return tuple(line for line in self.lines if line.at_s > since_s)


def counter(_seed: int) -> CounterWorld:
    """For `--app factory:tests.simulator.worlds:counter`."""
    return CounterWorld()
