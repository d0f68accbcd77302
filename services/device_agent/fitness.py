"""Whether a phone is fit to be driven: pure checks over what it prints. The preparation of a lease refuses a phone that
fails one of `unfit`; `waymark devices doctor` shows them and many more (`doctor.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.device_agent.parsers import properties

SCRIPT = "dumpsys battery; df -k /data 2>/dev/null"
"""Prints what `health` understands."""


@dataclass(frozen=True)
class Health:
    """Battery charge in percent, its temperature in degrees Celsius, free space of /data in MB; None: not told."""

    battery_percent: int | None = None
    temperature_c: float | None = None
    free_mb: int | None = None


@dataclass(frozen=True)
class Limits:
    """What a phone must have to get a lease."""

    min_battery_percent: int = 15
    max_temperature_c: float = 45.0
    min_free_mb: int = 200


class Level(StrEnum):
    """What a check found. FAIL: the phone cannot be driven, or not fully, until somebody does something."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """What one check says about a phone; `advice` is what to do, empty where nothing is."""

    check: str
    level: Level
    words: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.words}: {self.advice}" if self.advice else self.words


def health(output: str) -> Health:
    percent, temperature_c = properties.battery(output)
    return Health(percent, temperature_c, properties.free_mb(output))


def check_health(seen: Health, limits: Limits) -> tuple[Finding, ...]:
    """Battery, temperature and space, in this order."""
    return (_battery(seen.battery_percent, limits), _temperature(seen.temperature_c, limits), _space(seen, limits))


def unfit(seen: Health, limits: Limits) -> str | None:
    """Why the phone gets no lease, with what to do; None where it is fit. What it does not tell is no reason."""
    reasons = [finding.sentence for finding in check_health(seen, limits) if finding.level is Level.FAIL]
    return "; ".join(reasons) or None


def _battery(percent: int | None, limits: Limits) -> Finding:
    if percent is None:
        return Finding("battery", Level.WARN, "it does not tell the charge of its battery")
    if percent < limits.min_battery_percent:
        return Finding(
            "battery",
            Level.FAIL,
            f"its battery has {percent} %, less than {limits.min_battery_percent} %",
            "charge it (the limit is WAYMARK_PHONE_MIN_BATTERY_PERCENT)",
        )
    return Finding("battery", Level.OK, f"battery {percent} %")


def _temperature(degrees_c: float | None, limits: Limits) -> Finding:
    if degrees_c is None:
        return Finding("temperature", Level.WARN, "it does not tell its temperature")
    if degrees_c > limits.max_temperature_c:
        return Finding(
            "temperature",
            Level.FAIL,
            f"its battery has {degrees_c:g} °C, more than {limits.max_temperature_c:g} °C",
            "let it cool down (the limit is WAYMARK_PHONE_MAX_TEMPERATURE_C)",
        )
    return Finding("temperature", Level.OK, f"{degrees_c:g} °C")


def _space(seen: Health, limits: Limits) -> Finding:
    if seen.free_mb is None:
        return Finding("space", Level.WARN, "it does not tell its free space")
    if seen.free_mb < limits.min_free_mb:
        return Finding(
            "space",
            Level.FAIL,
            f"its storage has {seen.free_mb} MB left, less than {limits.min_free_mb} MB",
            "remove apps or files (the limit is WAYMARK_PHONE_MIN_FREE_MB)",
        )
    return Finding("space", Level.OK, f"{seen.free_mb} MB free")
