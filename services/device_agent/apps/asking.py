"""What a phone is asked about its apps: its language, lists, and parts of their package files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.device_agent.adb.errors import CommandFailed
from services.device_agent.phone import LONGEST_COMMAND_BYTES, LONGEST_V1_COMMAND_BYTES, READ_TIMEOUT_S, Phone
from services.device_agent.shell import command

LISTING_TIMEOUT_S = 15.0
PART_TIMEOUT_S = 20.0
BLOCK_BYTES = 4_096
_MARGIN_BYTES = 100
_LONG_COMMANDS_SINCE_API = 24


async def language(phone: Phone) -> str:
    """What it shows its texts in, such as `zh-Hans-CN`."""
    asked = "getprop persist.sys.locale; getprop ro.product.locale"
    said = (await phone.shell(asked, READ_TIMEOUT_S, "language")).stdout.decode(errors="replace").split()
    return said[0] if said else ""


async def apps_told(phone: Phone, script: str) -> str:
    """What a command that lists apps prints."""
    return (await phone.shell(script, LISTING_TIMEOUT_S, "apps")).stdout.decode(errors="replace")


async def file_sizes(phone: Phone, paths: Sequence[str]) -> dict[str, int]:
    """Bytes of each of these files; those that cannot be seen are left out."""
    limit = LONGEST_COMMAND_BYTES if phone.api >= _LONG_COMMANDS_SINCE_API else LONGEST_V1_COMMAND_BYTES
    found: dict[str, int] = {}
    for some in batches(paths, limit - _MARGIN_BYTES):
        answer = await phone.shell(command("stat", "-c", "%s %n", *some), READ_TIMEOUT_S, "sizes")
        for line in answer.stdout.decode(errors="replace").splitlines():
            size, _, path = line.partition(" ")
            if size.isdigit():
                found[path] = int(size)
    return found


async def read_part(phone: Phone, path: str, start: int, length: int) -> bytes:
    """A part of a file; no more is sent than what fills its blocks. Raises `CommandFailed` where it is not there
    whole."""
    first, ahead = divmod(start, BLOCK_BYTES)
    count = -(-(ahead + length) // BLOCK_BYTES)
    words = command("dd", f"if={path}", f"bs={BLOCK_BYTES}", f"skip={first}", f"count={count}")
    answer = await phone.shell(f"{words} 2>/dev/null", PART_TIMEOUT_S, "part of a file")
    part = answer.stdout[ahead : ahead + length]
    if len(part) < length:
        raise CommandFailed(phone.serial, f"dd {path}", answer.rc, f"{len(part)} of {length} bytes came")
    return part


def batches(paths: Sequence[str], limit_bytes: int) -> Iterator[list[str]]:
    """Paths, as many at a time as fit a command of so many bytes."""
    some: list[str] = []
    for path in paths:
        if some and len(command(*some, path).encode()) > limit_bytes:
            yield some
            some = []
        some.append(path)
    if some:
        yield some
