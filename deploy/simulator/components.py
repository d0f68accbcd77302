"""How Android writes the names of activities, windows and processes."""

from __future__ import annotations

import zlib

from .world import InstalledApp, World


def full_class(package: str, activity: str) -> str:
    """`.Main` of `com.example` is `com.example.Main`."""
    return package + activity if activity.startswith(".") else activity


def component(package: str, activity: str) -> str:
    """`com.example/.Main`: the class is short where it begins with the package."""
    short = activity.removeprefix(package) if activity.startswith(package + ".") else activity
    return f"{package}/{short}"


def token(*parts: object) -> str:
    """The hexadecimal name that Android prints for an object; here the same for the same object, always."""
    return f"{zlib.crc32(repr(parts).encode()) & 0xFFFFFFF:x}"


def uid(package: str) -> int:
    """The app's user id, 10100 upwards."""
    return 10_100 + zlib.crc32(package.encode()) % 800


def pid(package: str) -> int:
    """The process id that the package has whenever it runs."""
    return 4_000 + zlib.crc32(package.encode()) % 20_000


def find_app(world: World, package: str) -> InstalledApp | None:
    return next((app for app in world.apps() if app.package == package), None)
