from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from appium import webdriver
from appium.options.android import UiAutomator2Options
from appium.webdriver.common.appiumby import AppiumBy
from appium.webdriver.webelement import WebElement
from selenium.common.exceptions import StaleElementReferenceException

from services.cli.exporting.steps_of_tests import Steps

LONG_PRESS_MS = 700
ENTER = 66


class Phone(Steps):
    """The steps on Appium."""

    def __init__(self, driver: webdriver.Remote, parameters: dict[str, str]) -> None:
        super().__init__(parameters)
        self.driver = driver

    def launch(self, package: str, *, restart: bool, wait_s: float = 20) -> None:
        if restart:
            self.driver.terminate_app(package)
        self.driver.activate_app(package)
        self.front(package, None, wait_s)

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

    def in_front(self) -> tuple[str, str]:
        return self.driver.current_package or "", self.driver.current_activity or ""

    def size(self) -> tuple[int, int]:
        size = self.driver.get_window_size()
        return size["width"], size["height"]

    def source(self) -> str:
        return self.driver.page_source

    def touch(self, x: int, y: int, press: str) -> None:
        if press == "LONG":
            self.driver.execute_script("mobile: longClickGesture", {"x": x, "y": y, "duration": LONG_PRESS_MS})
        elif press == "DOUBLE":
            self.driver.execute_script("mobile: doubleClickGesture", {"x": x, "y": y})
        else:
            self.driver.execute_script("mobile: clickGesture", {"x": x, "y": y})

    def stroke(self, x: int, y: int, to_x: int, to_y: int, duration_ms: int) -> None:
        self.driver.swipe(x, y, to_x, to_y, duration=duration_ms)

    def matches(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
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
