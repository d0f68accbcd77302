from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import uiautomator2
from uiautomator2.exceptions import UiObjectNotFoundError, XPathElementNotFoundError

from services.cli.exporting.steps_of_tests import Steps

LONG_PRESS_S = 0.7


class Phone(Steps):
    """The steps on uiautomator2."""

    def __init__(self, device: uiautomator2.Device, parameters: dict[str, str]) -> None:
        super().__init__(parameters)
        self.device = device

    def launch(self, package: str, *, restart: bool, wait_s: float = 20) -> None:
        if restart:
            self.device.app_stop(package)
        self.device.app_start(package)
        self.front(package, None, wait_s)

    def type(self, selectors: list[dict[str, Any]], text: str, wait_s: float, same: dict[str, str] | None = None, *,
             submit: bool = False) -> None:  # fmt: skip
        if selectors:
            self.tap(selectors, wait_s, same)
        field = self.device(focused=True)
        assert field.wait(timeout=max(wait_s, 1)), "no field has the focus"
        field.set_text(self.filled(text))
        if submit:
            self.device.press("enter")

    def press(self, key: int) -> None:
        self.device.press(key)

    def in_front(self) -> tuple[str, str]:
        seen = self.device.app_current()
        return seen["package"], seen["activity"] or ""

    def size(self) -> tuple[int, int]:
        width, height = self.device.window_size()
        return width, height

    def source(self) -> str:
        return str(self.device.dump_hierarchy())

    def touch(self, x: int, y: int, press: str) -> None:
        if press == "LONG":
            self.device.long_click(x, y, LONG_PRESS_S)
        elif press == "DOUBLE":
            self.device.double_click(x, y)
        else:
            self.device.click(x, y)

    def stroke(self, x: int, y: int, to_x: int, to_y: int, duration_ms: int) -> None:
        self.device.swipe(x, y, to_x, to_y, duration=duration_ms / 1000)

    def matches(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            if "xpath" in wanted:
                nodes = self.device.xpath(wanted["xpath"]).all()
                nodes = nodes[wanted["instance"] :][:1] if "instance" in wanted else nodes
                return [
                    {"className": n.info["className"], "text": n.info["text"],
                     "contentDescription": n.info["contentDescription"], "box": n.bounds}
                    for n in nodes
                ]  # fmt: skip
            element = self.device(**wanted)
            infos = [element.info] if "instance" in wanted else element.info_list()
        except (UiObjectNotFoundError, XPathElementNotFoundError):
            return []
        sides = ("left", "top", "right", "bottom")
        return [{**info, "box": tuple(info["bounds"][side] for side in sides)} for info in infos]


@pytest.fixture
def phone(parameters: dict[str, str]) -> Iterator[Phone]:
    """The phone of $ANDROID_SERIAL, or the only one."""
    device = uiautomator2.connect(os.environ.get("ANDROID_SERIAL"))
    yield Phone(device, parameters)
    device.stop_uiautomator()
