"""The agent as a process, and adb servers: it waits where there is none, and starts and ends none."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from contracts.device_agent import DeviceLost, DeviceReady, DeviceRegistered
from deploy.embedded.adb import AdbServer
from deploy.embedded.process import free_port
from deploy.simulator.farm import Farm
from services.device_agent.adb.bootstrap import ServerAddress
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbServerGone
from tests.device_agent.cable import Cable
from tests.one_service import OneService

pytestmark = pytest.mark.system

RECORDER = '#!/bin/sh\necho "$@" >> "{log}"\nexit 1\n'
SOURCES = Path(__file__).parents[2] / "services" / "device_agent"


def fake_adb(folder: Path) -> tuple[dict[str, str], Path]:
    """An adb program that only notes that it was called, first on the path; and its notes."""
    folder.mkdir()
    program, log = folder / "adb", folder / "calls"
    program.write_text(RECORDER.format(log=log))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    path = f"{folder}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return {"PATH": path, "ADBUTILS_ADB_PATH": str(program)}, log


async def test_without_a_server_the_agent_says_so_waits_and_starts_none(stack, migrated_database, tmp_path):
    environ, calls = fake_adb(tmp_path / "bin")
    async with AsyncExitStack() as there:
        adb = await there.enter_async_context(AdbServer())
        farm = Farm(1, spec="bare")
        address = (await farm.start())["phones"][0]["address"]
        there.push_async_callback(farm.close)
        way = await there.enter_async_context(Cable(adb.port))
        await way.pull()
        environ |= {"ADB_SERVER_SOCKET": f"tcp:127.0.0.1:{way.port}", "WAYMARK_ADB_CONNECT": address}
        running = OneService.running("device_agent", stack, migrated_database, tmp_path / "agent", environ)
        agent = await there.enter_async_context(running)
        log = agent.platform.log_of("device_agent-0")
        await agent.until(lambda: _text(log), lambda text: "no adb server answers at" in text)

        family = psutil.Process(agent.platform.service("device_agent").pid)
        assert [process.name() for process in family.children(recursive=True) if "adb" in process.name()] == []
        assert not calls.exists(), f"adb was called: {calls.read_text()}"
        await way.plug()
        (ready,) = await agent.wait_for(1, DeviceReady)
        assert ready.event.serial == address
        assert re.fullmatch(r"device_agent-0@.+/127\.0\.0\.1:\d+", ready.event.agent)
        assert not calls.exists(), f"adb was called: {calls.read_text()}"


async def test_phone_with_two_ways_to_it_is_one_and_the_better_way_is_used(stack, migrated_database, tmp_path):
    """adb's own name for an emulator stands for the better way here: no test has a USB cable."""
    async with AsyncExitStack() as there:
        adb = await there.enter_async_context(AdbServer())
        farm = Farm(1, spec="bare")
        phone = (await farm.start())["phones"][0]
        there.push_async_callback(farm.close)
        cable = await there.enter_async_context(Cable(phone["port"]))
        await adb.connect(phone["address"])
        running = OneService.running("device_agent", stack, migrated_database, tmp_path / "agent", adb.environment)
        agent = await there.enter_async_context(running)
        log = agent.platform.log_of("device_agent-0")

        async def ways() -> list[str]:
            lines = [json.loads(line) for line in (await _text(log)).splitlines() if '"phone attached"' in line]
            return [line["by"] for line in lines]

        await agent.until(ways, lambda used: used == [phone["address"]])
        console = free_port()
        await adb.request(f"host:connect:emu:{console},{cable.port}")
        await agent.until(ways, lambda used: used == [phone["address"], f"emulator-{console}"])
        await cable.pull()
        await agent.until(ways, lambda used: used == [phone["address"], f"emulator-{console}", phone["address"]])

        assert [r.event.serial for r in await agent.events(DeviceRegistered)] == [phone["address"]]
        assert [r.event.session for r in await agent.events(DeviceReady)] == [1]
        assert await agent.events(DeviceLost) == [], "it was there all the time"


async def test_phone_that_left_while_no_agent_was_there_is_told_lost_afterwards(stack, migrated_database, tmp_path):
    async with AsyncExitStack() as there:
        adb = await there.enter_async_context(AdbServer())
        farm = Farm(2, spec="bare")
        gone, stays = [phone["address"] for phone in (await farm.start())["phones"]]
        there.push_async_callback(farm.close)
        for address in (gone, stays):
            await adb.connect(address)
        running = OneService.running("device_agent", stack, migrated_database, tmp_path / "agent", adb.environment)
        agent = await there.enter_async_context(running)
        await agent.wait_for(2, DeviceReady)
        agent.platform.kill_service("device_agent")
        await adb.disconnect(gone)
        agent.platform.start_service("device_agent")

        (lost,) = await agent.wait_for(1, DeviceLost)
        assert lost.event.serial == gone
        assert len(await agent.events(DeviceReady)) == 2, "the other one was there all the time"


async def _text(log: Path) -> str:
    return log.read_text() if log.exists() else ""


async def test_phone_that_waits_while_another_one_is_attached_slowly_is_not_told_lost(
    stack, migrated_database, tmp_path
):
    async with AsyncExitStack() as there:
        adb = await there.enter_async_context(AdbServer())
        farm = Farm(3, spec="bare")
        gone, *stay = [phone["address"] for phone in (await farm.start())["phones"]]
        there.push_async_callback(farm.close)
        for address in (gone, *stay):
            await adb.connect(address)
        running = OneService.running("device_agent", stack, migrated_database, tmp_path / "agent", adb.environment)
        agent = await there.enter_async_context(running)
        await agent.wait_for(3, DeviceReady)
        agent.platform.kill_service("device_agent")
        await adb.disconnect(gone)
        for phone in farm.phones[1:]:
            phone.faults.arm("slow", pattern="getprop", times=2, seconds=6.0)
        agent.platform.start_service("device_agent")

        log = agent.platform.log_of("device_agent-0")
        for attached in (4, 5):
            await agent.until(lambda: _text(log), lambda text, n=attached: text.count('"phone attached"') == n)
        await agent.wait_for(1, DeviceLost)
        assert [r.event.serial for r in await agent.events(DeviceLost)] == [gone], "the others were there all the time"


def test_nothing_in_the_agent_can_start_or_end_a_server():
    """Neither the words of adb's own commands for it nor anything that starts programs."""
    forbidden = re.compile(
        r"^\s*(?:import|from) (?:subprocess|adbutils)\b|create_subprocess|os\.(?:system|exec|spawn)|host:kill"
    )
    found = [
        f"{path.relative_to(SOURCES)}: {line.strip()}"
        for path in SOURCES.rglob("*.py")
        for line in path.read_text().splitlines()
        if forbidden.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
async def test_server_is_reached_through_a_socket_of_this_machine(adb_port, bench, tmp_path, abstract):
    path = f"\0waymark-{tmp_path.name}-{adb_port}" if abstract else str(tmp_path / "adb.sock")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", adb_port)
        await asyncio.gather(_pass(reader, to_server), _pass(from_server, writer))

    async with bench("bare") as b:
        server = await asyncio.start_unix_server(serve, path)
        async with server:
            client = AdbClient.at(ServerAddress(path=path))
            assert (await client.shell(b.serial, "echo 你好", 5)).stdout == "你好\n".encode()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()


async def test_socket_that_is_not_there_is_called_by_its_name():
    with pytest.raises(AdbServerGone, match=r"localfilesystem:/nowhere/adb\.sock"):
        await AdbClient.at(ServerAddress(path="/nowhere/adb.sock")).version()
