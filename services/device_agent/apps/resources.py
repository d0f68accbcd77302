"""Texts of an app by language, from its compiled resources (`resources.arsc`). Pure.

The format is that of `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h`. Only what leads to one text is
read, so that a table of ten megabytes takes no longer than a small one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_STRING_POOL, _TABLE, _PACKAGE, _TYPE = 0x0001, 0x0002, 0x0200, 0x0201
_UTF8 = 0x100
_SPARSE, _SHORT_OFFSETS = 0x01, 0x02
_COMPLEX, _COMPACT = 0x0001, 0x0008
_REFERENCE, _STRING, _DYNAMIC_REFERENCE = 0x01, 0x03, 0x07
_NO_ENTRY, _NO_SHORT_ENTRY = 0xFFFFFFFF, 0xFFFF
_LOCALE_AT, _SCRIPT_AT = 8, 36
"""Where a configuration has its language and its script."""
_FOLLOWED = 5
"""References to references that are followed."""


class ResourcesError(Exception):
    """What was read is no table of resources."""


@dataclass(frozen=True)
class Text:
    """A text and its language (`zh-CN`, `zh-Hans`); empty: whichever is not given otherwise."""

    language: str
    text: str


@dataclass(frozen=True)
class _Chunk:
    kind: int
    begin: int
    body: int
    end: int


def texts(table: bytes, resource: int) -> tuple[Text, ...]:
    """The texts of a resource (`0x7f0c001f`), one a language or more; none where it is no text, or not in there.

    Raises `ResourcesError`.
    """
    try:
        return _known_texts(table, resource, _FOLLOWED, {})
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ResourcesError(f"the table of resources cannot be read: {error}") from error


def _known_texts(table: bytes, resource: int, follow: int, known: dict[int, tuple[Text, ...]]) -> tuple[Text, ...]:
    """Each resource is read once, however many languages refer to it; one that leads back to itself has no text."""
    if resource not in known:
        known[resource] = ()
        known[resource] = tuple(dict.fromkeys(_texts(table, resource, follow, known)))
    return known[resource]


def _texts(table: bytes, resource: int, follow: int, known: dict[int, tuple[Text, ...]]) -> Iterator[Text]:
    whole = _chunk(table, 0, len(table))
    if whole.kind != _TABLE:
        raise ResourcesError(f"it begins with {whole.kind:#06x}, which is no table of resources")
    pool = None
    for part in _chunks(table, whole.body, whole.end):
        if part.kind == _STRING_POOL and pool is None:
            pool = part
        elif part.kind == _PACKAGE and struct.unpack_from("<I", table, part.begin + 8)[0] == resource >> 24:
            for value in _chunks(table, part.body, part.end):
                if value.kind != _TYPE or table[value.begin + 8] != resource >> 16 & 0xFF:
                    continue
                language, found = _language(table, value), _entry(table, value, resource & 0xFFFF)
                match found:
                    case (kind, data) if kind == _STRING and pool is not None:
                        yield Text(language, _string(table, pool, data))
                    case (kind, data) if kind in {_REFERENCE, _DYNAMIC_REFERENCE} and follow and data:
                        for text in _known_texts(table, data, follow - 1, known):
                            yield Text(text.language or language, text.text)
                    case _:
                        pass


def _chunk(table: bytes, at: int, limit: int) -> _Chunk:
    kind, header, size = struct.unpack_from("<HHI", table, at)
    if header < 8 or size < header or at + size > limit:
        raise ResourcesError(f"the part at {at} is {size} bytes long, with a header of {header}")
    return _Chunk(kind, at, at + header, at + size)


def _chunks(table: bytes, at: int, end: int) -> Iterator[_Chunk]:
    while at + 8 <= end:
        found = _chunk(table, at, end)
        yield found
        at = found.end


def _language(table: bytes, value: _Chunk) -> str:
    """Language, script and region of a type's configuration, as in BCP 47."""
    config = value.begin + 20
    size = struct.unpack_from("<I", table, config)[0]
    if size < _LOCALE_AT + 4:
        return ""
    language = _packed(table[config + _LOCALE_AT : config + _LOCALE_AT + 2], ord("a"))
    region = _packed(table[config + _LOCALE_AT + 2 : config + _LOCALE_AT + 4], ord("0"))
    script = table[config + _SCRIPT_AT : config + _SCRIPT_AT + 4] if size >= _SCRIPT_AT + 4 else b""
    return "-".join(part for part in (language, script.rstrip(b"\0").decode("ascii", "replace"), region) if part)


def _packed(two: bytes, base: int) -> str:
    """Two letters, or three in five bits each."""
    if not two[0] & 0x80:
        return two.rstrip(b"\0").decode("ascii")
    bits = two[0] << 8 | two[1]
    return "".join(chr(base + (bits >> shift & 0x1F)) for shift in (0, 5, 10))


def _entry(table: bytes, value: _Chunk, index: int) -> tuple[int, int] | None:
    """Kind and data of an entry's value; None where this configuration has none, or no single one."""
    flags = table[value.begin + 9]
    count, start = struct.unpack_from("<II", table, value.begin + 12)
    offset = _offset(table, value, flags, count, index)
    if offset is None:
        return None
    at = value.begin + start + offset
    if at + 8 > value.end:
        raise ResourcesError(f"an entry at {at} lies outside of its part")
    size, entry_flags, key = struct.unpack_from("<HHI", table, at)
    if entry_flags & _COMPACT:
        return entry_flags >> 8, key
    if entry_flags & _COMPLEX:
        return None
    kind, data = struct.unpack_from("<3xBI", table, at + size)
    return kind, data


def _offset(table: bytes, value: _Chunk, flags: int, count: int, index: int) -> int | None:
    if flags & _SPARSE:
        for number in range(count):
            entry, quarter = struct.unpack_from("<HH", table, value.body + 4 * number)
            if entry == index:
                return int(quarter) * 4
        return None
    if index >= count:
        return None
    if flags & _SHORT_OFFSETS:
        short = struct.unpack_from("<H", table, value.body + 2 * index)[0]
        return None if short == _NO_SHORT_ENTRY else int(short) * 4
    offset = struct.unpack_from("<I", table, value.body + 4 * index)[0]
    return None if offset == _NO_ENTRY else int(offset)


def _string(table: bytes, pool: _Chunk, index: int) -> str:
    count, _styles, flags, start = struct.unpack_from("<4I", table, pool.begin + 8)
    if index >= count:
        raise ResourcesError(f"there is no text {index} of {count}")
    at = pool.begin + start + int(struct.unpack_from("<I", table, pool.body + 4 * index)[0])
    if flags & _UTF8:
        at += 2 if table[at] & 0x80 else 1
        size, at = table[at], at + 1
        if size & 0x80:
            size, at = (size & 0x7F) << 8 | table[at], at + 1
        # Characters beyond U+FFFF may be written as two halves.
        return table[at : at + size].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
    size, at = struct.unpack_from("<H", table, at)[0], at + 2
    if size & 0x8000:
        size, at = (size & 0x7FFF) << 16 | struct.unpack_from("<H", table, at)[0], at + 2
    return table[at : at + 2 * size].decode("utf-16-le")
