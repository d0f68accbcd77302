from __future__ import annotations

import asyncio
import contextlib
import itertools
import time

import pytest

from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import (
    AdbRefused,
    AdbServerGone,
    CommandFailed,
    DeviceGone,
    DeviceOffline,
    DeviceTimeout,
    DeviceUnauthorized,
)
from tests.device_agent.bench import until, until_listed

pytestmark = pytest.mark.system


@pytest.mark.parametrize("api", [23, 33])
async def test_shell_tells_exit_code_and_both_streams_apart(bench, api):
    async with bench("bare", api=api) as b:
        result = await b.client.shell(b.serial, "echo 你好; echo no >&2; exit 3", 5)

        assert (result.rc, result.stdout, result.stderr) == (3, "你好\n".encode(), b"no\n")


@pytest.mark.parametrize("api", [23, 33])
async def test_binary_output_arrives_byte_for_byte(bench, api):
    async with bench("bare", api=api) as b:
        direct = await b.client.shell(b.serial, "screencap -p", 5)
        await b.client.shell(b.serial, "screencap -p /data/local/tmp/p.png", 5)

        assert direct.stdout.startswith(b"\x89PNG\r\n")
        assert await b.client.pull(b.serial, "/data/local/tmp/p.png") == direct.stdout


async def test_files_travel_both_ways_and_a_missing_one_is_an_error(bench):
    content = bytes(range(256)) * 1000
    async with bench("bare") as b:
        await b.client.push(b.serial, content, "/data/local/tmp/w.bin")

        assert await b.client.pull(b.serial, "/data/local/tmp/w.bin") == content
        with pytest.raises(CommandFailed, match="No such file"):
            await b.client.pull(b.serial, "/data/local/tmp/none")


@pytest.mark.parametrize(
    ("api", "kind"),
    [*itertools.product([23, 33], ["drop_before", "drop_during", "drop_after"]), (33, "no_exit")],
)
async def test_phone_that_leaves_in_mid_command_is_gone_and_never_a_result(bench, api, kind):
    async with bench("bare", api=api) as b:
        await b.control.arm(kind, "echo")
        with pytest.raises(DeviceGone) as caught:
            await b.client.shell(b.serial, "echo one; echo two", 5)

        assert caught.value.begun


async def test_unknown_phone_is_gone_and_nothing_began(bench):
    async with bench("bare") as b:
        with pytest.raises(DeviceGone) as caught:
            await b.client.shell("nobody", "echo", 5)

        assert not caught.value.begun


async def test_frozen_phone_ends_in_a_time_out_of_the_whole_call(bench):
    async with bench("bare") as b:
        await b.control.do("freeze", on=True)
        begun_s = time.monotonic()
        with pytest.raises(DeviceTimeout, match="frozen"):
            await b.client.shell(b.serial, "echo", 0.4, "heartbeat")

        assert time.monotonic() - begun_s < 2
        assert (await b.client.devices())[b.serial] == "device"
        assert b.calls[-1][1] == "heartbeat"
        assert b.calls[-1][4] is False


async def test_unauthorized_phone_says_what_to_do_on_its_screen(bench):
    async with bench("bare") as b:
        await b.control.do("authorization", mode="deny")
        await b.client.disconnect(b.serial)
        with contextlib.suppress(AdbRefused):
            await b.client.connect(b.serial)
        await until_listed(b.client, b.serials, "unauthorized")
        with pytest.raises(DeviceUnauthorized, match="Allow USB debugging"):
            await b.client.shell(b.serial, "echo", 5)


async def test_phone_off_the_network_is_offline_and_returns(bench):
    async with bench("bare") as b:
        await b.control.stop()
        await until_listed(b.client, b.serials, "offline")
        with pytest.raises((DeviceOffline, DeviceGone)):
            await b.client.shell(b.serial, "echo", 5)
        await b.control.start()
        await b.back()

        assert (await b.client.shell(b.serial, "echo back", 5)).stdout == b"back\n"


async def test_nobody_listening_tells_how_to_start_a_server():
    with pytest.raises(AdbServerGone, match="adb start-server"):
        await AdbClient("127.0.0.1", 1).version()


async def test_tracking_tells_at_once_and_after_each_change(bench):
    async with bench("bare") as b, contextlib.aclosing(b.client.track_devices()) as lists:
        assert (await anext(lists))[b.serial] == "device"
        await b.client.disconnect(b.serial)
        async with asyncio.timeout(5):
            while b.serial in await anext(lists):
                pass


@pytest.mark.parametrize("api", [23, 33])
async def test_stream_gives_lines_as_they_come_and_ends_with_the_command(bench, api):
    async with bench("bare", api=api) as b:
        assert [line async for line in b.client.stream(b.serial, "echo 一; echo two; printf three")] == [
            "一",
            "two",
            "three",
        ]


async def test_closed_stream_leaves_nothing_running(bench):
    async with bench("bare") as b:
        async with contextlib.aclosing(b.client.stream(b.serial, "echo first; sleep 60; echo late")) as lines:
            assert await anext(lines) == "first"

        assert (await b.client.shell(b.serial, "echo alive", 5)).rc == 0


async def test_calls_run_side_by_side(bench):
    async with bench("bare") as b:
        begun_s = time.monotonic()
        await asyncio.gather(*(b.client.shell(b.serial, "sleep 0.5", 5) for _ in range(8)))

        assert time.monotonic() - begun_s < 2
        assert sum(name == "shell" for name in b.names()) == 8


async def test_forgetting_an_unknown_address_is_harmless(bench):
    async with bench("bare") as b:
        await b.client.disconnect("127.0.0.1:1")
        with pytest.raises(AdbRefused, match="listens"):
            await b.client.connect("127.0.0.1:1")
        await until(lambda states: "127.0.0.1:1" not in states, b.client)
