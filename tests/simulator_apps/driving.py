"""A finger for the engine's tests: finds nodes in the hierarchy and touches them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from deploy.simulator.apps import load
from deploy.simulator.apps.engine import AppsWorld

PACKAGE = "com.waymark.demo"
_BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")


def bounds(node: etree._Element) -> tuple[int, int, int, int]:
    left, top, right, bottom = map(int, _BOUNDS.fullmatch(node.get("bounds")).groups())
    return left, top, right, bottom


def centre(node: etree._Element) -> tuple[int, int]:
    left, top, right, bottom = bounds(node)
    return (left + right) // 2, (top + bottom) // 2


@dataclass
class Finger:
    """A phone and its clock. Every gesture takes a tenth of a second."""

    world: AppsWorld
    now_s: float = 100.0
    seen: list[str] = field(default_factory=list)

    def tree(self) -> etree._Element:
        return etree.fromstring(self.world.surface(self.now_s).hierarchy.encode())

    def nodes(self) -> list[etree._Element]:
        return list(self.tree().iter("node"))

    def find(self, what: str) -> etree._Element | None:
        for node in self.nodes():
            entry = node.get("resource-id").rpartition("/")[2]
            if what in (entry, node.get("text"), node.get("content-desc")):
                return node
        return None

    def has(self, what: str) -> bool:
        return self.find(what) is not None

    def tap(self, what: str) -> Finger:
        node = self.find(what)
        assert node is not None, f"{what!r} is not on the screen: {self.texts()}"
        return self.at(*centre(node))

    def at(self, x: int, y: int) -> Finger:
        self.now_s += 0.1
        self.world.tap(x, y, self.now_s)
        return self

    def hold(self, what: str) -> Finger:
        self.now_s += 0.1
        self.world.long_press(*centre(self.find(what)), self.now_s)
        return self

    def key(self, code: str) -> Finger:
        self.now_s += 0.1
        self.world.key(code, self.now_s)
        return self

    def type(self, what: str, text: str) -> Finger:
        self.tap(what)
        self.world.type_text(text, self.now_s)
        return self

    def drag(self, y1: int, y2: int) -> Finger:
        self.now_s += 0.3
        self.world.swipe(540, y1, 540, y2, 300, self.now_s)
        return self

    def wait(self, seconds: float) -> Finger:
        self.now_s += seconds
        return self

    def texts(self) -> list[str]:
        return [node.get("text") for node in self.nodes() if node.get("text")]

    @property
    def activity(self) -> str:
        return self.world.surface(self.now_s).activity.rpartition(".")[2]

    @property
    def package(self) -> str:
        return self.world.surface(self.now_s).package


def phone(version: str = "1", seed: int = 0) -> Finger:
    return Finger(load("demo", version, seed))


def started(version: str = "1") -> Finger:
    """The app launched, the splash screen over."""
    finger = phone(version)
    assert finger.world.launch(PACKAGE, None, finger.now_s)
    return finger.wait(0.5)


def signed_in(version: str = "1") -> Finger:
    finger = started(version)
    return finger.type("user", "li").type("password", "secret").tap("sign_in" if version == "1" else "btn_login")
