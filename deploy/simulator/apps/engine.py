"""The world of apps described as data: gestures in, hierarchy and picture out. Time comes from the caller."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from deploy.simulator.apps import lifecycle, system
from deploy.simulator.apps.apk import read_apk
from deploy.simulator.apps.effects import perform, put
from deploy.simulator.apps.layout import Setting, arrange, arrange_dialog
from deploy.simulator.apps.model import App, Effect, Toggle
from deploy.simulator.apps.paint import png
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.state import LAUNCHER, Installed, Phone, Record, Task
from deploy.simulator.apps.view import HEIGHT, NAVIGATION_BAR, WIDTH, Scene, View, contains
from deploy.simulator.hierarchy import XmlNode, hierarchy_xml
from deploy.simulator.world import InstalledApp, LogLine, Surface

_FRAMES_PER_S = 12
_ANR_WINDOW = "com.android.server.am.AppNotRespondingDialog"


class AppsWorld:
    """A phone with the system's apps and the given ones. `catalog` holds every version that can be installed."""

    width = WIDTH
    height = HEIGHT

    def __init__(self, apps: tuple[App, ...], catalog: Mapping[tuple[str, int], App], seed: int) -> None:
        self._catalog = dict(catalog)
        everything = (*system.system_apps(), *apps)
        numbers = random.Random(seed)
        installed = {app.package: _fresh(app) for app in (*everything, system.launcher(everything))}
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
            package="android" if frozen else top.package, activity=_ANR_WINDOW if frozen else screen.activity,
            hierarchy=hierarchy_xml((_xml(window),)), secure=screen.secure, animated=screen.animated, task=task,
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
            self._laid_out = (key, self._lay_out(now_s))
        return self._laid_out[1]

    def _lay_out(self, now_s: float) -> tuple[View, ...]:
        phone = self.phone
        records = phone.tasks[-1].records
        first = max((at for at, each in enumerate(records) if not phone.screen_of(each).dialog), default=0)
        windows: list[View] = []
        for record in records[first:]:
            setting = self._setting(record, now_s)
            screens = phone.app_of(record).screens
            screen = screens[record.screen]
            windows.append((arrange_dialog if screen.dialog else arrange)(screen.root, setting))
            windows.extend(arrange_dialog(screens[dialog].root, setting) for dialog in record.dialogs)
        if phone.not_responding:
            app = phone.installed[phone.not_responding].app
            setting = Setting(Scope(()), "android")
            windows.append(arrange_dialog(system.anr_dialog(app.label), setting))
        return tuple(windows)

    def _setting(self, record: Record, now_s: float) -> Setting:
        return Setting(self._scope(record, now_s), record.package, record.focus, record.offsets)

    def _scope(self, record: Record, now_s: float) -> Scope:
        installed = self.phone.installed[record.package]
        clock = {"clock": f"{datetime.fromtimestamp(now_s, UTC):%H:%M:%S}", "version": installed.app.version_name}
        layers = (record.fields, record.args, installed.memory, installed.stored, clock)
        return Scope(layers, installed.app.counts)

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
        view = _target(self._windows(now_s)[-1], x, y)
        if view is not None and view.node is not None and view.node.double:
            self._perform(view.node.double, now_s)
            return
        self.tap(x, y, now_s)
        self.tap(x, y, now_s)

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:  # noqa: ARG002, PLR0917 (protocol)
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
        view = _target(window, x, y)
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
        perform(self.phone, effects, lambda record: self._scope(record, now_s), now_s)
        self.phone.revision += 1

    # Apps --------------------------------------------------------------------------------------------------------
    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        """`am start` and `monkey`: see `lifecycle.launch`."""
        self.phone.revision += 1
        return lifecycle.launch(self.phone, package, activity, now_s)

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:
        """Opens the screen that an installed app declares for the URI; web addresses open the browser."""
        phone = self.phone
        phone.revision += 1
        if uri.startswith(("http://", "https://")) and package in (None, system.BROWSER):
            self._to_task(system.BROWSER)
            lifecycle.open_screen(phone, system.BROWSER, "web", (("url", uri),), now_s)
            return True
        for installed in phone.installed.values():
            if uri in installed.app.links and package in (None, installed.app.package):
                link = installed.app.links[uri]
                self._to_task(installed.app.package)
                lifecycle.open_screen(phone, installed.app.package, link.screen, link.args, now_s)
                return True
        return False

    def _to_task(self, package: str) -> None:
        task = next((each for each in self.phone.tasks if each.package == package), None)
        if task is None:
            self.phone.tasks.append(Task(package, []))
        else:
            lifecycle.bring_to_front(self.phone, task)

    def force_stop(self, package: str, now_s: float) -> None:  # noqa: ARG002 (protocol)
        """Ends the app's process and its activities; the launcher cannot be stopped."""
        if package in self.phone.installed and package != LAUNCHER:
            lifecycle.kill(self.phone, package)
            self.phone.revision += 1

    def apps(self) -> tuple[InstalledApp, ...]:
        """What is installed, the system's apps first."""
        return tuple(
            InstalledApp(app.package, app.version_name, app.version_code, app.label, app.activities, app.system,
                         app.permissions)
            for app in (installed.app for installed in self.phone.installed.values())
        )

    def install(self, apk: bytes, now_s: float) -> str:
        """Installs a version of the catalog from the package file that `apk.build_apk` makes; values are kept."""
        identity = read_apk(apk)
        if identity is None:
            return "Failure [INSTALL_PARSE_FAILED_NOT_APK: Failed to parse the package file]"
        app = self._catalog.get(identity)
        if app is None:
            return f"Failure [INSTALL_FAILED_INVALID_APK: {identity[0]} {identity[1]} is unknown to this phone]"
        old = self.phone.installed.get(app.package)
        if old is not None and old.app.version_code > app.version_code:
            return "Failure [INSTALL_FAILED_VERSION_DOWNGRADE]"
        self.force_stop(app.package, now_s)
        fresh = _fresh(app)
        if old is not None:
            fresh.stored.update({name: value for name, value in old.stored.items() if name in fresh.stored})
            fresh.granted, fresh.refusals = old.granted, old.refusals
        self.phone.installed[app.package] = fresh
        self._refresh_launcher()
        return "Success"

    def uninstall(self, package: str, now_s: float) -> bool:
        """Removes an app that is not the system's."""
        installed = self.phone.installed.get(package)
        if installed is None or installed.app.system:
            return False
        self.force_stop(package, now_s)
        del self.phone.installed[package]
        self._refresh_launcher()
        return True

    def clear_data(self, package: str, now_s: float) -> bool:
        """As freshly installed: values, permissions and process are gone."""
        installed = self.phone.installed.get(package)
        if installed is None:
            return False
        self.force_stop(package, now_s)
        self.phone.installed[package] = _fresh(installed.app)
        return True

    def _refresh_launcher(self) -> None:
        apps = [installed.app for installed in self.phone.installed.values()]
        home = self.phone.installed[LAUNCHER]
        self.phone.installed[LAUNCHER] = replace(home, app=system.launcher(apps))
        self.phone.revision += 1

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        """Lines written after `since_s`."""
        return tuple(line for line in self.phone.log if line.at_s > since_s)

    def set_value(self, package: str, name: str, value: str) -> None:
        """Sets a value of an installed app, as a test's starting point."""
        put(self.phone, Record(package, "", 0.0), name, value)
        self.phone.revision += 1


def _fresh(app: App) -> Installed:
    return Installed(app, dict(app.stored), dict(app.memory))


def _target(window: View, x: int, y: int) -> View | None:
    """The last drawn view under the point that a touch means something to."""
    found = None
    for view in window.walk():
        if (view.clickable or view.long_clickable) and contains(view.seen, x, y):
            found = view
    return found


def _xml(view: View) -> XmlNode:
    flags = (
        view.checkable, view.checked, view.clickable, view.enabled, view.focusable, view.focused, view.scrollable,
        view.long_clickable, view.password, view.selected,
    )
    children = tuple(_xml(child) for child in view.children)
    return XmlNode(view.text, view.resource_id, view.class_name, view.package, view.desc, flags, view.seen, children)
