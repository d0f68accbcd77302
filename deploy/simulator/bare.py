"""A phone on which nothing is installed: a home screen, and nothing to tap on it."""

from __future__ import annotations

from .hierarchy import FLAGS, XmlNode, hierarchy_xml
from .screen import plain
from .world import InstalledApp, LogLine, Surface

LAUNCHER = "com.android.launcher3"
_ACTIVITY = f"{LAUNCHER}.Launcher"


class BareWorld:
    """Plays only the launcher, which every gesture leaves as it is."""

    width = 1080
    height = 1920

    def surface(self, now_s: float) -> Surface:  # noqa: ARG002  nothing here changes with time
        enabled = tuple(flag == "enabled" for flag in FLAGS)
        title = XmlNode("", f"{LAUNCHER}:id/workspace", "android.view.ViewGroup", LAUNCHER, "Home", enabled, self._box)
        root = XmlNode("", "", "android.widget.FrameLayout", LAUNCHER, "", enabled, self._box, (title,))
        return Surface(LAUNCHER, _ACTIVITY, hierarchy_xml([root]), task=((LAUNCHER, _ACTIVITY),))

    @property
    def _box(self) -> tuple[int, int, int, int]:
        return (0, 0, self.width, self.height)

    def picture(self, now_s: float) -> bytes:  # noqa: ARG002
        return plain(self.width, self.height, (96, 125, 139))

    def tap(self, x: int, y: int, now_s: float) -> None:
        """Nothing is there to tap."""

    def long_press(self, x: int, y: int, now_s: float) -> None:
        """Nothing is there to press."""

    def double_tap(self, x: int, y: int, now_s: float) -> None:
        """Nothing is there to tap."""

    def swipe(self, x1: int, y1: int, x2: int, y2: int, duration_ms: int, now_s: float) -> None:
        """Nothing is there to move."""

    def key(self, keycode: str, now_s: float) -> None:
        """BACK and HOME lead where it already is."""

    def type_text(self, text: str, now_s: float) -> None:
        """No field has the focus."""

    def clear_text(self, now_s: float) -> None:
        """No field has the focus."""

    def launch(self, package: str, activity: str | None, now_s: float) -> bool:  # noqa: ARG002
        return package == LAUNCHER and activity in (None, _ACTIVITY)

    def deep_link(self, uri: str, package: str | None, now_s: float) -> bool:  # noqa: ARG002
        return False

    def force_stop(self, package: str, now_s: float) -> None:
        """Only the launcher runs, and it comes back at once."""

    def apps(self) -> tuple[InstalledApp, ...]:
        return (InstalledApp(LAUNCHER, "13", 33, "Launcher", (_ACTIVITY,), system=True),)

    def install(self, apk: bytes, now_s: float) -> str:  # noqa: ARG002
        return "Failure [INSTALL_FAILED_INVALID_APK: this phone plays no apps]"

    def uninstall(self, package: str, now_s: float) -> bool:  # noqa: ARG002
        return False

    def clear_data(self, package: str, now_s: float) -> bool:  # noqa: ARG002
        return package == LAUNCHER

    def log(self, since_s: float) -> tuple[LogLine, ...]:  # noqa: ARG002
        return ()
