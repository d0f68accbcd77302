"""Installing and removing apps: the APKs are sent first (`staging`), and nothing counts before one command through the
fence makes it so.

What is installed is compared by the checksums of the files on the phone, so an installation that is asked for again, or
of which nobody saw the end, is looked up and not repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts.values import AppInstall, InstalledFiles
from services.device_agent.adb.errors import AdbError, CommandFailed
from services.device_agent.fence import Attempt
from services.device_agent.gestures import check_package
from services.device_agent.parsers import installs
from services.device_agent.performing import Performed, Result, changed_by
from services.device_agent.phone import READ_TIMEOUT_S, Phone
from services.device_agent.shell import command, quote
from services.device_agent.staging import LONGEST_S, PERMISSIONS_FROM_API, Sender
from services.runtime.objects import MissingObjectError, Objects

CHECKSUM_TIMEOUT_S = 60.0
"""Reading a gigabyte of APKs on a slow phone."""
_PAUSES_S = (0.3, 0.6, 1.0, 2.0, 4.0, 8.0)
"""Waits for a phone that has just left."""
_MD5_KNOWN = 200


@dataclass(frozen=True)
class OnPhone:
    """APKs of an installed app as they lie on the phone, by `algorithm` (sha256, or md5 on old phones)."""

    algorithm: str
    base: str
    all: frozenset[str]


@dataclass(frozen=True)
class Lease:
    """As which action of which lease the phone is changed."""

    token: int
    number: int


@dataclass
class _Seen:
    """Whether the wanted files were on the phone before it was touched; None where an earlier agent touched it."""

    was_there: bool | None = None
    had_other: bool | None = None
    """Whether another version of the app was there."""

    def was_there_before(self, app: AppInstall) -> bool:
        """What was attempted may have been clearing the app's data only. In doubt it had been there: then it stays."""
        return self.was_there if self.was_there is not None else app.reset != "NONE" or app.grant_all


