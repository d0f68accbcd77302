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
