"""The JSON-RPC methods that uiautomator2 calls."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image

from deploy.simulator.commands.capture import dumped_hierarchy
from deploy.simulator.commands.keycodes import character, key_name
from deploy.simulator.trace import Entry

from .selectors import Node, Selector, centre, describe, find, parse_hierarchy
from .windows import all_windows, as_server

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

_STEP_MS = 5
_POLL_S = 0.02
_LONG_PRESS_MS = 500
_DOWN, _UP = 0, 1


class NotFoundError(Exception):
    """No node matches: uiautomator2 makes its UiObjectNotFoundError of it."""


class UnknownMethodError(Exception):
    """The method is not one that the simulated server has."""


class Calls:
    """The methods, for one phone and one request. `cause` is the request's trace entry."""

    def __init__(self, phone: Phone, cause: Entry) -> None:
        self._phone = phone
        self._cause = cause

    async def call(self, method: str, parameters: list[Any]) -> Any:
        """The result of a method; NotFoundError, UnknownMethodError, or TypeError for wrong parameters."""
        handler = METHODS.get(method)
        if handler is None:
            raise UnknownMethodError(method)
        result = handler(self, *parameters)
        return await result if isinstance(result, Awaitable) else result

    def nodes(self, selector: Selector) -> list[Node]:
        return find(parse_hierarchy(self._phone.screen.hierarchy()), selector)

    def node(self, selector: Selector) -> Node:
        found = self.nodes(selector)
        if not found:
            raise NotFoundError(str({name: value for name, value in selector.items() if name != "mask"}))
        return found[0]

    def device_info(self) -> dict[str, Any]:
        width, height = self._phone.screen.size
        return {
            "currentPackageName": self._phone.screen.surface().package,
            "displayHeight": height,
            "displayRotation": self._phone.screen.rotation,
            "displaySizeDpX": width * 160 // 420,
            "displaySizeDpY": height * 160 // 420,
            "displayWidth": width,
            "naturalOrientation": self._phone.screen.rotation == 0,
            "productName": self._phone.properties["ro.product.name"],
            "screenOn": self._phone.screen.awake,
            "sdkInt": self._phone.profile.api,
        }

    async def dump(self, _compressed: bool = False, _depth: int = 50, in_front: bool = False) -> str:
        """Of all windows in sight, or of the one in front. It does not wait for the screen to be idle."""
        await asyncio.sleep(self._phone.latency.dump_s / 10)  # the resident server needs no start of its own
        screen, api = self._phone.screen, self._phone.profile.api

        def written(hierarchy: str) -> str:
            if not in_front:
                hierarchy = all_windows(hierarchy, screen.keyboard_box, screen.bars)
            return as_server(hierarchy, api)

        return dumped_hierarchy(self._phone, self._cause, written)

    async def screenshot(self, scale: float = 1, quality: int = 80) -> str:  # noqa: ARG002
        picture = self._phone.screen.picture(self._cause)
        await asyncio.sleep(self._phone.latency.screencap_s)
        return base64.b64encode(_jpeg(picture, int(quality))).decode()

    async def click(self, target: Selector | float, y: float | None = None, hold_ms: int = 0) -> bool:
        screen = self._phone.screen
        point = centre(self.node(target)) if isinstance(target, dict) else (int(target), int(y or 0))
        if hold_ms >= _LONG_PRESS_MS:
            screen.swipe(point, point, hold_ms, self._cause)
        else:
            screen.tap(*point, self._cause)
        await asyncio.sleep(self._phone.latency.input_s)
        return True

    async def long_click(self, selector: Selector) -> bool:
        return await self.click(selector, None, _LONG_PRESS_MS)

    async def swipe(self, x1: float, y1: float, x2: float, y2: float, steps: int = 55) -> bool:
        latency = self._phone.latency
        duration_ms = int(steps) * _STEP_MS
        self._phone.screen.swipe((int(x1), int(y1)), (int(x2), int(y2)), duration_ms, self._cause)
        await asyncio.sleep(latency.input_s + duration_ms / 1000 * latency.gesture_scale)
        return True

    async def swipe_points(self, points: list[int], steps: int) -> bool:
        return await self.swipe(points[0], points[1], points[-2], points[-1], steps)

    def inject(self, action: int, x: float, y: float, _meta: int = 0) -> bool:
        screen, point = self._phone.screen, (int(x), int(y))
        if action == _DOWN:
            screen.pressed_at = point
        elif action == _UP and screen.pressed_at is not None:
            start, screen.pressed_at = screen.pressed_at, None
            screen.swipe(start, point, 0, self._cause)
        return True

    def press(self, key: str | int, _meta: int = 0) -> bool:
        alias = {"recent": "APP_SWITCH", "delete": "DEL", "center": "DPAD_CENTER", "left": "DPAD_LEFT"}
        alias |= {"right": "DPAD_RIGHT", "up": "DPAD_UP", "down": "DPAD_DOWN"}
        name = key_name(alias.get(str(key), str(key)))
        if name is None:
            return False
        if (typed := character(name)) is not None:
            self._phone.screen.text(typed, self._cause)
        else:
            self._phone.screen.key(name, self._cause)
        return True

    def count(self, selector: Selector) -> int:
        return len(self.nodes(selector))

    def exists(self, selector: Selector) -> bool:
        return bool(self.nodes(selector))

    async def wait_for(self, selector: Selector, timeout_ms: int = 0) -> bool:
        return await self._until(lambda: self.exists(selector), timeout_ms)

    async def wait_gone(self, selector: Selector, timeout_ms: int = 0) -> bool:
        return await self._until(lambda: not self.exists(selector), timeout_ms)

    async def _until(self, condition: Callable[[], bool], timeout_ms: int) -> bool:
        deadline = asyncio.get_running_loop().time() + timeout_ms / 1000
        while not condition():
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def info(self, selector: Selector) -> dict[str, Any]:
        return describe(self.node(selector))

    def info_of_all(self, selector: Selector) -> list[dict[str, Any]]:
        return [describe(node) for node in self.nodes(selector)]

    def text_of(self, selector: Selector) -> str:
        return self.node(selector).get("text", "")

    def set_text(self, selector: Selector, text: str) -> bool:
        """Gives the node the focus, as its own accessibility action would, and replaces its text."""
        node = self.node(selector)
        if node.get("focused") != "true":
            self._phone.screen.tap(*centre(node), self._cause)
        self._phone.screen.clear_text(self._cause)
        if text:
            self._phone.screen.text(text, self._cause)
        return True

    def clear_field(self, selector: Selector) -> bool:
        return self.set_text(selector, "")

    def clear_focused(self) -> bool:
        self._phone.screen.clear_text(self._cause)
        return True

    def wake(self) -> bool:
        self._phone.screen.awake = True
        return True

    def doze(self) -> bool:
        self._phone.screen.awake = False
        return True

    def turn(self, orientation: str) -> bool:
        turns = {"natural": 0, "n": 0, "left": 1, "l": 1, "upsidedown": 2, "u": 2, "right": 3, "r": 3}
        self._phone.screen.rotation = turns.get(orientation, 0)
        return True

    async def scroll(self, selector: Selector, vertical: bool, steps: int = 55, *, forward: bool) -> bool:
        node = self.node(selector)
        x, y = centre(node)
        reach = int(node.get("bounds", "[0,0][0,0]").split("][")[0].split(",")[vertical].strip("["))
        span = ((y if vertical else x) - reach) // 2 * (1 if forward else -1)
        before = self._phone.screen.hierarchy()
        dx, dy = (0, span) if vertical else (span, 0)
        await self.swipe(x + dx, y + dy, x - dx, y - dy, steps)
        return self._phone.screen.hierarchy() != before


