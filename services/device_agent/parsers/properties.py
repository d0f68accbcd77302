"""What a phone is: getprop, wm, battery, input methods, settings."""

from __future__ import annotations

import re

from contracts.values import DeviceType

_PROPERTY = re.compile(r"^\[(?P<name>[^\]]+)\]: \[(?P<value>.*?)\]$", re.MULTILINE | re.DOTALL)


def properties(output: str) -> dict[str, str]:
    """All of `getprop`. A value may hold line breaks."""
    return {match["name"]: match["value"] for match in _PROPERTY.finditer(output.replace("\r\n", "\n"))}


def device_type(props: dict[str, str]) -> DeviceType:
    """EMULATOR where the system says that it is one (`ro.kernel.qemu`, the `goldfish` and `ranchu` boards)."""
    told = props.get("ro.kernel.qemu") == "1" or props.get("ro.boot.qemu") == "1"
    board = (
        props.get("ro.hardware", "") in {"goldfish", "ranchu"} or props.get("ro.build.characteristics") == "emulator"
    )
    return DeviceType.EMULATOR if told or board else DeviceType.REAL


_SERIAL_OF_MANY = re.compile(
    r"(?i)unknown|none|null|default|emulator.*|(.)\1*|(?:0?1234567890?|0123456789abcdef|1234567890abcdef)+"
)
"""Serial numbers that makers leave in whole series of phones, and emulators share."""


def hardware_serial(props: dict[str, str]) -> str | None:
    """The phone's own serial number (`ro.serialno`, `ro.boot.serialno`), None where it tells no phone from another."""
    if device_type(props) is DeviceType.EMULATOR:
        return None
    for name in ("ro.serialno", "ro.boot.serialno"):
        serial = props.get(name, "").strip()
        if len(serial) >= 6 and not _SERIAL_OF_MANY.fullmatch(serial):
            return serial
    return None


def size(output: str) -> tuple[int, int] | None:
    """Width and height in pixels by `wm size`; an override is what apps see, so it wins. None where it says nothing."""
    found = dict(re.findall(r"(Physical|Override) size: (\d+x\d+)", output))
    text = found.get("Override") or found.get("Physical")
    if text is None:
        return None
    width, height = text.split("x")
    return int(width), int(height)


def density(output: str) -> int | None:
    """Dots per inch by `wm density`; an override wins."""
    found = dict(re.findall(r"(Physical|Override) density: (\d+)", output))
    text = found.get("Override") or found.get("Physical")
    return int(text) if text else None


def rotation(output: str) -> int | None:
    """Quarter turns of the screen, 0..3, by `dumpsys input` or `dumpsys display`; None where neither says."""
    found = re.search(r"SurfaceOrientation: ([0-3])\b|mCurrentOrientation=([0-3])\b|\borientation=([0-3])\b", output)
    return None if found is None else int(next(group for group in found.groups() if group is not None))


def battery(output: str) -> tuple[int | None, float | None]:
    """Charge in percent and temperature in degrees Celsius (the phone prints tenths) by `dumpsys battery`."""
    level = re.search(r"^\s*level: (\d+)", output, re.MULTILINE)
    scale = re.search(r"^\s*scale: (\d+)", output, re.MULTILINE)
    tenths = re.search(r"^\s*temperature: (-?\d+)", output, re.MULTILINE)
    full = int(scale[1]) if scale and int(scale[1]) else 100
    return (
        int(level[1]) * 100 // full if level else None,
        int(tenths[1]) / 10 if tenths else None,
    )


def free_mb(output: str, folder: str = "/data") -> int | None:
    """Free space in MB by `df -k FOLDER` (`df FOLDER` on Android 6, which takes no options); None where it is not told.

    Android 7 and newer: blocks of 1 KB in the fourth column. Android 6: sizes such as `9.8G` in the fourth.
    """
    found = re.search(r"^\S+\s+\d+\s+\d+\s+(\d+)\s", output, re.MULTILINE)
    if found:
        return int(found[1]) // 1024
    old = re.search(rf"^{re.escape(folder)}\s+\S+\s+\S+\s+([\d.]+)([KMGT])\s", output, re.MULTILINE)
    if old is None or not re.fullmatch(r"\d+(\.\d+)?", old[1]):
        return None
    return int(float(old[1]) * {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}[old[2]])


def input_methods(output: str) -> tuple[str, ...]:
    """Input method ids by `ime list -s` (one a line) or `ime list -a`."""
    lines = (line.strip().removesuffix(":") for line in output.splitlines())
    return tuple(line for line in lines if re.fullmatch(r"[\w.]+/[\w.$]+", line))


def setting(output: str) -> str | None:
    """The value by `settings get`; the word `null` means that it is not set."""
    text = output.strip()
    return None if text in {"", "null"} else text
