"""The simulated phone's trace as referee: what really reached the phone, and how often."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from deploy.embedded.platform import Platform

_FENCE = re.compile(r"echo (\d+) (\d+) > \$f\.new")


@dataclass
class Verdict:
    """`attempts`: shell calls that touched the phone, by (lease token, action number). `unfenced`: touches that no
    fence let through, as the phone recorded them."""

    attempts: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    unfenced: list[str] = field(default_factory=list)
    touches: int = 0

    @property
    def repeated(self) -> dict[tuple[int, int], set[int]]:
        """Actions that reached the phone in more than one shell call."""
        return {action: causes for action, causes in self.attempts.items() if len(causes) > 1}


async def judge(platform: Platform, phone: int = 0) -> Verdict:
    """Reads the whole trace of a phone."""
    entries = await platform.control.trace(phone=phone)
    services = {entry["seq"]: entry["detail"] for entry in entries if entry["kind"] == "service"}
    verdict = Verdict()
    for entry in entries:
        if entry["kind"] != "touch":
            continue
        verdict.touches += 1
        fence = _FENCE.search(services.get(entry["cause"], ""))
        if fence is None:
            verdict.unfenced.append(entry["detail"])
        else:
            verdict.attempts[int(fence[1]), int(fence[2])].add(entry["cause"])
    return verdict


async def taps(platform: Platform, phone: int) -> list[tuple[int, int]]:
    """Where a phone was tapped, in order."""
    touches = await platform.control.touches(phone=phone)
    return [(touch["data"]["x"], touch["data"]["y"]) for touch in touches if touch["detail"] == "tap"]


async def delivered(platform: Platform) -> set[str]:
    """SHA-256 of every picture and hierarchy that left a phone."""
    phones = range(len(platform.phones))
    traces = [await platform.control.trace(phone=phone, kinds=["delivery"]) for phone in phones]
    return {entry["data"]["sha256"] for trace in traces for entry in trace}


async def visited(platform: Platform, phone: int) -> dict[str, int]:
    """The states that a phone has shown to who looked, by the player's names, each with how many actions (shell calls
    that touched the phone) it took until then."""
    touching: set[int] = set()
    first: dict[str, int] = {}
    for entry in await platform.control.trace(phone=phone, kinds=["touch", "delivery"]):
        if entry["kind"] == "touch":
            touching.add(entry["cause"])
        elif state := entry["data"].get("state"):
            first.setdefault(state, len(touching))
    return first
