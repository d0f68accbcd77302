"""Places on a screen, bytes in the object store, apps and their versions."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from contracts.values.value import Value


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
