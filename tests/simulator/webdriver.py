"""A small WebDriver server in front of one phone: of Appium's protocol, what exported scripts call."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from contracts.sealed import Sealed
from contracts.values import Click, Input, Point, Strategy
from services.device_agent.capture import Capture, capture
from services.device_agent.phone import Phone
from services.hierarchy.locators import evaluate
from services.hierarchy.node import Node
from services.hierarchy.parse import parse

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_STRATEGIES = {"-android uiautomator": Strategy.CUSTOM, "xpath": Strategy.XPATH}
_ATTRIBUTES = {"class": "class_name", "content-desc": "content_desc"}


@dataclass
class WebDriver:
    """`calls` are what was asked: method, what of a session, body."""

    phone: Phone
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""
    _elements: list[Node] = field(default_factory=list)
    _sent: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        server = web.Application()
        server.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(server)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        words = request.match_info["path"].split("/")
        body = await request.json() if request.can_read_body else None
        what = "/".join(words[2:])
        self.calls.append((request.method, what, body))
        return web.json_response({"value": await self._value(request.method, words[2:], body)})

    async def _value(self, method: str, words: list[str], body: Any) -> Any:
        match method, *words:
            case ["POST"]:
                return {"sessionId": "one", "capabilities": {"platformName": "Android"}}
            case ["DELETE"]:
                return None
            case ["POST", "execute", "sync"]:
                return await self._execute(body["script"], body["args"][0] if body["args"] else {})
            case ["POST", ("elements" | "element") as many]:
                found = await self._find(body["using"], body["value"])
                return found if many == "elements" else found[0]
            case ["GET", "element", number, *rest]:
                return self._told(self._elements[int(number)], rest)
            case ["POST", "element", number, "clear"]:
                return await self._type(self._elements[int(number)], "")
            case ["POST", "element", number, "value"]:
                return await self._type(self._elements[int(number)], body["text"])
            case ["POST", "actions"]:
                moves = [a for a in body["actions"][0]["actions"] if a["type"] == "pointerMove"]
                places = [str(int(move[axis])) for move in (moves[0], moves[-1]) for axis in ("x", "y")]
                return await self._shell("input", "swipe", *places, str(moves[-1]["duration"]))
            case ["DELETE", "actions"]:
                return None
            case ["GET", "source"]:
                return (await self._look()).hierarchy_xml.decode()
            case ["GET", "window", "rect"]:
                width, height = self.phone.resolution or (0, 0)
                return {"x": 0, "y": 0, "width": width, "height": height}
            case asked:
                raise AssertionError(f"nobody asks a phone this: {asked}")

    async def _execute(self, script: str, told: dict[str, Any]) -> Any:
        match script:
            case "mobile: getCurrentPackage":
                return (await self._look()).foreground.package
            case "mobile: getCurrentActivity":
                return (await self._look()).foreground.activity
            case "mobile: activateApp":
                return await self._shell("monkey", "-p", told["appId"], "-c", "android.intent.category.LAUNCHER", "1")
            case "mobile: terminateApp":
                await self._shell("am", "force-stop", told["appId"])
                return True
            case "mobile: clickGesture":
                return await self._shell("input", "tap", str(told["x"]), str(told["y"]))
            case "mobile: doubleClickGesture":
                return await self._perform(Click(point=Point(x=told["x"], y=told["y"]), press="DOUBLE"))
            case "mobile: longClickGesture":
                place = [str(told["x"]), str(told["y"])]
                return await self._shell("input", "swipe", *place, *place, str(told["duration"]))
            case "mobile: pressKey":
                return await self._shell("input", "keyevent", str(told["keycode"]))
            case _:
                raise AssertionError(f"the driver of UiAutomator2 has no {script}")

    async def _find(self, using: str, value: str) -> list[dict[str, str]]:
        found = evaluate(parse((await self._look()).hierarchy_xml), _STRATEGIES[using], value)
        self._elements += found
        begin = len(self._elements) - len(found)
        return [{ELEMENT: str(number)} for number in range(begin, len(self._elements))]

    def _told(self, node: Node, rest: list[str]) -> Any:
        match rest:
            case ["attribute", name]:
                return getattr(node, _ATTRIBUTES[name])
            case ["text"]:
                return node.text
            case ["rect"]:
                box = node.bounds.to_bounds()
                return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
            case _:
                raise AssertionError(f"an element has no {rest}")

    async def _type(self, node: Node, text: str) -> None:
        await self._perform(Input(point=node.bounds.to_bounds().centre, text=Sealed[str].of(text)))

    async def _perform(self, action: Any) -> None:
        self._sent += 1
        performed = await self.phone.perform(action, 1, self._sent, lambda sealed: sealed.reveal())
        assert performed.succeeded, performed

    async def _look(self) -> Capture:
        for _ in range(50):
            seen = await capture(self.phone)
            if seen.hierarchy_xml is not None:
                return seen
            await asyncio.sleep(0.05)
        raise AssertionError("the phone shows nothing")

    async def _shell(self, *words: str) -> None:
        answer = await self.phone.shell(shlex.join(words), 10, "webdriver")
        assert answer.rc == 0, answer
