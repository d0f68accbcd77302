"""Which source reads next: the server, and the dump for a while where the server fails again and again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.device_agent.hierarchy_sources.preference import Preference
from services.device_agent.reading import Source

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0
"""How long the dump reads alone after the second failure of the server in a row; doubled with each further one."""


@dataclass(frozen=True)
class Choice:
    """`failures` of the server in a row; it is not tried before `pause_until_s`. Times are monotonic seconds."""

    preference: Preference
    failures: int = 0
    pause_until_s: float = 0.0

    def source(self, now_s: float) -> Source:
        match self.preference:
            case Preference.SERVER:
                return Source.SERVER
            case Preference.DUMP:
                return Source.DUMP
            case Preference.AUTO:
                return Source.DUMP if now_s < self.pause_until_s else Source.SERVER

    def server_failed(self, now_s: float) -> Choice:
        """After one failure it is started anew at once: whatever ended it may be over."""
        failures = self.failures + 1
        pause_s = 0.0 if failures == 1 else min(FIRST_PAUSE_S * 2.0 ** (failures - 2), LONGEST_PAUSE_S)
        return replace(self, failures=failures, pause_until_s=now_s + pause_s)

    def server_read(self) -> Choice:
        return replace(self, failures=0, pause_until_s=0.0)

    def dump_failed(self, now_s: float) -> Choice:
        """The dump does no better: the server is due again soon."""
        return replace(self, pause_until_s=min(self.pause_until_s, now_s + FIRST_PAUSE_S))
