"""Places on a screen, bytes in the object store, apps and their versions."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from contracts.values.value import Value

ANDROID = "android"
"""Package of Android itself: the app of a run that is about none. Its version is the release, its code the API level.
"""


class Point(Value):
    """A point in pixels of the screen as it is turned now, origin at the top left."""

    x: int
    y: int


class Bounds(Value):
    """A rectangle in pixels of the screen as it is turned now. Shape of `elements.bounds` in the database design."""

    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> Point:
        return Point(x=self.x + self.width // 2, y=self.y + self.height // 2)

    @property
    def area(self) -> int:
        return max(self.width, 0) * max(self.height, 0)


class ObjectRef(Value):
    """Bytes in the object store. The key is made of the SHA-256, so equal bytes are stored once."""

    key: str
    sha256: str
    size_bytes: int


class AppVersion(Value):
    """An installed app as a phone reports it. A version is package + version name; the code is a detail of it."""

    package: str
    version_name: str
    version_code: int | None = None
    label: str | None = None


class ResolvedApp(Value):
    """Which app in which version a task is about. Ids are derived from package and version name."""

    app_id: UUID
    app_version_id: UUID
    package: str
    name: str
    version_name: str
    version_code: int | None = None


class ApkFile(Value):
    """One APK in the object store. `split` is its name within the app; none: the base."""

    key: str
    sha256: str
    split: str | None = None


class AppInstall(Value):
    """An app that a run installs before anything else. What it is was read from its APKs by whoever asked.

    `reset` DATA: what the app stored on the phone is cleared first. `grant_all`: with every permission that it asks for
    (Android 6 and newer). `keep` false: it is removed at the end, where this run had installed it.
    """

    package: str
    version_name: str
    version_code: int | None = None
    apks: tuple[ApkFile, ...]
    """The base first, then its splits."""
    reset: Literal["NONE", "DATA"] = "NONE"
    grant_all: bool = False
    keep: bool = True
    min_api: int = 1
    """The lowest API level that it runs on."""
    abis: tuple[str, ...] = ()
    """Instruction sets that it has native code for; none: it has no native code, and runs on all."""


class InstalledFiles(Value):
    """What a phone has installed, read from the phone itself."""

    package: str
    version_name: str
    version_code: int | None
    base_digest: str
    """Of `base.apk` as it lies on the phone: `sha256:..`, or `md5:..` where the phone has nothing better."""
    was_there: bool
    """Whether these very files had been installed before, so that nothing was installed."""
    replaced: bool = False
    """Whether another version had been there, or nobody knows: what was stored in it is somebody's."""


class Foreground(Value):
    """What the phone says is in front. A hint, never an identity: it races with the picture."""

    package: str | None
    activity: str | None


class WindowSeen(Value):
    """A window in sight. `bounds` is the part that it takes up and can be touched: a keyboard covers what lies there.

    `type`: APP is a window of an app, dialogs included; SYSTEM a bar, the shade, the lock screen, an overlay.
    """

    type: Literal["APP", "SYSTEM", "KEYBOARD"]
    package: str
    title: str
    bounds: Bounds | None = None
    focused: bool = False