@lru_cache(maxsize=32)
def _jpeg(png: bytes, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _true(_calls: Calls, *_parameters: Any) -> bool:
    return True


def _nothing(_calls: Calls, *_parameters: Any) -> None:
    return None


Method: TypeAlias = Callable[..., Any]

METHODS: dict[str, Method] = {
    "clearInputText": Calls.clear_focused,
    "clearLastToast": _true,
    "clearTextField": Calls.clear_field,
    "click": Calls.click,
    "count": Calls.count,
    "deviceInfo": Calls.device_info,
    "drag": Calls.swipe,
    "dumpWindowHierarchy": Calls.dump,
    "exist": Calls.exists,
    "freezeRotation": _true,
    "getClipboard": _nothing,
    "getLastToast": _nothing,
    "getText": Calls.text_of,
    "injectInputEvent": Calls.inject,
    "longClick": Calls.long_click,
    "makeToast": _true,
    "objInfo": Calls.info,
    "objInfoOfAllInstances": Calls.info_of_all,
    "openNotification": _true,
    "openQuickSettings": _true,
    "pressKey": Calls.press,
    "pressKeyCode": Calls.press,
    "scrollBackward": lambda calls, *p: calls.scroll(*p, forward=False),
    "scrollForward": lambda calls, *p: calls.scroll(*p, forward=True),
    "setClipboard": _nothing,
    "setOrientation": Calls.turn,
    "setText": Calls.set_text,
    "sleep": Calls.doze,
    "swipe": Calls.swipe,
    "swipePoints": Calls.swipe_points,
    "takeScreenshot": Calls.screenshot,
    "waitForExists": Calls.wait_for,
    "waitUntilGone": Calls.wait_gone,
    "wakeUp": Calls.wake,
}
