"""What a simulated phone shows and how it answers to fingers: the seam between the Android shell and what is played.

The shell (`input tap`, `screencap`, `uiautomator dump`, `am start`) knows only this protocol. An app described as data
and a recording each implement it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class InstalledApp:
    """An app as `pm` and `dumpsys package` tell of it. `activities` are full class names, the launcher one first."""

    package: str
    version_name: str
    version_code: int
    label: str
    activities: tuple[str, ...] = ()
    system: bool = False
    permissions: tuple[str, ...] = ()
    launchable: bool = True
    """Whether a launcher shows it."""
    label_resource: int = 0
    """Where its package file has the label, by language; 0: it is the same text in every language."""


ANR_TRACES = "anr"
"""The buffer of what threads did when an app stopped answering: `dumpsys dropbox` tells of it, logcat never does."""


@dataclass(frozen=True)
class LogLine:
    """One line of logcat as a phone prints it, and the buffer that holds it (`main`, `crash`, `events`)."""

    at_s: float
    buffer: str
    priority: str
    tag: str
    pid: int
    message: str


@dataclass
class Surface:
    """What is in front now: the window that uiautomator reads, the activity, and whether the picture may be taken."""

    package: str
    activity: str
    """Full class name, e.g. `com.example.MainActivity`."""
    hierarchy: str
    """uiautomator XML, complete with its declaration."""
    secure: bool = False
    """FLAG_SECURE: a screencap shows black."""
    animated: bool = False
    """Never idle: `uiautomator dump` answers `could not get idle state`."""
    task: tuple[tuple[str, str], ...] = field(default=())
    """The back stack as (package, activity), bottom first."""
    title: str = ""
    """What a window without an activity is called, e.g. `Application Not Responding: com.example`."""
    state: str = ""
    """What the player calls the state in front, where it has names: for referees, nothing on the phone tells it."""


class World(Protocol):
    """Everything a phone plays. Times are seconds of the phone's own clock, passed in by the caller."""

    width: int
    height: int

    def surface(self, now_s: float) -> Surface: ...

    def picture(self, now_s: float) -> bytes:
        """PNG of `surface`, whole screen. Equal states give equal bytes; rendering is cached."""
        ...

    def tap(self, x: int, y: int, now_s: float) -> None: ...

    def long_press(self, x: int, y: int, now_s: float) -> None: ...

    def double_tap(self, x: int, y: int, now_s: float) -> None: ...

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None: ...

    def key(self, keycode: str, now_s: float) -> None:
        """`BACK`, `HOME`, `DEL`, `ENTER`, .. : names without the `KEYCODE_` prefix."""
        ...

    def type_text(self, text: str, now_s: float) -> None:
        """Appends to the focused field; nothing happens where none has the focus."""
        ...

    def clear_text(self, now_s: float) -> None: ...

    def launch(self, package: str, activity: str | None, now_s: float) -> bool:
        """Brings the app (its launcher activity when None) to the front; False where there is no such activity."""
        ...

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool: ...

    def force_stop(self, package: str, now_s: float) -> None: ...

    def apps(self) -> tuple[InstalledApp, ...]: ...

    def install(self, apk: bytes, now_s: float) -> str:
        """`Success`, or `Failure [INSTALL_FAILED_..]` as `pm install` words it."""
        ...

    def uninstall(self, package: str, now_s: float) -> bool: ...

    def clear_data(self, package: str, now_s: float) -> bool: ...

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        """Lines that the apps wrote after `since_s`, oldest first: crashes and ANRs among them. Bounded."""
        ...
