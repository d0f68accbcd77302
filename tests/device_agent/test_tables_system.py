"""The table of phones: free, busy, away and retired, and their tags, in whatever order the events come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.device_agent import DeviceLost, DeviceReady, DeviceRegistered
from contracts.event import Event
from contracts.orchestrator import (
    LeaseEnded,
    PhoneDescribed,
    PhoneJoined,
    PhoneReinstated,
    PhoneRetired,
    PhoneTagged,
    TaskGranted,
)
from contracts.subjects import derived_id
from contracts.values import DeviceType
from deploy.embedded.stack import Stack
from tests.one_service import OneService

pytestmark = pytest.mark.system

DEVICE, FLEET = derived_id("device", "a"), derived_id("fleet", "default")
RUN: dict[str, Any] = {
    "fleet_id": FLEET, "task_id": derived_id("task", 1), "run_id": derived_id("run", 1), "device_id": DEVICE,
    "lease_token": 1,
}  # fmt: skip


def found(session: int, *, leased: bool = False, retired: bool = False, **tags: str) -> list[Event]:
    about: dict[str, Any] = {"device_id": DEVICE, "serial": "a", "model": "Pixel 7", "api_level": 33}
    return [
        DeviceReady(**about, session=session, pool="default", tags={}),
        PhoneJoined(**about, fleet_id=FLEET, session=session, all_tags=tags, leased=leased, retired=retired),
    ]


def lost(session: int) -> Event:
    return DeviceLost(device_id=DEVICE, session=session, serial="a", reason="unplugged")


async def test_a_phone_s_row_follows_what_becomes_of_it(stack: Stack, database: str, tmp_path: Path) -> None:
    nobody = {"ADB_SERVER_SOCKET": "tcp:127.0.0.1:9"}
    kept: dict[str, Any] = {"fleet_id": FLEET, "device_id": DEVICE, "serial": "a"}
    registered = DeviceRegistered(
        device_id=DEVICE, serial="a", model="Pixel 7", os_version="13", api_level=33, device_type=DeviceType.REAL,
        tags={"pool": "agent"},
    )  # fmt: skip
    story: list[tuple[list[Event], tuple[str, dict[str, str]]]] = [
        ([registered], ("OFFLINE", {"pool": "agent"})),
        (found(1, pool="agent"), ("AVAILABLE", {"pool": "agent"})),
        ([PhoneTagged(**kept, own_tags={}, all_tags={"pool": "手"}, by="alice")], ("AVAILABLE", {"pool": "手"})),
        ([TaskGranted(**RUN)], ("BUSY", {"pool": "手"})),
        ([lost(1)], ("OFFLINE", {"pool": "手"})),
        (found(2, leased=True, pool="手"), ("BUSY", {"pool": "手"})),
        ([registered], ("BUSY", {"pool": "手"})),
        (
            [PhoneDescribed(fleet_id=FLEET, device_id=DEVICE, tags={}, all_tags={"os": "14"}, seen_seq=9)],
            ("BUSY", {"os": "14"}),
        ),
        ([LeaseEnded(**RUN, reason="SUCCEEDED")], ("AVAILABLE", {"os": "14"})),
        ([PhoneRetired(**kept, session=2, by="alice", why=None)], ("DECOMMISSIONED", {"os": "14"})),
        ([lost(2), *found(3, retired=True, os="14")], ("DECOMMISSIONED", {"os": "14"})),
        ([PhoneReinstated(**kept, present=True, leased=False, by="alice")], ("AVAILABLE", {"os": "14"})),
    ]
    async with OneService.running("device_agent", stack, database, tmp_path, nobody) as agent:
        for events, (status, tags) in story:
            for event in events:
                await agent.append(event)
            (row,) = await agent.rows("SELECT status, tags FROM devices")
            assert (row["status"], row["tags"]) == (status, tags), events
