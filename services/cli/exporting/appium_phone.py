from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from appium import webdriver
from appium.options.android import UiAutomator2Options
from appium.webdriver.common.appiumby import AppiumBy
from appium.webdriver.webelement import WebElement
from selenium.common.exceptions import StaleElementReferenceException

REACH = 0.3
POLL_S = 0.2
LONG_PRESS_MS = 700
ENTER = 66


class Phone:
    """What the steps do, on Appium. An element is a list of selectors, of which the first that means one element is
    taken."""

    def __init__(self, driver: webdriver.Remote, parameters: dict[str, str]) -> None:
        self.driver, self.parameters = driver, parameters

    def launch(self, package: str, *, restart: bool, wait_s: float = 20) -> None:
        if restart:
            self.driver.terminate_app(package)
        self.driver.activate_app(package)
        self.front(package, None, wait_s)

    def front(self, package: str, activity: str | None, wait_s: float) -> None:
        """The screen that is expected is in front, or comes in time."""

        def is_front() -> bool:
            if self.driver.current_package != package:
                return False
            name = self.driver.current_activity or "" if activity is not None else ""
            return activity in {None, package + name if name.startswith(".") else name}

        seen = f"{self.driver.current_package} {self.driver.current_activity}"
        assert self._until(is_front, wait_s), f"{package} {activity or ''} is not in front, first it was {seen}"

    def tap(self, selectors: list[dict[str, Any]], wait_s: float, same: dict[str, str] | None = None,
            press: str = "TAP") -> None:  # fmt: skip
        x, y = self._centre(self._box(selectors, wait_s, same))
        if press == "LONG":
            self.driver.execute_script("mobile: longClickGesture", {"x": x, "y": y, "duration": LONG_PRESS_MS})
        elif press == "DOUBLE":
            self.driver.execute_script("mobile: doubleClickGesture", {"x": x, "y": y})
        else:
            self.driver.execute_script("mobile: clickGesture", {"x": x, "y": y})

    def type(self, selectors: list[dict[str, Any]], text: str, wait_s: float, same: dict[str, str] | None = None, *,
             submit: bool = False) -> None:  # fmt: skip
        if selectors:
            self.tap(selectors, wait_s, same)
        focused: dict[str, Any] = {"focused": True}
        assert self.sees([focused], max(wait_s, 1)), "no field has the focus"
        field = self.driver.find_element(*self._locator(focused))
        field.clear()
        field.send_keys(self.filled(text))
        if submit:
            self.driver.press_keycode(ENTER)

    def press(self, key: int) -> None:
        self.driver.press_keycode(key)

    def swipe(self, start: tuple[float, float], end: tuple[float, float], of_screen: bool, duration_ms: int) -> None:
        """From a place to another, in pixels or in parts of the screen."""
        width, height = self._size() if of_screen else (1, 1)
        (x, y), (to_x, to_y) = ((int(at[0] * width), int(at[1] * height)) for at in (start, end))
        self.driver.swipe(x, y, to_x, to_y, duration=duration_ms)

    def drag(self, direction: str, within: list[dict[str, Any]], wait_s: float, duration_ms: int = 300) -> None:
        """Across the screen, or an element of it; `direction` is where the finger goes."""
        box = self._box(within, wait_s, None) if within else (0, 0, *self._size())
        (x, y), reach_x, reach_y = self._centre(box), int((box[2] - box[0]) * REACH), int((box[3] - box[1]) * REACH)
        ways = {"UP": (0, -reach_y), "DOWN": (0, reach_y), "LEFT": (-reach_x, 0), "RIGHT": (reach_x, 0)}
        dx, dy = ways[direction]
        self.driver.swipe(x - dx, y - dy, x + dx, y + dy, duration=duration_ms)

    def scroll(self, direction: str, within: list[dict[str, Any]], until: list[dict[str, Any]], max_swipes: int,
               wait_s: float) -> None:  # fmt: skip
        """Shows what lies in a direction; with `until`, until that is seen."""
        finger = {"UP": "DOWN", "DOWN": "UP", "LEFT": "RIGHT", "RIGHT": "LEFT"}[direction]
        for _ in range(max_swipes if until else 1):
            if until and self.sees(until, 0):
                return
            self.drag(finger, within, wait_s)
        assert not until or self.sees(until, 1), f"not seen after {max_swipes} swipes: {until}"

    def sees(self, selectors: list[dict[str, Any]], wait_s: float) -> bool:
        return self._until(lambda: any(self._matches(each) for each in selectors), wait_s)

    def wait(self, wait_s: float, visible: list[dict[str, Any]] | None = None, gone: list[dict[str, Any]] | None = None,
             package: str | None = None, *, stable: bool = False) -> None:  # fmt: skip
        """All of it holds, or comes to hold in time."""

        def holds() -> bool:
            if visible is not None and not self.sees(visible, 0):
                return False
            if gone is not None and self.sees(gone, 0):
                return False
            if package is not None and self.driver.current_package != package:
                return False
            return not stable or self._rests()

        assert self._until(holds, wait_s), f"not within {wait_s:g} s: {visible=} {gone=} {package=} {stable=}"

    def filled(self, text: str) -> str:
        """With its parameters put in."""
        return re.sub(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}", self._value, text)

    def _value(self, name: re.Match[str]) -> str:
        return self.parameters.get(name[1], name[0])

    def _until(self, holds: Any, wait_s: float) -> bool:
        deadline_s = time.monotonic() + wait_s
        while not holds():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def _rests(self) -> bool:
        before = self.driver.page_source
        time.sleep(2 * POLL_S)
        return before == self.driver.page_source

    def _size(self) -> tuple[int, int]:
        size = self.driver.get_window_size()
        return size["width"], size["height"]

    def _box(self, selectors: list[dict[str, Any]], wait_s: float, same: dict[str, str] | None) -> tuple[int, ...]:
        """Left, top, right and bottom of the element: the only one that a selector means, and the same as expected."""
        found: list[tuple[int, ...]] = []
        reasons: dict[str, None] = {}

        def look() -> bool:
            for each in selectors:
                if "point" in each:
                    width, height = self._size() if each["of_screen"] else (1, 1)
                    x, y = int(each["point"][0] * width), int(each["point"][1] * height)
                    found.append((x, y, x, y))
                    return True
                infos = self._matches(each)
                differs = same is not None and len(infos) == 1 and self._differs(infos[0], same)
                if len(infos) == 1 and not differs:
                    found.append(infos[0]["box"])
                    return True
                reasons[f"{each}: {f'another element: {infos[0]}' if differs else f'{len(infos)} elements'}"] = None
            return False

        assert self._until(look, wait_s), "not found: " + "; ".join(list(reasons)[-2 * len(selectors) :])
        return found[0]

    def _matches(self, selector: dict[str, Any]) -> list[dict[str, Any]]:
        """What a selector means on the screen now."""
        wanted: dict[str, Any] = {
            name: self.filled(value) if isinstance(value, str) else value for name, value in selector.items()
        }
        try:
            found = self.driver.find_elements(*self._locator(wanted))
            if "instance" in wanted:
                found = found[wanted["instance"] :][:1]
            return [self._info(element) for element in found]
        except StaleElementReferenceException:
            return []

    def _info(self, element: WebElement) -> dict[str, Any]:
        place = element.rect
        return {
            "className": element.get_attribute("class"),
            "text": element.text,
            "contentDescription": element.get_attribute("content-desc"),
            "box": (place["x"], place["y"], place["x"] + place["width"], place["y"] + place["height"]),
        }

    def _locator(self, wanted: dict[str, Any]) -> tuple[str, str]:
        if "xpath" in wanted:
            return AppiumBy.XPATH, wanted["xpath"]
        if "uiselector" in wanted:
            return AppiumBy.ANDROID_UIAUTOMATOR, wanted["uiselector"]
        conditions = {name: value for name, value in wanted.items() if name != "instance"}
        said = "".join(f".{name}({json.dumps(value, ensure_ascii=False)})" for name, value in conditions.items())
        return AppiumBy.ANDROID_UIAUTOMATOR, f"new UiSelector(){said}"

    def _differs(self, info: dict[str, Any], same: dict[str, str]) -> bool:
        return any((info.get(name) or "") != self.filled(value) for name, value in same.items())

    @staticmethod
    def _centre(box: tuple[int, ...]) -> tuple[int, int]:
        return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def secret(reference: str) -> str:
    """What lies at `env:NAME` or `file:/path`."""
    kind, _, where = reference.partition(":")
    return os.environ[where] if kind == "env" else Path(where).read_text(encoding="utf-8").rstrip("\n")


