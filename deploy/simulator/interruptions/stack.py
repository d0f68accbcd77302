"""The interruptions that are up on one phone, what touches and keys do to them, and how they look."""

from __future__ import annotations

import io
import itertools
from collections import deque
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PIL import Image

from deploy.simulator.apps.paint import png
from deploy.simulator.apps.view import HEIGHT, WIDTH, Scene, View, contains
from deploy.simulator.apps.windows import touched, window_xml
from deploy.simulator.components import pid
from deploy.simulator.world import LogLine, Surface

from . import dialogs
from .dialogs import ABOUT_AN_APP, KINDS
from .model import PASSES, Interruption, answer_of

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

_REMEMBERED = 1_000
_SYSTEM_PID = 1423


class Interruptions:
    """The last one is in front. Coordinates are those of the unturned screen, times the phone's own seconds."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._up: list[tuple[int, float, Interruption]] = []
        self._ids = itertools.count(1)
        self.ended: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        """What became of those that are over: `id`, `name`, `outcome`."""
        self.log: deque[LogLine] = deque(maxlen=_REMEMBERED)

    def raise_(self, name: str, **options: Any) -> int:
        """Brings one up and returns its id. ValueError where there is no such kind, or the screen has another size."""
        if name not in KINDS:
            raise ValueError(f"no interruption {name!r}; there are {', '.join(KINDS)}")
        world, now_s = self._phone.world, self._phone.now_s()
        if (world.width, world.height) != (WIDTH, HEIGHT):
            raise ValueError(f"interruptions are drawn for {WIDTH}x{HEIGHT} pixels, not {world.width}x{world.height}")
        if name in ABOUT_AN_APP:
            options.setdefault("package", world.surface(now_s).package)
            labels = {app.package: app.label for app in world.apps()}
            options.setdefault("label_of_app", labels.get(options["package"], options["package"]))
        raised = KINDS[name](self._phone.profile.api, **options)
        number = next(self._ids)
        self._up.append((number, now_s, raised))
        if name == "anr":
            self._write_anr(raised.about, now_s)
        return number

    def front(self) -> Interruption | None:
        """The one that has the focus."""
        return next((up for _, _, up in reversed(self._live()) if up.focus), None)

    def surface(self, below: Surface) -> Surface:
        """What is in front, over `below`."""
        front = self.front()
        if front is None:
            return below
        task = below.task or ((below.package, below.activity),)
        if front.activity:
            task = (*task, (front.package, front.activity))
        return Surface(front.package, front.activity, window_xml(front.window), task=task, title=front.title)

    def picture(self, below: bytes) -> bytes:
        """The screen with all of them drawn over it."""
        for _, _, up in self._live():
            below = _over(below, up.window)
        return below

    def tap(self, x: int, y: int) -> bool:
        """Whether one of them took the touch."""
        for number, _, up in reversed(self._live()):
            if up.focus or contains(up.window.box, x, y):
                view = touched(up.window, x, y)
                if view is not None and (outcome := answer_of(view)) is not None:
                    self._end(number, outcome)
                return True
        return False

    def takes_gestures(self) -> bool:
        """Whether what is below gets no swipes and no text."""
        return self.front() is not None

    def key(self, name: str) -> bool:
        """Whether one of them took the key."""
        for number, _, up in reversed(self._live()):
            outcome = up.keys.get(name)
            if outcome is None and up.focus:
                return True
            if outcome == PASSES:
                return False
            if outcome is not None:
                self._end(number, outcome)
                return name != "HOME"
        return False

    def app_started(self) -> None:
        """Another app comes to the front: a call that rings goes on as a heads-up."""
        for number, since_s, up in self._live():
            if up.name == "call":
                self._end(number, dialogs.PUT_ASIDE, since_s)

    def app_ended(self, package: str) -> None:
        """What an app asked, or what was asked about it, ends with it."""
        for number, _, up in self._live():
            if up.about == package:
                self._end(number, "gone")

    def clear(self) -> None:
        """A phone that starts anew shows none of them."""
        for number, _, _up in self._live():
            self._end(number, "gone")

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        """Those that are up, the last in front, and those that have ended."""
        up = [{"id": number, "name": up.name} for number, _, up in self._live()]
        return {"up": up, "ended": list(self.ended)}

    def _live(self) -> list[tuple[int, float, Interruption]]:
        now_s = self._phone.now_s()
        for entry in list(self._up):
            number, since_s, up = entry
            if up.lasts_s is not None and now_s - since_s >= up.lasts_s:
                self._up.remove(entry)
                self.ended.append({"id": number, "name": up.name, "outcome": "missed"})
        return list(self._up)

    def _end(self, number: int, outcome: str, since_s: float | None = None) -> None:
        up = next(up for each, _, up in self._up if each == number)
        self._up = [entry for entry in self._up if entry[0] != number]
        self.ended.append({"id": number, "name": up.name, "outcome": outcome})
        if outcome == dialogs.ALLOWED:
            self._phone.granted.add((up.about, up.permission))
        elif outcome == dialogs.CLOSED:
            self._phone.world.force_stop(up.about, self._phone.now_s())
        elif outcome in {dialogs.OPENED, dialogs.PUT_ASIDE}:
            other = dialogs.call if outcome == dialogs.OPENED else dialogs.call_heads_up
            begun_s = self._phone.now_s() if since_s is None else since_s
            lasts = replace(other(self._phone.profile.api), lasts_s=up.lasts_s)
            self._up.append((next(self._ids), begun_s, lasts))

    def _write_anr(self, package: str, now_s: float) -> None:
        process = pid(package)
        for message in (
            f"ANR in {package} ({package}/.MainActivity)",
            f"PID: {process}",
            f"Reason: Input dispatching timed out ({package}/.MainActivity is not responding)",
            "Load: 4.12 / 3.70 / 3.02",
            "CPU usage from 0ms to 5112ms later:",
            f"  91% {process}/{package}: 88% user + 3% kernel / faults: 1204 minor",
        ):
            self.log.append(LogLine(now_s, "main", "E", "ActivityManager", _SYSTEM_PID, message))


@lru_cache(maxsize=64)
def _over(below: bytes, window: View) -> bytes:
    picture = Image.open(io.BytesIO(below)).convert("RGB")
    drawn = Image.open(io.BytesIO(png(Scene((window,))))).convert("RGB")
    picture.paste(drawn.crop(window.box), window.box[:2])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
