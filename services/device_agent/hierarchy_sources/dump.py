"""`uiautomator dump`: there on every phone, a second or two a hierarchy, and it waits for the screen to be idle."""

from __future__ import annotations

from services.device_agent.adb.errors import DeviceTimeout
from services.device_agent.hierarchy_sources.source import Device
from services.device_agent.meanwhile import Keep
from services.device_agent.parsers import hierarchy_dump
from services.device_agent.parsers.hierarchy_dump import Absence, Dump
from services.device_agent.reading import Reading, Shot, Source, parts, script, surroundings, with_surroundings

DUMP_FILE = "/data/local/tmp/waymark.xml"
DUMP_TIMEOUT_S = 25.0
"""uiautomator itself gives up on a restless screen after 10 s."""


class DumpSource:
    """Everything in one round trip."""

    name = Source.DUMP

    def __init__(self, device: Device) -> None:
        self._device = device

    async def read(self, before: Shot, on_hierarchy: Keep | None = None) -> Reading:  # noqa: ARG002 - all comes at once
        # The file of an earlier dump would be taken for this one's: it is removed first.
        dump = f"rm -f {DUMP_FILE}; uiautomator dump {DUMP_FILE} 2>&1"
        around = surroundings(self._device.api, closing=before.png is not None)
        asked = script(dump, f"cat {DUMP_FILE} 2>/dev/null", *around)
        try:
            result = await self._device.shell(asked, DUMP_TIMEOUT_S, "hierarchy")
        except DeviceTimeout as error:
            # Frozen, or only uiautomator hangs? A frozen phone raises here.
            await self._device.heartbeat()
            return Reading(Dump(None, Absence.TIMEOUT, str(error)), self.name)
        answers = parts(result.stdout, 5)
        if answers is None:
            words = f"the phone's shell said: {result.stdout[:500].decode(errors='replace')}"
            return Reading(Dump(None, Absence.FAILED, words), self.name)
        said, content, *around_it = answers
        read = hierarchy_dump.read(said.decode(errors="replace"), content)
        return with_surroundings(read, self.name, around_it, before)

    async def stop(self, *, reachable: bool = True) -> None:
        """Nothing runs between two dumps."""
