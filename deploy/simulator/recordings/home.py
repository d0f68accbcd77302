"""The home screen of a phone that plays a recording without one: an icon for the recorded app."""

from __future__ import annotations

import io
from dataclasses import replace

from PIL import Image

from deploy.simulator.apps import system
from deploy.simulator.apps.layout import Setting, arrange
from deploy.simulator.apps.model import App
from deploy.simulator.apps.paint import png
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.state import LAUNCHER
from deploy.simulator.apps.view import HEIGHT, WIDTH, Scene, View
from deploy.simulator.apps.windows import to_xml, touched
from deploy.simulator.hierarchy import XmlNode
from deploy.simulator.recordings.model import Recording


class Home:
    """The launcher, laid out for the described apps' screen and scaled to the recording's."""

    package = LAUNCHER
    activity = f"{LAUNCHER}.HomeActivity"

    def __init__(self, recording: Recording) -> None:
        self._screen = recording.screen
        shown = App(
            recording.package,
            recording.version_name,
            recording.version_code,
            recording.label,
            "start",
            {},
            recording.activities,
        )
        root = system.launcher((shown,)).screens["home"].root
        self._window: View = arrange(root, Setting(Scope(()), LAUNCHER))
        self._picture = b""

    def roots(self) -> tuple[XmlNode, ...]:
        """The window as uiautomator tells of it."""
        return (self._scaled(to_xml(self._window)),)

    def picture(self) -> bytes:
        """PNG in the recording's size."""
        if not self._picture:
            with Image.open(io.BytesIO(png(Scene((self._window,))))) as small:
                buffer = io.BytesIO()
                small.resize(self._screen).save(buffer, "PNG", compress_level=5)
            self._picture = buffer.getvalue()
        return self._picture

    def app_at(self, x: int, y: int) -> str:
        """The package whose icon lies under the point, or the empty string."""
        view = touched(self._window, x * WIDTH // self._screen[0], y * HEIGHT // self._screen[1])
        return view.key if view is not None else ""

    def _scaled(self, node: XmlNode) -> XmlNode:
        left, top, right, bottom = node.bounds
        wide, high = self._screen[0] / WIDTH, self._screen[1] / HEIGHT
        bounds = (round(left * wide), round(top * high), round(right * wide), round(bottom * high))
        children = tuple(self._scaled(child) for child in node.children)
        return replace(node, bounds=bounds, children=children)
