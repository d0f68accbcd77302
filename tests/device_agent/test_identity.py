from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.device_agent import DeviceRegistered
from contracts.values import DeviceType
from services.device_agent.decisions import device_id_of
from services.device_agent.identity import Way, known_as, way
from services.device_agent.parsers import properties

USB, NET, MDNS = "R5CR805PBNX", "10.0.0.7:5555", "adb-R5CR805PBNX-8wXBkZ._adb-tls-connect._tcp"
LOCAL = "127.0.0.1:5555"


def registered(serial: str, hardware: str | None) -> DeviceRegistered:
    return DeviceRegistered(
        device_id=device_id_of(serial),
        serial=serial,
        model="Pixel",
        os_version="13",
        api_level=33,
        device_type=DeviceType.REAL,
        hardware_serial=hardware,
    )


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        (USB, Way.USB),
        ("0123456789ABCDEF", Way.USB),
        ("emulator-5554", Way.EMULATOR),
        (NET, Way.NETWORK),
        ("phone.lan:5555", Way.NETWORK),
        ("[fe80::1]:5555", Way.NETWORK),
        (MDNS, Way.NETWORK),
        (f"{MDNS}.", Way.NETWORK),
        ("adb-R5CR805PBNX._adb._tcp", Way.NETWORK),
    ],
)
def test_way_to_a_phone_is_told_by_its_adb_serial(serial, expected):
    assert way(serial) is expected


def test_usb_comes_before_network():
    assert min([MDNS, NET, USB, "emulator-5554"], key=way) == USB


def test_new_phone_is_known_by_its_adb_serial():
    for serial in (USB, NET, MDNS):
        assert known_as(serial, USB, "", []) == serial


def test_same_phone_by_usb_and_by_network_is_one_phone_whichever_was_first():
    assert known_as(NET, USB, "", [registered(USB, USB)]) == USB
    assert known_as(MDNS, USB, "rack2", [registered(USB, USB)]) == USB
    assert known_as(USB, USB, "", [registered(NET, USB)]) == NET


def test_phone_with_a_new_address_is_still_the_same():
    assert known_as("10.0.0.99:5555", USB, "", [registered(NET, USB)]) == NET


def test_phone_that_was_registered_before_serial_numbers_were_told_keeps_its_serial():
    assert known_as(NET, USB, "", [registered(NET, None)]) == NET


def test_another_phone_at_the_same_address_of_another_host_has_a_serial_of_its_own():
    known = [registered(LOCAL, "AAAA1111")]

    second = known_as(LOCAL, "BBBB2222", "", known)

    assert second == f"{LOCAL}@BBBB2222"
    assert device_id_of(second) != device_id_of(LOCAL)
    assert known_as(LOCAL, "BBBB2222", "", [*known, registered(second, "BBBB2222")]) == second
    assert known_as(LOCAL, "AAAA1111", "", [*known, registered(second, "BBBB2222")]) == LOCAL


def test_emulators_of_two_servers_are_two_phones():
    known = [registered("emulator-5554", None)]

    assert known_as("emulator-5554", None, "", known) == "emulator-5554"
    assert known_as("emulator-5554", None, "rack2", known) == "emulator-5554@rack2"


@given(
    phones=st.lists(
        st.tuples(st.sampled_from([USB, NET, LOCAL, MDNS]), st.sampled_from(["S1S1S1", "S2S2S2", "S3S3S3"])),
        max_size=12,
    )
)
def test_one_serial_number_always_is_one_phone_and_two_are_two(phones):
    known: dict[str, DeviceRegistered] = {}
    names: dict[str, str] = {}
    for adb_serial, hardware in phones:
        name = known_as(adb_serial, hardware, "", known.values())
        known.setdefault(name, registered(name, hardware))
        assert names.setdefault(hardware, name) == name
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"ro.serialno": "R5CR805PBNX"}, "R5CR805PBNX"),
        ({"ro.serialno": "", "ro.boot.serialno": "9A241FFAZ0011X"}, "9A241FFAZ0011X"),
        ({"ro.serialno": "unknown"}, None),
        ({"ro.serialno": "0123456789ABCDEF"}, None),
        ({"ro.serialno": "0123456789abcdef0123456789abcdef"}, None),
        ({"ro.serialno": "000000000000"}, None),
        ({"ro.serialno": "1234567890"}, None),
        ({"ro.serialno": "abc"}, None),
        ({"ro.serialno": "EMULATOR36X3X10X0"}, None),
        ({"ro.serialno": "R5CR805PBNX", "ro.kernel.qemu": "1"}, None),
        ({}, None),
    ],
)
def test_serial_numbers_that_many_phones_share_tell_nothing(props, expected):
    assert properties.hardware_serial(props) == expected
