"""Android's binary XML and its string pools, as far as a manifest needs them.

The format is that of `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h`: a string pool, a map of
attribute ids, and the elements.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

NAMESPACE = "http://schemas.android.com/apk/res/android"


@dataclass(frozen=True)
class Reference:
    """A value that lies in the app's resources (`resources.py`)."""

    resource: int


Value: TypeAlias = str | int | bool | Reference

ATTRIBUTE_IDS = {
    "label": 0x01010001,
    "name": 0x01010003,
    "hasCode": 0x0101000C,
    "debuggable": 0x0101000F,
    "exported": 0x01010010,
    "minSdkVersion": 0x0101020C,
    "versionCode": 0x0101021B,
    "versionName": 0x0101021C,
    "targetSdkVersion": 0x01010270,
    "testOnly": 0x01010272,
    "isSplitRequired": 0x01010591,
}
"""Attributes of the `android:` namespace, by the ids that they have in every Android; in the order of these ids."""

_NONE = 0xFFFFFFFF
_REFERENCE, _STRING, _INTEGER, _BOOLEAN = 0x01, 0x03, 0x10, 0x12


@dataclass(frozen=True)
class Element:
    """An element. Attributes of `ATTRIBUTE_IDS` are in the namespace `android:`, others in none."""

    name: str
    attributes: tuple[tuple[str, Value], ...] = ()
    children: tuple[Element, ...] = ()


def encode(root: Element) -> bytes:
    """The document. Equal elements give equal bytes."""
    attributes = {name for element in _walk(root) for name, _ in element.attributes}
    with_id = [name for name in ATTRIBUTE_IDS if name in attributes]
    texts = dict.fromkeys([*with_id, "android", NAMESPACE, *_texts(root)])
    at = {text: index for index, text in enumerate(texts)}
    scope = struct.pack("<II", at["android"], at[NAMESPACE])
    ids = struct.pack(f"<HHI{len(with_id)}I", 0x0180, 8, 8 + 4 * len(with_id), *(ATTRIBUTE_IDS[n] for n in with_id))
    body = b"".join((string_pool(tuple(texts)), ids, _node(0x0100, scope), _element(root, at), _node(0x0101, scope)))
    return struct.pack("<HHI", 0x0003, 8, 8 + len(body)) + body


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from _walk(child)


def _texts(root: Element) -> Iterator[str]:
    for element in _walk(root):
        yield element.name
        for name, value in element.attributes:
            yield name
            if isinstance(value, str):
                yield value


def _element(element: Element, at: dict[str, int]) -> bytes:
    order = list(ATTRIBUTE_IDS)
    # Those that have an id come first and in its order: readers search them by halves.
    attributes = sorted(element.attributes, key=lambda a: order.index(a[0]) if a[0] in ATTRIBUTE_IDS else len(order))
    head = struct.pack("<IIHHHHHH", _NONE, at[element.name], 20, 20, len(attributes), 0, 0, 0)
    start = head + b"".join(_attribute(name, value, at) for name, value in attributes)
    children = b"".join(_element(child, at) for child in element.children)
    return _node(0x0102, start) + children + _node(0x0103, struct.pack("<II", _NONE, at[element.name]))


def _attribute(name: str, value: Value, at: dict[str, int]) -> bytes:
    namespace = at[NAMESPACE] if name in ATTRIBUTE_IDS else _NONE
    match value:
        case bool():
            raw, kind, data = _NONE, _BOOLEAN, _NONE if value else 0
        case int():
            raw, kind, data = _NONE, _INTEGER, value
        case str():
            raw, kind, data = at[value], _STRING, at[value]
        case Reference():
            raw, kind, data = _NONE, _REFERENCE, value.resource
    return struct.pack("<IIIHBBI", namespace, at[name], raw, 8, 0, kind, data)


def string_pool(strings: tuple[str, ...]) -> bytes:
    """UTF-16 strings, each with its length before and a zero after."""
    encoded = [struct.pack("<H", len(s.encode("utf-16-le")) // 2) + s.encode("utf-16-le") + b"\0\0" for s in strings]
    offsets = [sum(len(each) for each in encoded[:index]) for index in range(len(encoded))]
    data = b"".join(encoded)
    data += b"\0" * (-len(data) % 4)
    start = 28 + 4 * len(strings)
    head = struct.pack("<HHIIIIII", 0x0001, 28, start + len(data), len(strings), 0, 0, start, 0)
    return head + struct.pack(f"<{len(offsets)}I", *offsets) + data


def _node(kind: int, extension: bytes) -> bytes:
    return struct.pack("<HHIII", kind, 16, 16 + len(extension), 1, _NONE) + extension
