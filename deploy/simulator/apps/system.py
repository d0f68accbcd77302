"""The apps that every phone has: launcher, permission controller, settings, browser, ADBKeyboard, the system itself."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.simulator.apps.actions import AnrChoice, Answer, Launch
from deploy.simulator.apps.model import App, Look, Node, Screen
from deploy.simulator.apps.state import LAUNCHER, PERMISSION_CONTROLLER
from deploy.simulator.apps.widgets import caption, item, label, listing, page, thumb, toolbar, web_page, web_text

BROWSER = "com.waymark.sim.browser"
SETTINGS = "com.android.settings"
KEYBOARD = "com.android.adbkeyboard"

_ART = {SETTINGS: ("gear", "blue"), BROWSER: ("globe", "violet")}
_PERMISSIONS = {"CAMERA": "take pictures and record video", "ACCESS_FINE_LOCATION": "access this device's location"}


def launcher(apps: Iterable[App]) -> App:
    """The home screen with an icon for each app that can be started."""
    icons = tuple(_icon(app) for app in apps if app.start and not app.hidden and app.package != LAUNCHER)
    clock = Node(
        "column",
        gap=6,
        pad=(60, 120, 60, 90),
        children=(
            label("Wednesday, 4 March", id="clock_date", size=46, color="on_primary"),
            label("Waymark Phone", size=72, weight=300, color="on_primary"),
        ),
    )
    grid = Node("grid", name="apps", id="apps_list", columns=4, gap=36, pad=(42, 0, 42, 0), children=icons)
    activity = f"{LAUNCHER}.HomeActivity"
    screen = Screen("home", activity, page(clock, grid, fill="night"), on_back=())
    return App(LAUNCHER, "1.0", 1, "Launcher", "home", {"home": screen}, (activity,), system=True, hidden=True)


def _icon(app: App) -> Node:
    art, color = _ART.get(app.package, ("compass", "primary"))
    name = label(app.label, size=30, color="on_primary", align="center", lines=2)
    picture = Node("image", width=156, height=156, look=Look(icon=art, fill=color, radius=48))
    return Node(
        "column",
        name=app.package,
        desc=app.label,
        tap=(Launch(app.package),),
        gap=18,
        height=270,
        children=(picture, name),
        look=Look(align="center"),
        class_name="android.widget.LinearLayout",
    )


def permission_controller() -> App:
    """Asks the user in an app's name."""
    activity = f"{PERMISSION_CONTROLLER}.permission.ui.GrantPermissionsActivity"
    leave = (Answer(granted=False, counted=False),)
    screens = {
        name: Screen(name, activity, _question(what), dialog=True, cancelable=False, on_back=leave)
        for name, what in _PERMISSIONS.items()
    }
    return App(
        PERMISSION_CONTROLLER, "14", 34, "Permission controller", "", screens, (activity,), system=True, hidden=True
    )


def _question(what: str) -> Node:
    def choice(name: str, text: str, granted: bool) -> Node:
        return Node(
            "button",
            name=name,
            id=name,
            text=text,
            tap=(Answer(granted),),
            height=132,
            look=Look(42, 500, "primary", "center", "primary_soft", "", 40),
        )

    return Node(
        "column",
        id="grant_dialog",
        gap=24,
        pad=(60, 60, 60, 54),
        look=Look(fill="card", radius=48),
        children=(
            label(f"Allow {{app}} to {what}?", id="permission_message", size=48, weight=500, align="center"),
            choice("permission_allow_foreground_only_button", "While using the app", True),
            choice("permission_allow_one_time_button", "Only this time", True),
            choice("permission_deny_button", "Don’t allow", False),
        ),
    )


def settings() -> App:
    """The phone's settings, one page of them."""
    rows = (
        ("Network & internet", "Wi-Fi, mobile, hotspot"),
        ("Connected devices", "Bluetooth, pairing"),
        ("Apps", "Recent apps, default apps"),
        ("Battery", "100%"),
        ("Display", "Dark theme, font size"),
        ("System", "Languages, time, backup"),
        ("About phone", "Waymark Phone"),
    )
    listed = [
        item(f"row_{at}", first, second, first_id="android:id/title", second_id="android:id/summary")
        for at, (first, second) in enumerate(rows)
    ]
    activity = f"{SETTINGS}.Settings"
    screen = Screen("settings", activity, page(toolbar("Settings", back=False), listing("recycler_view", listed)))
    labels = {"zh-CN": "设置", "de": "Einstellungen"}
    screens = {"settings": screen}
    return App(SETTINGS, "14", 34, "Settings", "settings", screens, (activity,), system=True, labels=labels)


def browser() -> App:
    """A browser: an address bar and whatever page a link asks for."""
    activity = f"{BROWSER}.BrowserActivity"
    bar = Node(
        "row",
        height=147,
        pad=(36, 21, 36, 21),
        look=Look(fill="violet"),
        children=(
            Node(
                "label",
                name="url_bar",
                id="url_bar",
                text="{url}",
                weight=1,
                pad=(30, 24, 30, 24),
                look=Look(size=38, fill="card", radius=40, lines=1),
            ),
        ),
    )
    document = web_page(
        "Waymark",
        thumb("compass", "primary", size=240),
        web_text("Waymark · every screen on the map", size=60, weight=700),
        web_text("You left the app: this page is shown by the browser."),
        caption("© Waymark Demo"),
    )
    screens = {"web": Screen("web", activity, page(bar, document))}
    labels = {"zh-CN": "浏览器"}
    return App(BROWSER, "120.0", 120, "Browser", "web", screens, (activity,), system=True, labels=labels)


def keyboard() -> App:
    """ADBKeyboard: an input method without a window."""
    return App(KEYBOARD, "2.0", 2, "ADB Keyboard", "", {}, (f"{KEYBOARD}.AdbIME",), system=True, hidden=True)


def anr_dialog(app_label: str) -> Node:
    """The system's question about an app that does not answer."""

    def choice(entry: str, text: str, close: bool) -> Node:
        return Node(
            "button",
            name=entry,
            id=f"android:id/{entry}",
            text=text,
            tap=(AnrChoice(close),),
            height=126,
            look=Look(42, 500, "text", "left", icon="close" if close else "clock"),
        )

    return Node(
        "column",
        gap=12,
        pad=(60, 54, 60, 42),
        look=Look(fill="card", radius=36),
        children=(
            label(f"{app_label} isn't responding", id="android:id/alertTitle", size=50, weight=500),
            choice("aerr_close", "Close app", True),
            choice("aerr_wait", "Wait", False),
        ),
    )


def system_apps() -> tuple[App, ...]:
    """All of them but the launcher, which depends on the others."""
    return (permission_controller(), settings(), browser(), keyboard())
