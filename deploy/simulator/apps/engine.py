"""The world of apps described as data: gestures in, hierarchy and picture out. Time comes from the caller."""

from __future__ import annotations

import random
from collections.abc import Mapping

from deploy.simulator.apps import lifecycle, packages, resources, system
from deploy.simulator.apps.actions import Effect, Toggle
from deploy.simulator.apps.apk import build_apk
from deploy.simulator.apps.effects import perform
from deploy.simulator.apps.model import App
from deploy.simulator.apps.paint import png
from deploy.simulator.apps.state import LAUNCHER, Phone, Record, Task
from deploy.simulator.apps.view import HEIGHT, NAVIGATION_BAR, WIDTH, Scene, View, contains
from deploy.simulator.apps.windows import scope_of, touched, window_xml, windows
from deploy.simulator.world import InstalledApp, LogLine, Surface

_FRAMES_PER_S = 12


class AppsWorld:
    """A phone with the system's apps and the given ones. `catalog` holds every version that can be installed."""

    width = WIDTH
    height = HEIGHT

    def __init__(self, apps: tuple[App, ...], catalog: Mapping[tuple[str, int], App], seed: int) -> None:
        self._catalog = dict(catalog)
        everything = (*system.system_apps(), *apps)
        numbers = random.Random(seed)
        installed = {app.package: packages.fresh(app) for app in (*everything, system.launcher(everything))}
        home = Task(LAUNCHER, [Record(LAUNCHER, "home", 0.0)])
        self.phone = Phone(installed, [home], numbers, numbers.randint(3000, 9000))
        self._laid_out: tuple[tuple[int, int], tuple[View, ...]] = ((-1, 0), ())

    # What is seen ------------------------------------------------------------------------------------------------
    def surface(self, now_s: float) -> Surface:
        """The window in front, as uiautomator and `dumpsys window` tell of it."""
        self._advance(now_s)
        phone, top = self.phone, self.phone.top
        window = self._windows(now_s)[-1]
        screen = phone.screen_of(top)
        task = tuple((each.package, phone.screen_of(each).activity) for each in phone.tasks[-1].records)
        frozen = bool(phone.not_responding)
        return Surface(
            package="android" if frozen else top.package,
            activity="" if frozen else screen.activity,
            hierarchy=window_xml(window),
            secure=screen.secure,
            animated=screen.animated,
            task=task,
            title=f"Application Not Responding: {phone.not_responding}" if frozen else "",
        )

    def picture(self, now_s: float) -> bytes:
        """The whole screen as PNG."""
        self._advance(now_s)
        phone = self.phone
        toast = phone.toast if now_s < phone.toast_until_s else ""
        phase = 1 + int(now_s * _FRAMES_PER_S) % _FRAMES_PER_S if phone.screen_of(phone.top).animated else 0
        return png(Scene(self._windows(now_s), toast, phase))

    def _windows(self, now_s: float) -> tuple[View, ...]:
        phone = self.phone
        key = (phone.revision, int(now_s) if phone.window().ticking else -1)
        if self._laid_out[0] != key:
            self._laid_out = (key, windows(self.phone, now_s))
        return self._laid_out[1]

    # Gestures ----------------------------------------------------------------------------------------------------
    def tap(self, x: int, y: int, now_s: float) -> None:
        """The topmost clickable view under the finger answers; beside a dialog, the dialog closes."""
        self._advance(now_s)
        self._gesture("tap", x, y, now_s)

    def long_press(self, x: int, y: int, now_s: float) -> None:
        """As `tap`, for views that know a long press; others take it for a tap."""
        self._advance(now_s)
        self._gesture("hold", x, y, now_s)

    def double_tap(self, x: int, y: int, now_s: float) -> None:
        """Views that know a double tap answer to it; for others it is two taps."""
        self._advance(now_s)
        view = touched(self._windows(now_s)[-1], x, y)
        if view is not None and view.node is not None and view.node.double:
            self._perform(view.node.double, now_s)
            return
        self.tap(x, y, now_s)
        self.tap(x, y, now_s)

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:  # noqa: ARG002 (protocol)
        """Drags the list under the finger by as many pixels as the finger moves; it stops at its ends."""
        self._advance(now_s)
        phone = self.phone
        lists = [v for v in self._windows(now_s)[-1].walk() if v.scrollable and contains(v.seen, x1, y1)]
        if not lists or phone.not_responding:
            return
        view = lists[-1]
        offset = phone.top.offsets.get(view.key, 0)
        phone.top.offsets[view.key] = max(0, min(view.overflow, offset + y1 - y2))
        phone.revision += 1

    def _gesture(self, name: str, x: int, y: int, now_s: float) -> None:
        phone = self.phone
        if y >= HEIGHT - NAVIGATION_BAR:
            self._navigation_bar(x, now_s)
            return
        window = self._windows(now_s)[-1]
        if not contains(window.box, x, y):
            if phone.window().dialog and phone.window().cancelable and not phone.not_responding:
                self._perform(phone.window().on_back, now_s)
            return
        view = touched(window, x, y)
        if view is None or view.node is None or not view.enabled:
            return
        node = view.node
        if node.kind == "field":
            phone.top.focus = view.key
            phone.revision += 1
        elif name == "hold" and node.hold:
            self._perform(node.hold, now_s)
        else:
            bound: tuple[Effect, ...] = (Toggle(node.bind),) if view.checkable else ()
            self._perform((*bound, *node.tap), now_s)

    def _navigation_bar(self, x: int, now_s: float) -> None:
        third = x * 3 // WIDTH
        if third < 2:
            self.key(("BACK", "HOME")[third], now_s)

    # Keys and text -----------------------------------------------------------------------------------------------
    def key(self, keycode: str, now_s: float) -> None:
        """BACK, HOME, ENTER, DEL, FORWARD_DEL and TAB do something; the others do not."""
        self._advance(now_s)
        phone = self.phone
        if phone.not_responding and keycode != "HOME":
            return
        match keycode:
            case "BACK":
                self._perform(phone.window().on_back, now_s)
            case "HOME":
                lifecycle.go_home(phone)
                phone.revision += 1
            case "DEL" if phone.top.focus:
                self._write(phone.top.fields.get(phone.top.focus, "")[:-1])
            case "ENTER" | "NUMPAD_ENTER":
                self._enter(now_s)
            case "TAB":
                self._focus_next(now_s)

    def type_text(self, text: str, now_s: float) -> None:
        """Appends to the focused field; a line break is the ENTER key."""
        self._advance(now_s)
        if self.phone.top.focus and not self.phone.not_responding:
            self._write(self.phone.top.fields.get(self.phone.top.focus, "") + text)

    def clear_text(self, now_s: float) -> None:
        """Empties the focused field."""
        self._advance(now_s)
        if self.phone.top.focus:
            self._write("")

    def _write(self, text: str) -> None:
        top = self.phone.top
        top.fields[top.focus] = text
        top.fields.pop(f"{top.focus}_error", None)
        self.phone.revision += 1

    def _fields(self, now_s: float) -> list[View]:
        return [view for view in self._windows(now_s)[-1].walk() if view.kind == "field"]

    def _enter(self, now_s: float) -> None:
        focused = next((view for view in self._fields(now_s) if view.focused), None)
        if focused is not None and focused.node is not None and focused.node.enter:
            self._perform(focused.node.enter, now_s)
        else:
            self._focus_next(now_s)

    def _focus_next(self, now_s: float) -> None:
        keys = [view.key for view in self._fields(now_s)]
        top = self.phone.top
        if top.focus in keys:
            top.focus = keys[min(keys.index(top.focus) + 1, len(keys) - 1)]
            self.phone.revision += 1

    # Time and effects --------------------------------------------------------------------------------------------
    def _advance(self, now_s: float) -> None:
        """What comes by itself: a loading page turns into its target."""
        for _ in range(len(self.phone.tasks) + 2):
            top, screen = self.phone.top, self.phone.screen_of(self.phone.top)
            if not screen.after or now_s - top.opened_s < screen.after_s:
                return
            self._perform(screen.after, now_s)

    def _perform(self, effects: tuple[Effect, ...], now_s: float) -> None:
        perform(self.phone, effects, lambda record: scope_of(self.phone, record, now_s), now_s)
        self.phone.revision += 1

    # Apps --------------------------------------------------------------------------------------------------------
    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        """`am start` and `monkey`: see `lifecycle.launch`."""
        self.phone.revision += 1
        return lifecycle.launch(self.phone, package, activity, now_s)

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:
        """`am start -d`: see `packages.deep_link`."""
        self.phone.revision += 1
        return packages.deep_link(self.phone, uri, package, now_s)

    def force_stop(self, package: str, now_s: float) -> None:  # noqa: ARG002 (protocol)
        """Ends the app's process and its activities; the launcher cannot be stopped."""
        if package in self.phone.installed and package != LAUNCHER:
            lifecycle.kill(self.phone, package)
            self.phone.revision += 1

    def apps(self) -> tuple[InstalledApp, ...]:
        """What is installed, the system's apps first."""
        return tuple(
            InstalledApp(
                app.package,
                app.version_name,
                app.version_code,
                app.label,
                app.activities,
                app.system,
                app.permissions,
                launchable=bool(app.start) and not app.hidden,
                label_resource=resources.LABEL if app.labels else 0,
            )
            for app in (installed.app for installed in self.phone.installed.values())
        )

    def install(self, apk: bytes, now_s: float) -> str:  # noqa: ARG002 (protocol)
        """`pm install`: see `packages.install`."""
        self.phone.revision += 1
        return packages.install(self.phone, self._catalog, apk)

    def uninstall(self, package: str, now_s: float) -> bool:  # noqa: ARG002 (protocol)
        """`pm uninstall`: see `packages.uninstall`."""
        self.phone.revision += 1
        return packages.uninstall(self.phone, package)

    def clear_data(self, package: str, now_s: float) -> bool:  # noqa: ARG002 (protocol)
        """`pm clear`: see `packages.clear_data`."""
        self.phone.revision += 1
        return packages.clear_data(self.phone, package)

    def apk(self, package: str) -> bytes | None:
        """The package file of an app that was installed from the beginning."""
        installed = self.phone.installed.get(package)
        return None if installed is None else build_apk(installed.app)

    def grant(self, package: str, permission: str, on: bool) -> None:
        """`pm grant` and `pm revoke`."""
        if (installed := self.phone.installed.get(package)) is not None:
            (installed.granted.add if on else installed.granted.discard)(permission)

    def keep_data(self, package: str) -> None:
        """What the app stored outlives its removal, until it is installed again."""
        if (installed := self.phone.installed.get(package)) is not None:
            self.phone.kept[package] = dict(installed.stored)

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        """Lines written after `since_s`."""
        return tuple(line for line in self.phone.log if line.at_s > since_s)
