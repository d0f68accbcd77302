"""The launchable apps of phones with their labels, read from the phones themselves.

No command tells a label: it is read from the resources in the app's package files. An app in one version is read once,
whichever phone it is on.
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import apk_info
from lxml import etree

from services.device_agent.adb.errors import CommandFailed, DeviceTimeout
from services.device_agent.apps import asking
from services.device_agent.apps.naming import App
from services.device_agent.apps.package_files import PackageFile, UnreadableError
from services.device_agent.apps.resources import ResourcesError, Text, texts
from services.device_agent.parsers.launchers import QUERY, TABLES, Launcher, labelled, queried, tabled
from services.device_agent.phone import Phone

QUERY_SINCE_API = 24
_AT_ONCE = 4
"""Package files that are read side by side."""
_KEPT = 4_000
"""Apps whose labels are kept; a phone has some hundred."""
_RESOURCES, _MANIFEST = "resources.arsc", "AndroidManifest.xml"

_Key = tuple[str, str, int | None, tuple[tuple[str, int], ...]]
"""Package, activity, version code, and name and size of each package file: what tells one version from another."""


@dataclass(frozen=True)
class Listing:
    """The apps of a phone, the language that it shows, and how many apps there was no time to read."""

    apps: tuple[App, ...]
    language: str
    late: int = 0


@dataclass
class Labels:
    """For all phones of an agent."""

    _kept: OrderedDict[_Key, tuple[Text, ...]] = field(default_factory=OrderedDict)

    async def listing(self, phone: Phone, limit_s: float) -> Listing:
        """What can be started on the phone. What was not read in `limit_s` is left out, and counted. Raises
        `AdbError`."""
        language = await asking.language(phone)
        found = await _launchers(phone)
        sizes = await asking.file_sizes(phone, sorted({path for launcher in found for path in launcher.files}))
        turn, apps = asyncio.Semaphore(_AT_ONCE), dict[Launcher, App]()

        async def read(launcher: Launcher) -> None:
            async with turn:
                labels = await self._labels(phone, launcher, sizes)
                apps[launcher] = App(launcher.package, launcher.activity, labels)

        tasks = [asyncio.create_task(read(launcher)) for launcher in found]
        try:
            done, _late = await asyncio.wait(tasks, timeout=limit_s) if tasks else (set(), set())
            for task in done:
                if not isinstance(task.exception(), DeviceTimeout):
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        listed = tuple(apps[launcher] for launcher in found if launcher in apps)
        return Listing(listed, language, len(found) - len(listed))

    async def _labels(self, phone: Phone, launcher: Launcher, sizes: dict[str, int]) -> tuple[Text, ...]:
        """None for an app whose package files cannot be read: it is known by its package alone."""
        if launcher.label is not None:
            return (Text("", launcher.label),)
        files = tuple((path, sizes[path]) for path in launcher.files if path in sizes)
        named = tuple((PurePosixPath(path).name, size) for path, size in files)
        key = (launcher.package, launcher.activity, launcher.version_code, named)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        try:
            found = await _read(
                launcher, [PackageFile(path, size, partial(asking.read_part, phone)) for path, size in files]
            )
        except (UnreadableError, ResourcesError, CommandFailed):
            found = ()
        self._kept[key] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


async def _launchers(phone: Phone) -> tuple[Launcher, ...]:
    script, parse = (QUERY, queried) if phone.api >= QUERY_SINCE_API else (TABLES, tabled)
    said = await asking.apps_told(phone, script)
    found = parse(said)
    if found is None:
        raise CommandFailed(phone.serial, script.split(";")[0], None, said)
    return found


async def _read(launcher: Launcher, files: list[PackageFile]) -> tuple[Text, ...]:
    """The label from the base and from the splits for languages."""
    if launcher.label_id is None and files:
        # Only where the phone did not tell of labels (Android 6).
        launcher = await _from_manifest(launcher, files[0])
    if launcher.label is not None:
        return (Text("", launcher.label),)
    if launcher.label_id is None:
        return ()
    found: dict[Text, None] = {}
    for file in files:
        if (table := await file.entry(_RESOURCES)) is not None:
            found.update(dict.fromkeys(await asyncio.to_thread(texts, table, launcher.label_id)))
    return tuple(found)


async def _from_manifest(launcher: Launcher, base: PackageFile) -> Launcher:
    manifest = await base.entry(_MANIFEST)
    if manifest is None:
        return launcher
    try:
        return labelled(launcher, await asyncio.to_thread(_readable, manifest))
    except (apk_info.APKError, ValueError, TypeError, etree.XMLSyntaxError) as error:
        raise UnreadableError(f"the manifest of {launcher.package} cannot be read: {error}") from error


def _readable(manifest: bytes) -> str:
    """A binary manifest as XML, with references as they are because their table is not there."""
    with tempfile.TemporaryDirectory(prefix="waymark-manifest-") as folder:
        path = Path(folder, "manifest.apk")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(_MANIFEST, manifest)
        return apk_info.APK(path).get_xml_string()
