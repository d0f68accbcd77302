"""Compiled resources of an app (`resources.arsc`): its label in several languages, and nothing else.

The format is that of `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from deploy.simulator.apps.axml import string_pool

LABEL = 0x7F010000
"""The id of the label: package 0x7f, first type, first entry."""
_PACKAGE_HEADER_BYTES, _CONFIG_BYTES = 288, 64
_STRING = 0x03


def encode(package: str, labels: Mapping[str, str]) -> bytes:
    """The table of a label by language (`zh-CN`); the empty language stands for all others."""
    texts = tuple(dict.fromkeys(labels.values()))
    values = b"".join(_value(language, texts.index(text)) for language, text in labels.items())
    spec = struct.pack("<HHIBBHII", 0x0202, 16, 20, 1, 0, 0, 1, 0x04)
    kinds, keys = string_pool(("string",)), string_pool(("app_name",))
    body = kinds + keys + spec + values
    name = package.encode("utf-16-le")[:254].ljust(256, b"\0")
    places = struct.pack("<5I", _PACKAGE_HEADER_BYTES, 1, _PACKAGE_HEADER_BYTES + len(kinds), 1, 0)
    head = struct.pack("<HHII", 0x0200, _PACKAGE_HEADER_BYTES, _PACKAGE_HEADER_BYTES + len(body), 0x7F) + name + places
    table = string_pool(texts) + head + body
    return struct.pack("<HHII", 0x0002, 12, 12 + len(table), 1) + table


def _value(language: str, text: int) -> bytes:
    """The one entry in one language."""
    entry = struct.pack("<HHIHBBI", 8, 0, 0, 8, 0, _STRING, text)
    header = 20 + _CONFIG_BYTES
    start = header + 4
    said, _, region = language.partition("-")
    config = struct.pack("<II2s2s", _CONFIG_BYTES, 0, said.encode(), region.encode()).ljust(_CONFIG_BYTES, b"\0")
    head = struct.pack("<HHIBBHII", 0x0201, header, start + len(entry), 1, 0, 0, 1, start)
    return head + config + struct.pack("<I", 0) + entry
