"""The resident uiautomator2 server as a source: a tenth of a second a hierarchy, and it does not wait for idle."""

from __future__ import annotations

from services.device_agent.hierarchy_sources.resident import ResidentServer, RpcError
from services.device_agent.hierarchy_sources.source import READING_TIMEOUT_S, Device, SourceFailedError
from services.device_agent.meanwhile import Keep, meanwhile
from services.device_agent.parsers import hierarchy_dump
from services.device_agent.parsers.hierarchy_dump import Absence, Dump
from services.device_agent.reading import Reading, Shot, Source, parts, script, surroundings, with_surroundings

METHOD, PARAMETERS = "dumpWindowHierarchy", [False, 50, True]
"""Not compressed; as many levels as uiautomator2 itself asks for; of the window in front."""


class ServerSource:
    """Two round trips: the hierarchy, then windows, focus and the closing picture."""

    name = Source.SERVER

    def __init__(self, device: Device, server: ResidentServer) -> None:
        self._device, self.server = device, server

    async def read(self, before: Shot, on_hierarchy: Keep | None = None) -> Reading:
        await self.server.ensure()
        dump = await self._hierarchy()
        asked = script(*surroundings(self._device.api, closing=before.png is not None))
        async with meanwhile(on_hierarchy, dump.xml):
            result = await self._device.shell(asked, READING_TIMEOUT_S, "surroundings")
        answers = parts(result.stdout, 3)
        if answers is None:
            return Reading(dump, self.name)
        return with_surroundings(dump, self.name, answers, before)

    async def _hierarchy(self) -> Dump:
        """Of the window in front, whole (not compressed): the tree that `uiautomator dump` would write.

        All windows at once would come in no order, without a word which is which; they are told by `dumpsys`.
        """
        try:
            xml = await self.server.call(METHOD, PARAMETERS, READING_TIMEOUT_S, "hierarchy")
        except RpcError as error:
            return Dump(None, Absence.FAILED, str(error))
        if not isinstance(xml, str):
            raise SourceFailedError(f"the uiautomator2 server answered {str(xml)[:200]!r} for a hierarchy")
        return hierarchy_dump.read("", xml.encode("utf-8", "surrogatepass")) if xml else Dump(None, Absence.EMPTY)

    async def stop(self, *, reachable: bool = True) -> None:
        await self.server.stop(reachable=reachable)
