"""Which phones are there and usable. Pure: fed with the adb server's list and with heartbeats, by a clock passed in.

A phone is Ready when adb calls it `device` AND it answers a heartbeat: a frozen phone stays `device` for ever. Being
away for less than the grace changes nothing. A network phone that left is connected again: adb itself retries for 60 s,
then removes it, and answers "already connected" while it is offline, so disconnect comes before connect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

DEVICE = "device"


class Reason(StrEnum):
    """Why a phone cannot be used."""

    ABSENT = "ABSENT"
    """adb does not list it: unplugged, switched off, out of the network."""
    OFFLINE = "OFFLINE"
    """adb lists it but cannot talk to it."""
    UNAUTHORIZED = "UNAUTHORIZED"
    """Nobody has accepted this computer's key on its screen."""
    FROZEN = "FROZEN"
    """adb calls it well, and it does not answer."""
    NOT_ANDROID = "NOT_ANDROID"
    """It is in recovery, in its boot loader, or a sideload."""
    SERVER_GONE = "SERVER_GONE"
    """The adb server itself does not answer."""


ADVICE = {
    Reason.ABSENT: "check that it is on, and its cable or network",
    Reason.OFFLINE: "if this lasts, unplug it and plug it in again, or restart it",
    Reason.UNAUTHORIZED: "accept `Allow USB debugging` on its screen",
    Reason.FROZEN: "it does not answer: look at its screen, restart it",
    Reason.NOT_ANDROID: "boot it into Android",
    Reason.SERVER_GONE: "start the adb server with `adb start-server`",
}


@dataclass(frozen=True)
class Rules:
    """Seconds, and how many heartbeats in a row may be missed."""

    grace_s: float = 3.0
    missed_beats: int = 2
    reconnect_after_s: float = 1.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    reconnect_for_s: float = 900.0
    """A phone that nobody configured is not connected again after so long: somebody took it away."""


@dataclass(frozen=True)
class Appeared:
    """The phone is listed as `device`, for the first time or after it was lost; a heartbeat decides what follows."""

    serial: str


@dataclass(frozen=True)
class Ready:
    """The phone answers."""

    serial: str


@dataclass(frozen=True)
class Lost:
    """The phone cannot be used, for longer than the grace. Told again only when the reason changes."""

    serial: str
    reason: Reason

    @property
    def advice(self) -> str:
        return ADVICE[self.reason]


@dataclass(frozen=True)
class Reconnect:
    """To do: `disconnect` and `connect` this network phone."""

    address: str


Change = Appeared | Ready | Lost | Reconnect


@dataclass(frozen=True)
class _Phone:
    trouble: Reason | None = None
    """What is wrong now, None while adb calls it `device` and it does not miss heartbeats."""
    since_s: float = 0.0
    """Since when it is in trouble."""
    told: Reason | None = None
    """The reason of the last `Lost`, None once it is ready again."""
    appeared: bool = False
    ready: bool = False
    missed: int = 0
    retry_at_s: float = 0.0
    retry_pause_s: float = 0.0


@dataclass(frozen=True)
class Presence:
    """The phones known, and the addresses that should always be connected."""

    rules: Rules = field(default_factory=Rules)
    configured: frozenset[str] = frozenset()
    phones: Mapping[str, _Phone] = field(default_factory=dict)

    @property
    def ready(self) -> frozenset[str]:
        """Serials that are ready as far as was told."""
        return frozenset(serial for serial, phone in self.phones.items() if phone.ready)

    @property
    def there(self) -> frozenset[str]:
        """Serials of which nothing bad is known."""
        return frozenset(serial for serial, phone in self.phones.items() if phone.trouble is None)

    @property
    def to_beat(self) -> frozenset[str]:
        """Serials that a heartbeat should be sent to."""
        return frozenset(serial for serial, phone in self.phones.items() if phone.trouble in {None, Reason.FROZEN})


def is_network(serial: str) -> bool:
    """Whether adb reaches the phone by TCP, so that it can be connected again."""
    return re.search(r":\d{1,5}$", serial) is not None


def trouble_of(state: str) -> Reason | None:
    """What a state in the adb server's list means; None: the phone is there."""
    match state:
        case "device":
            return None
        case "unauthorized" | "authorizing":
            return Reason.UNAUTHORIZED
        case "recovery" | "bootloader" | "sideload" | "rescue" | "host":
            return Reason.NOT_ANDROID
        case _:
            return Reason.OFFLINE


