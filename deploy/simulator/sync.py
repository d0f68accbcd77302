"""The `sync:` service: push, pull, stat and list, in both generations of the protocol.

Spec: "SYNC protocol" of the Android platform (system/adb/SYNC.TXT) with its v2 requests STA2, LST2 and LIS2.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from .filesystem import FileError, Stat
from .stream import Stream, StreamClosedError
from .trace import Entry, Kind

if TYPE_CHECKING:
    from .phone import Phone

_CHUNK_BYTES = 64 * 1024
_REQUEST = struct.Struct("<4sI")
_STAT_V2 = struct.Struct("<IQQIIIIQqqq")
_MAX_PATH_BYTES = 1024
_ENOENT, _DEVICE = 2, 1


async def serve(phone: Phone, stream: Stream, service: Entry) -> None:
    """Answers requests until QUIT or the end of the stream."""
    while True:
        try:
            kind, length = _REQUEST.unpack(await stream.read_exactly(_REQUEST.size))
        except StreamClosedError:
            return
        if kind == b"QUIT" or length > _MAX_PATH_BYTES:
            return
        path = (await stream.read_exactly(length)).decode("utf-8", "surrogateescape")
        entry = phone.trace.add(Kind.SYNC, f"{kind.decode('ascii', 'replace')} {path}", service.seq)
        match kind:
            case b"STAT":
                found = phone.files.stat(path) or Stat(0, 0, 0)
                size = min(found.size_bytes, 0xFFFFFFFF)
                await stream.write(struct.pack("<4s3I", b"STAT", found.mode, size, found.modified_s))
            case b"STA2" | b"LST2":
                await stream.write(kind + _stat_v2(phone.files.stat(path)))
            case b"LIST" | b"LIS2":
                await stream.write(_listing(phone, path, v2=kind == b"LIS2"))
            case b"RECV":
                await _receive(phone, stream, path)
            case b"SEND":
                await _send(phone, stream, path, entry)
            case _:
                await stream.write(_failure("unknown command"))
                return
        phone.trace.end(entry, entry.rc or 0)


def _failure(message: str) -> bytes:
    return b"FAIL" + struct.pack("<I", len(message.encode())) + message.encode()


def _stat_v2(found: Stat | None) -> bytes:
    if found is None:
        return _STAT_V2.pack(_ENOENT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    times = (found.modified_s,) * 3
    return _STAT_V2.pack(0, _DEVICE, 1, found.mode, 1, 2000, 2000, found.size_bytes, *times)


def _listing(phone: Phone, path: str, v2: bool) -> bytes:
    listed = bytearray()
    try:
        names = phone.files.children(path)
    except FileError:
        names = []
    for name in names:
        encoded = name.encode("utf-8", "surrogateescape")
        found = phone.files.stat(f"{path.rstrip('/')}/{name}")
        if found is None:
            continue
        if v2:
            listed += b"DNT2" + _stat_v2(found) + struct.pack("<I", len(encoded)) + encoded
        else:
            listed += b"DENT" + struct.pack("<4I", found.mode, found.size_bytes, found.modified_s, len(encoded))
            listed += encoded
    return bytes(listed) + b"DONE" + bytes(72 if v2 else 16)


async def _receive(phone: Phone, stream: Stream, path: str) -> None:
    try:
        content = phone.files.read(path)
    except FileError as error:
        await stream.write(_failure(f"open failed: {error}"))
        return
    framed = bytearray()
    for start in range(0, len(content), _CHUNK_BYTES):
        chunk = content[start : start + _CHUNK_BYTES]
        framed += b"DATA" + struct.pack("<I", len(chunk)) + chunk
    await stream.write(bytes(framed) + b"DONE" + bytes(4))


async def _send(phone: Phone, stream: Stream, target: str, entry: Entry) -> None:
    path, _, mode = target.rpartition(",")
    content = bytearray()
    while True:
        kind, length = _REQUEST.unpack(await stream.read_exactly(_REQUEST.size))
        if kind == b"DONE":
            break
        if kind != b"DATA" or length > _CHUNK_BYTES:
            await stream.write(_failure("invalid data message"))
            return
        content += await stream.read_exactly(length)
    try:
        folder = phone.files.path(path).rpartition("/")[0]
        if folder and phone.files.stat(folder) is None:
            phone.files.make_directory(folder, parents=True)
        permissions = int(mode) & 0o777 if mode.isdigit() else 0o644
        phone.files.write(path, bytes(content), length or int(time.time()), permissions)
    except FileError as error:
        entry.rc = 1
        await stream.write(_failure(f"couldn't create file: {error}"))
        return
    entry.data["size_bytes"] = len(content)
    await stream.write(b"OKAY" + bytes(4))
