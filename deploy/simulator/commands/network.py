"""Network commands of the phone: its address, and connections through `adb reverse`."""

from __future__ import annotations

import asyncio

from deploy.simulator.shell.call import Call, Program
from deploy.simulator.stream import StreamClosedError


def _ip(call: Call) -> int:
    if "route" in call.arguments:
        call.out("127.0.0.0/8 dev wlan0 proto kernel scope link src 127.0.0.1\n")
    else:
        call.out("21: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n")
        call.out("    inet 127.0.0.1/8 brd 127.255.255.255 scope global wlan0\n")
    return 0


def _ifconfig(call: Call) -> int:
    call.out("wlan0     Link encap:Ethernet\n          inet addr:127.0.0.1  Bcast:127.255.255.255  Mask:255.0.0.0\n")
    return 0


async def _nc(call: Call) -> int:
    """`nc HOST PORT` to the phone itself: where `adb reverse` listens, what comes is the computer's answer."""
    words = [word for word in call.arguments if not word.startswith("-")]
    if len(words) != 2 or words[0] not in ("127.0.0.1", "localhost"):
        return call.fail("the simulated phone reaches only itself: nc 127.0.0.1 PORT")
    stream = call.phone.dial(f"tcp:{words[1]}")
    if stream is None:
        return call.fail("connect: Connection refused")

    async def send() -> None:
        while data := await call.stdin.read():
            await stream.write(data)

    sending = asyncio.create_task(send())
    try:
        while data := await stream.read():
            call.stdout.write(data)
            await call.stdout.flush()
        if sending.done():
            sending.result()
    except StreamClosedError:
        return call.fail("write: Broken pipe")
    finally:
        sending.cancel()
        stream.close()
    return 0


PROGRAMS: dict[str, Program] = {"ifconfig": _ifconfig, "ip": _ip, "nc": _nc}