def begun(rules: Rules, configured: frozenset[str], now_s: float) -> Presence:
    """Nothing is known but the addresses to connect."""
    pause_s = rules.first_pause_s
    away = _Phone(Reason.ABSENT, now_s, retry_at_s=now_s, retry_pause_s=pause_s)
    return Presence(rules, configured, dict.fromkeys(configured, away))


def listed(presence: Presence, states: Mapping[str, str] | None, now_s: float) -> tuple[Presence, list[Change]]:
    """The adb server's list has changed; None: the server is gone, and with it every phone."""
    phones, changes = dict(presence.phones), list[Change]()
    for serial in sorted({*phones, *(states or {})}):
        phone = phones.get(serial, _Phone())
        if states is None:
            trouble: Reason | None = Reason.SERVER_GONE
        else:
            trouble = trouble_of(states[serial]) if serial in states else Reason.ABSENT
        if trouble is not None:
            phones[serial] = _in_trouble(phone, trouble, presence.rules, now_s)
            continue
        # A frozen phone is `device` all the time: only a heartbeat can acquit it.
        if phone.trouble is not Reason.FROZEN:
            phone = replace(phone, trouble=None, missed=0)
        if not phone.appeared:
            phone = replace(phone, appeared=True)
            changes.append(Appeared(serial))
        phones[serial] = phone
    return replace(presence, phones=phones), changes


def _in_trouble(phone: _Phone, trouble: Reason, rules: Rules, now_s: float) -> _Phone:
    if phone.trouble is None:
        pause_s = rules.first_pause_s
        return replace(
            phone, trouble=trouble, since_s=now_s, retry_at_s=now_s + rules.reconnect_after_s, retry_pause_s=pause_s
        )
    return replace(phone, trouble=trouble)


def beat(presence: Presence, serial: str, answered: bool, now_s: float) -> tuple[Presence, list[Change]]:
    """A heartbeat was answered, or not."""
    phone = presence.phones.get(serial)
    if phone is None or phone.trouble not in {None, Reason.FROZEN}:
        return presence, []
    changes: list[Change] = []
    if answered:
        if not phone.ready:
            changes.append(Ready(serial))
        phone = replace(phone, trouble=None, missed=0, ready=True, told=None)
    else:
        phone = replace(phone, missed=phone.missed + 1)
        if phone.missed >= presence.rules.missed_beats and phone.trouble is None:
            phone = replace(phone, trouble=Reason.FROZEN, since_s=now_s)
    return replace(presence, phones={**presence.phones, serial: phone}), changes


def passed(presence: Presence, now_s: float) -> tuple[Presence, list[Change]]:
    """Time has passed: who is away for longer than the grace is lost, network phones are due to be connected again."""
    phones, changes = dict(presence.phones), list[Change]()
    for serial, phone in sorted(presence.phones.items()):
        if phone.trouble is None:
            continue
        away_s, current = now_s - phone.since_s, phone
        # Frozen was waited for already: the heartbeats that it missed.
        if current.told is not phone.trouble and (away_s >= presence.rules.grace_s or phone.trouble is Reason.FROZEN):
            changes.append(Lost(serial, phone.trouble))
            current = replace(current, told=phone.trouble, ready=False, appeared=phone.trouble is Reason.FROZEN)
        if _reconnects(presence, serial, phone, away_s) and now_s >= phone.retry_at_s:
            changes.append(Reconnect(serial))
            pause_s = min(phone.retry_pause_s * 2, presence.rules.longest_pause_s)
            current = replace(current, retry_at_s=now_s + phone.retry_pause_s, retry_pause_s=pause_s)
        if _forgotten(presence, serial, phone, away_s):
            del phones[serial]
        else:
            phones[serial] = current
    return replace(presence, phones=phones), changes


def _reconnects(presence: Presence, serial: str, phone: _Phone, away_s: float) -> bool:
    if phone.trouble not in {Reason.ABSENT, Reason.OFFLINE} or not is_network(serial):
        return False
    return serial in presence.configured or away_s <= presence.rules.reconnect_for_s


def _forgotten(presence: Presence, serial: str, phone: _Phone, away_s: float) -> bool:
    """Phones that came and went do not pile up."""
    long_ago = away_s > max(presence.rules.reconnect_for_s, presence.rules.grace_s)
    return phone.trouble is Reason.ABSENT and serial not in presence.configured and long_ago
