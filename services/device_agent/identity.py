"""Which phone is behind an adb serial. Pure: by what the phone tells of itself, and by the phones known so far.

adb names a phone by the way to it: the same phone is `R5CR805PBNX` by USB and `10.0.0.7:5555` by network, and
`127.0.0.1:5555` is another phone on every host. A phone's own serial number tells which it is, where it has a unique
one. Its serial in Waymark is the one that it was first seen with, and stays: its id follows from that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from contracts.device_agent import DeviceRegistered

_NETWORK = re.compile(r":\d{1,5}$")
_SERVICE = re.compile(r"\._adb(?:-tls-connect|-tls-pairing)?\._tcp\.?(?:local\.?)?$")
_EMULATOR = re.compile(r"emulator-\d+$")


class Way(IntEnum):
    """How adb reaches a phone; the lower, the better: USB is faster and does not lose phones for minutes."""

    USB = 0
    EMULATOR = 1
    NETWORK = 2


def way(serial: str) -> Way:
    """The way that an adb serial stands for. Network: `host:port`, mDNS names (`adb-XXXX._adb-tls-connect._tcp`)."""
    if _EMULATOR.match(serial):
        return Way.EMULATOR
    return Way.NETWORK if _NETWORK.search(serial) or _SERVICE.search(serial) else Way.USB


def known_as(adb_serial: str, hardware_serial: str | None, server: str, known: Iterable[DeviceRegistered]) -> str:
    """The serial in Waymark of the phone that one adb server calls `adb_serial`.

    `server` is that server's name, empty for the only or first one; `known` are all phones that were ever registered,
    each as it was registered last, oldest first.
    """
    phones = {phone.serial: phone for phone in known}
    if hardware_serial is None:
        # Nothing but its place tells it: `emulator-5554` of two servers are two phones.
        return f"{adb_serial}@{server}" if server else adb_serial
    for phone in phones.values():
        if phone.hardware_serial == hardware_serial:
            return phone.serial
    namesake = phones.get(adb_serial)
    if namesake is None or namesake.hardware_serial in {None, hardware_serial}:
        return adb_serial
    return f"{adb_serial}@{hardware_serial}"
