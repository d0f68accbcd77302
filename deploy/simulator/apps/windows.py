"""What the phone shows now: its state laid out as windows, the values they read, and the XML of one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from deploy.simulator.apps import system
from deploy.simulator.apps.layout import Setting, arrange, arrange_dialog
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.state import Phone, Record
from deploy.simulator.apps.view import View, contains
from deploy.simulator.hierarchy import XmlNode, hierarchy_xml

_CACHED_HIERARCHIES = 512
"""About 10 MB."""


def scope_of(phone: Phone, record: Record, now_s: float) -> Scope:
    """The values that a record's screen reads: what was typed, its arguments, the app's values, the clock (UTC)."""
    installed = phone.installed[record.package]
    clock = {"clock": f"{datetime.fromtimestamp(now_s, UTC):%H:%M:%S}", "version": installed.app.version_name}
    layers = (record.fields, record.args, installed.memory, installed.stored, clock)
    return Scope(layers, installed.app.counts)


def windows(phone: Phone, now_s: float) -> tuple[View, ...]:
    """Every window in sight, from the back to the front; the last one takes the gestures."""
    records = phone.tasks[-1].records
    first = max((at for at, each in enumerate(records) if not phone.screen_of(each).dialog), default=0)
    found: list[View] = []
    for record in records[first:]:
        setting = Setting(scope_of(phone, record, now_s), record.package, record.focus, record.offsets)
        screens = phone.app_of(record).screens
        screen = screens[record.screen]
        found.append((arrange_dialog if screen.dialog else arrange)(screen.root, setting))
        found.extend(arrange_dialog(screens[dialog].root, setting) for dialog in record.dialogs)
    if phone.not_responding:
        label = phone.installed[phone.not_responding].app.label
        found.append(arrange_dialog(system.anr_dialog(label), Setting(Scope(()), "android")))
    return tuple(found)


def touched(window: View, x: int, y: int) -> View | None:
    """The last drawn view under the point that a touch means something to."""
    found = None
    for view in window.walk():
        if (view.clickable or view.long_clickable) and contains(view.seen, x, y):
            found = view
    return found


@lru_cache(maxsize=_CACHED_HIERARCHIES)
def window_xml(window: View) -> str:
    """What `uiautomator dump` prints of a window."""
    return hierarchy_xml((to_xml(window),))


def to_xml(view: View) -> XmlNode:
    """The view as uiautomator tells of it: bounds are those of the part in sight."""
    flags = (
        view.checkable,
        view.checked,
        view.clickable,
        view.enabled,
        view.focusable,
        view.focused,
        view.scrollable,
        view.long_clickable,
        view.password,
        view.selected,
    )
    children = tuple(to_xml(child) for child in view.children)
    return XmlNode(view.text, view.resource_id, view.class_name, view.package, view.desc, flags, view.seen, children)