@pytest.fixture
def parameters() -> dict[str, str]:
    """Values of the parameters: of `PARAM_<name>` in the environment, else the script's own."""
    given = {name: os.environ.get("PARAM_" + name.replace(".", "_"), own) for name, own in PARAMETERS.items()}
    missing = ["PARAM_" + name.replace(".", "_") for name, value in given.items() if value is None]
    assert not missing, f"give {', '.join(missing)} in the environment"
    return {name: secret(value) if name in SECRETS else value for name, value in given.items() if value is not None}


@pytest.fixture
def phone(parameters: dict[str, str]) -> Iterator[Phone]:
    """The phone of $ANDROID_SERIAL, or whichever the server of $APPIUM_SERVER has."""
    options = UiAutomator2Options()
    if serial := os.environ.get("ANDROID_SERIAL"):
        options.udid = serial
    options.no_reset = True
    driver = webdriver.Remote(os.environ.get("APPIUM_SERVER", "http://127.0.0.1:4723"), options=options)
    try:
        yield Phone(driver, parameters)
    finally:
        driver.quit()


def main() -> int:
    """`python FILE [--serial SERIAL] ..`: what follows goes to pytest."""
    given = sys.argv[1:]
    if "--serial" in given:
        at = given.index("--serial")
        os.environ["ANDROID_SERIAL"] = given[at + 1]
        del given[at : at + 2]
    return int(pytest.main([__file__, *given]))


PARAMETERS: dict[str, str | None] = {}
SECRETS: set[str] = set()