@dataclass
class Installer:
    """Installs from one object store."""

    objects: Objects
    sender: Sender = field(init=False)
    _md5: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.sender = Sender(self.objects)

    async def install(
        self, phone: Phone, app: AppInstall, lease: Lease, time_left_s: float
    ) -> tuple[Performed, InstalledFiles | None]:
        """Puts the app on the phone, and reads what is there then. Raises `StoreAwayError`.

        Whatever the phone does or does not is a result: NOT_ATTEMPTED and UNKNOWN may be asked for again.
        """
        seen = _Seen()
        return await _patiently(lambda: self._once(phone, app, lease, seen), time_left_s)

    async def uninstall(self, phone: Phone, package: str, lease: Lease, time_left_s: float) -> Performed:
        """Removes an app; where it is gone already, that is well."""
        performed, _ = await _patiently(lambda: self._removed(phone, check_package(package), lease), time_left_s)
        return performed

    async def _removed(self, phone: Phone, package: str, lease: Lease) -> tuple[Performed, None]:
        if not await _paths(phone, package):
            return Performed(Result.DONE), None
        if await phone.attempted(lease.token, lease.number) is Attempt.ATTEMPTED:
            return Performed(Result.UNKNOWN, "it was attempted, and the app is there (still)"), None
        cmd = command("pm", "uninstall", package)
        return await phone.change_apps(cmd, lease.token, lease.number, LONGEST_S, changed_by), None

    async def _once(
        self, phone: Phone, app: AppInstall, lease: Lease, seen: _Seen
    ) -> tuple[Performed, InstalledFiles | None]:
        package = check_package(app.package)
        before = await self._on_phone(phone, package)
        attempt = await phone.attempted(lease.token, lease.number)
        try:
            same = before is not None and await self._same(app, before)
            if attempt is not Attempt.ATTEMPTED:
                seen.was_there, seen.had_other = same, before is not None and not same
            if same:
                performed = await self._as_wanted(phone, app, lease, attempt)
                if performed.result is not Result.DONE:
                    return performed, None
                return await self._told(phone, app, seen, was_there=seen.was_there_before(app))
            if attempt is Attempt.ATTEMPTED:
                return Performed(Result.UNKNOWN, "it was attempted, and the app is not there (yet)"), None
            performed = await self._changed(phone, app, lease, clear=before is not None and app.reset == "DATA")
        except MissingObjectError as error:
            missing = f"{error}: it was never uploaded, or removed since; `waymark run explore --apk` uploads it"
            return Performed(Result.FAILED, missing), None
        if performed.result is not Result.DONE:
            return performed, None
        after = await self._on_phone(phone, package)
        if after is None or not await self._same(app, after):
            return Performed(
                Result.FAILED, "the phone said that it succeeded, and has other files than were sent"
            ), None
        return await self._told(phone, app, seen, was_there=False)

    async def _as_wanted(self, phone: Phone, app: AppInstall, lease: Lease, attempt: Attempt) -> Performed:
        """The files are there; what is stored and permitted is made as it was asked for, unless that was done."""
        cmds = [command("pm", "clear", app.package)] if app.reset == "DATA" else []
        if app.grant_all and phone.api >= PERMISSIONS_FROM_API:
            told = await phone.shell(command("dumpsys", "package", app.package), READ_TIMEOUT_S, "package")
            names = installs.grantable_permissions(told.text)
            # In a loop, because phones of Android 6 take short commands only. Those that are not the user's to give are
            # refused, and that is as it should be.
            granting = f"pm grant {app.package} $p >/dev/null 2>&1"
            cmds += [f"for p in {' '.join(map(quote, names))}; do {granting}; done"] * bool(names)
        if not cmds or attempt is Attempt.ATTEMPTED:
            return Performed(Result.DONE)
        first, *others = cmds
        script = "\n".join([first if app.reset == "NONE" else f"{first} || exit 1", *others, "echo Success"])
        return await phone.change_apps(script, lease.token, lease.number, CHECKSUM_TIMEOUT_S, changed_by)

    # --- getting it there ---------------------------------------------------------------------------------------------

    async def _changed(self, phone: Phone, app: AppInstall, lease: Lease, *, clear: bool) -> Performed:
        """Sends the files, then lets the phone install them. Data is cleared before: afterwards it would take the
        permissions away again."""
        cleared = f"{command('pm', 'clear', app.package)} || exit 1\n" if clear else ""
        try:
            async with self.sender.staged(phone, app) as commit:
                return await phone.change_apps(cleared + commit, lease.token, lease.number, LONGEST_S, changed_by)
        except CommandFailed as error:
            return Performed(Result.FAILED, installs.failure(error.output))

    # --- what is there ------------------------------------------------------------------------------------------------

    async def _on_phone(self, phone: Phone, package: str) -> OnPhone | None:
        """The APKs of an app by their checksums; None where it is not installed."""
        found = await _paths(phone, package)
        if not found:
            return None
        names = " ".join(quote(path) for path in found)
        cmd = f"sha256sum {names} 2>/dev/null || md5sum {names}"
        answer = await phone.shell(cmd, CHECKSUM_TIMEOUT_S, "checksum")
        sums = installs.digests(answer.stdout.decode(errors="replace"))
        if found[0] not in sums:
            raise CommandFailed(phone.serial, "sha256sum", answer.rc, answer.text)
        algorithm = "sha256" if len(sums[found[0]]) == 64 else "md5"
        return OnPhone(algorithm, sums[found[0]], frozenset(sums.get(path, "") for path in found))

    async def _same(self, app: AppInstall, there: OnPhone) -> bool:
        if len(there.all) != len(app.apks):
            return False
        if there.algorithm == "sha256":
            return there.all == {apk.sha256 for apk in app.apks}
        return there.all == {await self._md5_of(apk.key) for apk in app.apks}

    async def _md5_of(self, key: str) -> str:
        if key not in self._md5:
            digest = hashlib.md5(usedforsecurity=False)
            async with contextlib.aclosing(self.objects.chunks(key)) as chunks:
                async for chunk in chunks:
                    digest.update(chunk)
            self._md5[key] = digest.hexdigest()
            while len(self._md5) > _MD5_KNOWN:
                self._md5.popitem(last=False)
        return self._md5[key]

    async def _told(
        self, phone: Phone, app: AppInstall, seen: _Seen, *, was_there: bool
    ) -> tuple[Performed, InstalledFiles | None]:
        """Success, with what the phone itself says that it has."""
        found, version = await self._on_phone(phone, app.package), await phone.app_version(app.package)
        if found is None or version is None:
            return Performed(Result.UNKNOWN, "the phone does not tell what it has installed"), None
        files = InstalledFiles(
            package=app.package,
            version_name=version.version_name,
            version_code=version.version_code,
            base_digest=f"{found.algorithm}:{found.base}",
            was_there=was_there,
            replaced=seen.had_other is not False and not was_there,
        )
        return Performed(Result.DONE), files


async def _paths(phone: Phone, package: str) -> tuple[str, ...]:
    """Where the APKs of an app lie; none where it is not installed."""
    told = await phone.shell(command("pm", "path", package), READ_TIMEOUT_S, "package")
    return installs.paths(told.stdout.decode(errors="replace"))


async def _patiently(
    once: Callable[[], Awaitable[tuple[Performed, InstalledFiles | None]]], time_left_s: float
) -> tuple[Performed, InstalledFiles | None]:
    """Again while the phone left before or in the middle of it, until it is known what came of it, or time is over."""
    pauses = iter(_PAUSES_S)
    performed = Performed(Result.NOT_ATTEMPTED, "there was no time left for it")
    time_left_s = max(time_left_s, 0.0)
    try:
        async with asyncio.timeout(time_left_s):
            while True:
                try:
                    performed, files = await once()
                except AdbError as error:
                    begun = performed.result is Result.UNKNOWN
                    performed = Performed(Result.UNKNOWN if begun else Result.NOT_ATTEMPTED, str(error))
                    files = None
                pause_s = next(pauses, None)
                if performed.result not in {Result.NOT_ATTEMPTED, Result.UNKNOWN} or pause_s is None:
                    return performed, files
                await asyncio.sleep(pause_s)
    except TimeoutError:
        return Performed(Result.UNKNOWN, f"it did not end within {time_left_s:.0f} s: {performed.reason}"), None
