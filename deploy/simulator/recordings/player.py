"""Plays a recording: shows recorded states, follows recorded edges, and says which gestures nobody had recorded."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image

from deploy.simulator.hierarchy import hierarchy_xml
from deploy.simulator.recordings.home import Home
from deploy.simulator.recordings.model import Direction, Gesture, Move, Recording, State
from deploy.simulator.world import InstalledApp, LogLine, Surface

MOST_UNRECORDED = 10_000
"""Gestures kept in `unrecorded`, the oldest dropped."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A gesture that the recording does not know: it changed nothing. `state` is empty on the home screen."""

    at_s: float
    state: str
    gesture: Gesture


@dataclass
class _Stack:
    """The declared activity stack: components, bottom first, each shown by the state that it was last seen in."""

    components: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)


class RecordedWorld:
    """A phone on which one recorded app is installed.

    Arriving at a state makes its recorded stack the phone's, without the activities that were not seen in this run.
    BACK without a recorded edge shows the activity below as it was last seen, and leaves the last one to the home
    screen. `timed_s` is how long a state is shown that changes by itself.
    """

    def __init__(self, recording: Recording, seed: int, timed_s: float = 1.0) -> None:
        self.recording = recording
        self.width, self.height = recording.screen
        self.unrecorded: list[Unrecorded] = []
        self.timed_s = timed_s
        self._seed = seed
        self._turns: dict[Move | str, int] = {}
        self._home = Home(recording)
        self._stack = _Stack()
        self._state = recording.home
        """Name of the state in front; empty on the built-in home screen."""
        self._since_s = 0.0

    # What is seen ------------------------------------------------------------------------------------------------
    @property
    def state(self) -> str:
        """Name of the recorded state in front; the empty string on the built-in home screen."""
        return self._state

    def surface(self, now_s: float) -> Surface:
        """The recorded tree of the state in front."""
        state = self._now(now_s)
        if state is None:
            task: tuple[tuple[str, str], ...] = ((self._home.package, self._home.activity),)
            return Surface(self._home.package, self._home.activity, hierarchy_xml(self._home.roots()), task=task)
        components = [_component(state)] if self._is_home() else self._stack.components
        task = tuple((each.partition("/")[0], each.partition("/")[2]) for each in components)
        return Surface(state.package, state.activity, hierarchy_xml(state.roots), task=task, state=state.name)

    def picture(self, now_s: float) -> bytes:
        """The recorded picture as PNG."""
        state = self._now(now_s)
        return self._home.picture() if state is None else _as_png(state.picture, self.recording.screen)

    def _now(self, now_s: float) -> State | None:
        """The state in front, after the timed transitions that are due."""
        for _ in range(len(self.recording.states)):
            targets = self.recording.timed.get(self._state, ())
            if not targets or now_s - self._since_s < self.timed_s:
                break
            self._arrive(self._turn(self._state, targets), self._since_s + self.timed_s)
        return self.recording.states.get(self._state)

    # Gestures ----------------------------------------------------------------------------------------------------
    def tap(self, x: int, y: int, now_s: float) -> None:
        """Follows the edge of the topmost node under the finger."""
        self._touch("tap", x, y, now_s)

    def long_press(self, x: int, y: int, now_s: float) -> None:
        """As `tap`, for recorded long touches."""
        self._touch("hold", x, y, now_s)

    def double_tap(self, x: int, y: int, now_s: float) -> None:
        """Two taps: nobody recorded one."""
        self.tap(x, y, now_s)
        self.tap(x, y, now_s)

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:  # noqa: ARG002 (protocol)
        """Scrolls the topmost scrollable node under the start of the way."""
        state = self._now(now_s)
        sideways: Direction = "RIGHT" if x2 < x1 else "LEFT"
        along: Direction = "DOWN" if y2 < y1 else "UP"
        direction = sideways if abs(x2 - x1) > abs(y2 - y1) else along
        node = state.scrolled(x1, y1) if state else None
        self._follow(Gesture("scroll", node or (), direction), now_s)

    def key(self, keycode: str, now_s: float) -> None:
        """BACK as recorded, else by the stack; HOME; other keys as recorded."""
        state = self._now(now_s)
        gesture = Gesture("key", detail=keycode)
        if keycode == "HOME":
            self._show_home(now_s)
        elif keycode == "BACK" and (self._state, gesture) not in self.recording.moves:
            if state is not None and not self._is_home():
                self._back(now_s)
        else:
            self._follow(gesture, now_s)

    def type_text(self, text: str, now_s: float) -> None:
        """Recordings hold no typing."""
        self._miss(Gesture("key", detail=f"text:{text}"), now_s)

    def clear_text(self, now_s: float) -> None:
        """Recordings hold no typing."""
        self._miss(Gesture("key", detail="text:"), now_s)

    def _touch(self, kind: str, x: int, y: int, now_s: float) -> None:
        state = self._now(now_s)
        if state is None:
            package = self._home.app_at(x, y)
            if package:
                self.launch(package, None, now_s)
            return
        node = state.touched(x, y) or ()
        self._follow(Gesture("tap" if kind == "tap" else "hold", node), now_s)

    def _follow(self, gesture: Gesture, now_s: float) -> None:
        targets = self.recording.moves.get((self._state, gesture), ())
        if targets:
            target = self._turn((self._state, gesture), targets)
            if target != self._state:
                self._arrive(target, now_s)
        else:
            self._miss(gesture, now_s)

    def _miss(self, gesture: Gesture, now_s: float) -> None:
        self.unrecorded.append(Unrecorded(now_s, self._state, gesture))
        del self.unrecorded[:-MOST_UNRECORDED]

    def _turn(self, move: Move | str, targets: tuple[str, ...]) -> str:
        """The next of several targets, beginning where the seed says."""
        turn = self._turns.get(move, self._seed)
        self._turns[move] = turn + 1
        return targets[turn % len(targets)]

    # The stack ---------------------------------------------------------------------------------------------------
    def _arrive(self, name: str, now_s: float) -> None:
        state = self.recording.states[name]
        self._state, self._since_s = name, now_s
        if name == self.recording.home:
            self._stack.components = []
            return
        self._stack.shown[_component(state)] = name
        below = [each for each in reversed(state.stack[1:]) if each in self._stack.shown]
        self._stack.components = [*below, _component(state)]

    def _back(self, now_s: float) -> None:
        components = self._stack.components
        if components:
            components.pop()
        if components:
            self._state, self._since_s = self._stack.shown[components[-1]], now_s
        else:
            self._show_home(now_s)

    def _is_home(self) -> bool:
        """Whether a home screen is in front, recorded or built in."""
        return self._state == self.recording.home

    def _show_home(self, now_s: float) -> None:
        self._state, self._since_s = self.recording.home, now_s

    # Apps --------------------------------------------------------------------------------------------------------
    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        """Shows the app where it was left, or the first recorded state where it does not run."""
        recording = self.recording
        full = package + activity if activity and activity.startswith(".") else activity
        if package != recording.package or full not in (None, recording.main_activity):
            return False
        state = self._now(now_s)
        if state is not None and not self._is_home():
            return True
        if self._stack.components:
            self._state, self._since_s = self._stack.shown[self._stack.components[-1]], now_s
        elif (recording.home, Gesture("launch")) in recording.moves:
            self._follow(Gesture("launch"), now_s)
        else:
            self._arrive(recording.start, now_s)
        return True

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:  # noqa: ARG002 (protocol)
        """Recordings hold no links."""
        return False

    def force_stop(self, package: str, now_s: float) -> None:
        """The recorded app forgets its stack and is gone from the screen."""
        if package == self.recording.package:
            self._stack = _Stack()
            self._show_home(now_s)

    def apps(self) -> tuple[InstalledApp, ...]:
        """The recorded app and the ones that it led to."""
        recording = self.recording
        own = InstalledApp(
            recording.package,
            recording.version_name,
            recording.version_code,
            recording.label,
            recording.activities,
            permissions=recording.permissions,
        )
        others = tuple(
            InstalledApp(each, "1.0", 1, each.rpartition(".")[2].title(), system=True)
            for each in (*recording.foreign, *(() if recording.home else (self._home.package,)))
        )
        return (own, *others)

    def install(self, apk: bytes, now_s: float) -> str:  # noqa: ARG002 (protocol)
        """A recording has one app in one version."""
        return "Failure [INSTALL_FAILED_INVALID_APK: this phone plays a recording]"

    def uninstall(self, package: str, now_s: float) -> bool:  # noqa: ARG002 (protocol)
        """A recording has one app in one version."""
        return False

    def clear_data(self, package: str, now_s: float) -> bool:
        """Forgets the stack: recordings know no other data."""
        if package != self.recording.package:
            return False
        self.force_stop(package, now_s)
        return True

    def log(self, since_s: float) -> tuple[LogLine, ...]:  # noqa: ARG002 (protocol)
        """Nothing that was recorded has a time that could be played."""
        return ()


def _component(state: State) -> str:
    return f"{state.package}/{state.activity}"


@lru_cache(maxsize=64)
def _as_png(path: Path, screen: tuple[int, int]) -> bytes:
    """A recorded picture, whatever its format and its name say, as PNG of the screen's size. About 1 MB each."""
    with Image.open(path) as picture:
        image = picture.convert("RGB")
    if image.size != screen:
        image = image.resize(screen)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
