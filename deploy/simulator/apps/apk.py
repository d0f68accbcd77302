"""Package files of the simulated apps: a real ZIP with a real binary AndroidManifest.xml, and nothing that runs.

The manifest follows the format of `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h`: a string pool, a
map of attribute ids, and the elements `manifest` and `application` with package, version and label.
"""

from __future__ import annotations

import io
import struct
import zipfile

from deploy.simulator.apps.model import App

_ANDROID = "http://schemas.android.com/apk/res/android"
_LABEL, _VERSION_CODE, _VERSION_NAME = 0x01010001, 0x0101021B, 0x0101021C
_STRINGS = ("label", "versionCode", "versionName", "package", "android", _ANDROID, "manifest", "application")
_IDENTITY = "assets/simulated-app.txt"
_STRING, _INTEGER, _NONE = 0x03, 0x10, 0xFFFFFFFF


def build_apk(app: App) -> bytes:
    """The package file of one version: equal apps give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            ("AndroidManifest.xml", _manifest(app)),
            ("classes.dex", b"dex\n035\x00"),
            (_IDENTITY, f"{app.package}\n{app.version_code}\n".encode()),
        ):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def read_apk(apk: bytes) -> tuple[str, int] | None:
    """Package and version code of a file that `build_apk` made; None for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(apk)) as archive:
            package, code = archive.read(_IDENTITY).decode().split()
            return package, int(code)
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None


def _manifest(app: App) -> bytes:
    values = (app.package, app.version_name, app.label)
    strings = (*_STRINGS, *values)
    at = {text: index for index, text in enumerate(strings)}
    namespace = at[_ANDROID]
    manifest = (
        (namespace, at["versionCode"], _NONE, _INTEGER, app.version_code),
        (namespace, at["versionName"], len(_STRINGS) + 1, _STRING, len(_STRINGS) + 1),
        (_NONE, at["package"], len(_STRINGS), _STRING, len(_STRINGS)),
    )
    application = ((namespace, at["label"], len(_STRINGS) + 2, _STRING, len(_STRINGS) + 2),)
    scope = struct.pack("<II", at["android"], namespace)
    body = b"".join(
        (
            _string_pool(strings),
            struct.pack("<HHIIII", 0x0180, 8, 20, _LABEL, _VERSION_CODE, _VERSION_NAME),
            _node(0x0100, scope),
            _node(0x0102, _start(at["manifest"], manifest)),
            _node(0x0102, _start(at["application"], application)),
            _node(0x0103, struct.pack("<II", _NONE, at["application"])),
            _node(0x0103, struct.pack("<II", _NONE, at["manifest"])),
            _node(0x0101, scope),
        )
    )
    return struct.pack("<HHI", 0x0003, 8, 8 + len(body)) + body


def _string_pool(strings: tuple[str, ...]) -> bytes:
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


def _start(name: int, attributes: tuple[tuple[int, int, int, int, int], ...]) -> bytes:
    head = struct.pack("<IIHHHHHH", _NONE, name, 20, 20, len(attributes), 0, 0, 0)
    return head + b"".join(
        struct.pack("<IIIHBBI", namespace, attribute, raw, 8, 0, kind, data)
        for namespace, attribute, raw, kind, data in attributes
    )
