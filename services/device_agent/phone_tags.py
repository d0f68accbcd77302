"""Tags that are configured at the agent, in `WAYMARK_PHONE_TAGS`: for all its phones, and for single ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contracts.values import BUILT_IN_TAGS

_TAG = re.compile(r"[^\W\d][\w.-]{0,59}")
_EXAMPLE = "pool=checkout,R5CR30:rack=4"


@dataclass(frozen=True)
class PhoneTags:
    """`everywhere` is for every phone; what `by_serial` says of one goes before it."""

    everywhere: dict[str, str]
    by_serial: dict[str, dict[str, str]]

    def of(self, serial: str) -> dict[str, str]:
        return {**self.everywhere, **self.by_serial.get(serial, {})}


def parse_phone_tags(text: str) -> PhoneTags:
    """`tag=value` for all phones, `SERIAL:tag=value` for one (a serial may hold colons), separated by commas. Raises
    `ValueError`, which says what to write."""
    everywhere: dict[str, str] = {}
    by_serial: dict[str, dict[str, str]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        left, equals, value = entry.partition("=")
        serial, _, tag = (part.strip() for part in left.rpartition(":"))
        if not equals or not value.strip() or _TAG.fullmatch(tag) is None:
            raise ValueError(f"WAYMARK_PHONE_TAGS: {entry!r} is not a tag with a value; write it as in {_EXAMPLE}")
        if tag.casefold() in BUILT_IN_TAGS:
            raise ValueError(f"WAYMARK_PHONE_TAGS: {entry!r}: {tag} says what the phone is and cannot be configured")
        tags = by_serial.setdefault(serial, {}) if serial else everywhere
        tags[tag.casefold()] = value.strip()
    return PhoneTags(everywhere, by_serial)
