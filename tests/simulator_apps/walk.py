"""A breadth-first walk over the gestures of the engine: which of an app's screens fingers can reach."""

from __future__ import annotations

import copy
from collections import Counter, deque

from tests.simulator_apps.driving import PACKAGE, Finger, centre, phone

VALUES = {
    "user": "li",
    "password": "secret",
    "name": "Li Wei",
    "email": "li@wei.cn",
    "phone": "13800000000",
    "date": "2026-03-31",
}
STATES_OF_A_SCREEN = 5
ALIKE = 2
"""Elements with one id that are tried on a screen: rows of a list lead to the same screen."""


def reached(version: str) -> dict[str, set[str]]:
    """Resource ids and texts that each screen of the app showed, by the screen's name."""
    start = phone(version)
    start.world.launch(PACKAGE, None, start.now_s)
    queue, seen, counts = deque([start.wait(0.5)]), set(), Counter()
    found: dict[str, set[str]] = {}
    while queue:
        finger = queue.popleft()
        surface = finger.world.surface(finger.now_s)
        top = finger.world.phone.top
        screen = top.dialogs[-1] if top.dialogs else top.screen
        if surface.hierarchy in seen or counts[surface.package, screen] >= STATES_OF_A_SCREEN:
            continue
        if surface.package in ("com.waymark.sim.launcher", "com.waymark.sim.browser"):
            continue
        seen.add(surface.hierarchy)
        counts[surface.package, screen] += 1
        values = {node.get(name) for node in finger.nodes() for name in ("resource-id", "text", "content-desc")}
        if surface.package == PACKAGE:
            found.setdefault(screen, set()).update(values)
        queue.extend(_next(finger))
    return found


def _fork(finger: Finger) -> Finger:
    world = copy.copy(finger.world)
    shared = {id(each.app): each.app for each in finger.world.phone.installed.values()}
    world.phone = copy.deepcopy(finger.world.phone, shared)
    return Finger(world, finger.now_s)


def _next(finger: Finger) -> list[Finger]:
    fields = [n for n in finger.nodes() if n.get("class") == "android.widget.EditText"]
    made, alike = [], Counter()
    if fields and all(n.get("resource-id").rpartition("/")[2] in VALUES for n in fields):
        made.append(_filled(_fork(finger), fields))
    for node in finger.nodes():
        if node.get("clickable") == "true" and node not in fields:
            kind = node.get("resource-id") or "".join(n.get("text") + n.get("content-desc") for n in node.iter("node"))
            alike[kind] += 1
            if alike[kind] <= ALIKE:
                made.append(_fork(finger).at(*centre(node)).wait(0.5))
        if node.get("scrollable") == "true":
            made.append(_fork(finger).drag(1400, 500))
    made.append(_fork(finger).key("BACK"))
    return made


def _filled(finger: Finger, fields: list) -> Finger:
    for node in fields:
        entry = node.get("resource-id").rpartition("/")[2]
        finger.at(*centre(node))
        finger.world.clear_text(finger.now_s)
        finger.world.type_text(VALUES[entry], finger.now_s)
    return finger
