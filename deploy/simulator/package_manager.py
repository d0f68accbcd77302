"""Which package files a phone takes, as Android's package manager decides it, and which it has.

The order of the checks and the words of the failures are those of `PackageManagerService` and of
`PackageInstallerSession`. What an app does once it is installed is up to the World.
"""

from __future__ import annotations

import itertools
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .apps.apk import Build, Identity, read_apk
from .components import find_app, token
from .world import InstalledApp

if TYPE_CHECKING:
    from .phone import Phone

MAX_SESSIONS = 50
"""Android's limit for an installer that is not the system's is of that order."""
BASE = "base.apk"


@runtime_checkable
class Packaged(Protocol):
    """A World whose apps have package files, can be granted permissions, and keep data over a removal."""

    def apk(self, package: str) -> bytes | None:
        """The file of an app that was installed from the beginning; None where it has none."""
        ...

    def grant(self, package: str, permission: str, on: bool) -> None: ...

    def keep_data(self, package: str) -> None:
        """What the app stores outlives its next removal (`uninstall -k`)."""
        ...


@dataclass(frozen=True)
class Options:
    """Flags of `pm install` and `pm install-create`."""

    grant: bool = False
    downgrade: bool = False
    test_only: bool = False
    replace: bool = True

    @classmethod
    def of(cls, words: list[str]) -> Options:
        letters = {word for word in words if word.startswith("-")}
        return cls("-g" in letters, "-d" in letters, "-t" in letters, "-R" not in letters)


@dataclass
class Session:
    """An install session that is written and not committed: its files by name."""

    options: Options
    files: dict[str, bytes] = field(default_factory=dict)


class PackageManager:
    """Of one phone. `refusal` is what every installation is answered with while it is set, such as
    `INSTALL_FAILED_USER_RESTRICTED: Install canceled by user`."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._files: dict[str, dict[str, bytes]] = {}
        self._numbers = itertools.count(1_000_000)
        self.sessions: dict[int, Session] = {}
        self.refusal = ""

    def forget(self) -> None:
        """The phone plays something else now: what was installed is gone."""
        self._files.clear()
        self.sessions.clear()

    def create(self, options: Options) -> int | None:
        """A new session; None where there are too many."""
        if len(self.sessions) >= MAX_SESSIONS:
            return None
        number = next(self._numbers)
        self.sessions[number] = Session(options)
        return number

    def has_space(self, size_bytes: int) -> bool:
        return size_bytes <= self._phone.files.limit_bytes - self._phone.files.used_bytes

    def install(self, files: list[bytes], options: Options) -> str:
        """`Success`, or `Failure [..]` as `pm` words it."""
        if self.refusal:
            return f"Failure [{self.refusal}]"
        if not self.has_space(sum(map(len, files))):
            return "Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]"
        read = [read_apk(file) for file in files]
        if len(files) == 1 and read[0] is None:
            # A file of another make: what it is only the World may know.
            return self._phone.world.install(files[0], self._phone.now_s())
        if not files or any(each is None for each in read):
            return "Failure [INSTALL_PARSE_FAILED_NOT_APK: Failed to parse the package file]"
        known = [each for each in read if each is not None]
        why = _inconsistent(known) or self._unfit(known, options)
        if why is not None:
            return f"Failure [{why}]"
        base = next(index for index, each in enumerate(known) if not each.build.split)
        outcome = self._phone.world.install(files[base], self._phone.now_s())
        if outcome == "Success":
            self._keep(known, files, options)
        return outcome

    def uninstall(self, package: str, keep: bool) -> str:
        """Removes an app; `keep`: its data stays."""
        world = self._phone.world
        if keep and isinstance(world, Packaged):
            world.keep_data(package)
        if not world.uninstall(package, self._phone.now_s()):
            return "Failure [DELETE_FAILED_INTERNAL_ERROR]"
        self._files.pop(package, None)
        self._phone.granted = {each for each in self._phone.granted if each[0] != package}
        return "Success"

    def clear(self, package: str) -> bool:
        """Forgets what an app stored, and what was granted to it."""
        if not self._phone.world.clear_data(package, self._phone.now_s()):
            return False
        self._phone.granted = {each for each in self._phone.granted if each[0] != package}
        return True

    def grant(self, package: str, permission: str, on: bool = True) -> None:
        (self._phone.granted.add if on else self._phone.granted.discard)((package, permission))
        if isinstance(self._phone.world, Packaged):
            self._phone.world.grant(package, permission, on)

    # --- files ------------------------------------------------------------------------------------------------------

    def files(self, app: InstalledApp) -> dict[str, bytes]:
        """Package files of an installed app by name, the base first. One that was there from the beginning may have a
        made-up one."""
        if app.package not in self._files:
            world = self._phone.world
            own = world.apk(app.package) if isinstance(world, Packaged) else None
            self._files[app.package] = {BASE: own or f"apk of {app.package} {app.version_code}\n".encode()}
        return self._files[app.package]

    def read(self, path: str) -> bytes | None:
        """The content of a package file where it lies on the phone; None for any other path."""
        if not path.startswith(("/data/app/", "/system/app/")):
            return None
        folder, name = posixpath.split(path)
        app = next((each for each in self._phone.world.apps() if folder == folder_of(each)), None)
        if app is None:
            return None
        return self.files(app).get(BASE if app.system and name == f"{app.package}.apk" else name)

    def build(self, app: InstalledApp) -> Build:
        """How the installed base was built."""
        found = read_apk(self.files(app)[BASE])
        return Build() if found is None else found.build

    def _keep(self, known: list[Identity], files: list[bytes], options: Options) -> None:
        package = known[0].package
        names = [f"split_{each.build.split}.apk" if each.build.split else BASE for each in known]
        self._files[package] = dict(sorted(zip(names, files, strict=True), key=lambda item: item[0] != BASE))
        app = find_app(self._phone.world, package)
        if options.grant and app is not None:
            for permission in app.permissions:
                self.grant(package, permission)

    # --- checks -----------------------------------------------------------------------------------------------------

    def _unfit(self, known: list[Identity], options: Options) -> str | None:
        base = next(each for each in known if not each.build.split)
        build, api = base.build, self._phone.profile.api
        if build.min_sdk > api:
            where = "/data/app/vmdl1230706928.tmp/base.apk (at Binary XML file line #7)"
            newer = f"Requires newer sdk version #{build.min_sdk} (current version is #{api})"
            return f"INSTALL_FAILED_OLDER_SDK: Failed parse during installPackageLI: {where}: {newer}"
        if build.test_only and not options.test_only:
            return "INSTALL_FAILED_TEST_ONLY: installPackageLI"
        if build.split_required and len(known) == 1:
            return f"INSTALL_FAILED_MISSING_SPLIT: Missing split for {base.package}"
        abis = {abi for each in known for abi in each.build.abis}
        if abis and not abis & set(self._phone.properties["ro.product.cpu.abilist"].split(",")):
            return "INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, res=-113"
        return self._unlike_installed(base, options) or self._redeclared(base)

    def _unlike_installed(self, base: Identity, options: Options) -> str | None:
        old = find_app(self._phone.world, base.package)
        if old is None:
            return None
        if not options.replace:
            return f"INSTALL_FAILED_ALREADY_EXISTS: Attempt to re-install {base.package} without first uninstalling."
        before = self.build(old)
        if before.signer != base.build.signer:
            return (
                f"INSTALL_FAILED_UPDATE_INCOMPATIBLE: Package {base.package} signatures do not match previously"
                " installed version; ignoring!"
            )
        if base.version_code < old.version_code and not (options.downgrade and before.debuggable):
            return (
                f"INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code {base.version_code}"
                f" is older than current {old.version_code}"
            )
        return None

    def _redeclared(self, base: Identity) -> str | None:
        for app in self._phone.world.apps():
            twice = set(base.build.declares) & set(self.build(app).declares) if app.package != base.package else set()
            if twice:
                return (
                    f"INSTALL_FAILED_DUPLICATE_PERMISSION: Package {base.package} attempting to redeclare permission"
                    f" {min(twice)} already owned by {app.package}"
                )
        return None


def folder_of(app: InstalledApp) -> str:
    """Where an app's package files lie."""
    if app.system:
        return f"/system/app/{app.label.replace(' ', '')}"
    return f"/data/app/~~{token('dir', app.package)}==/{app.package}-{token('apk', app.package)}=="


def apk_path(app: InstalledApp) -> str:
    """Where the app's base APK lies."""
    return f"{folder_of(app)}/{app.package if app.system else 'base'}.apk"


def _inconsistent(known: list[Identity]) -> str | None:
    """Whether files of one session belong together."""
    names = [each.build.split for each in known]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"INSTALL_FAILED_INVALID_APK: Split {twice or 'null'} was defined multiple times"
    first = known[0]
    for each in known[1:]:
        if each.package != first.package:
            return f"INSTALL_FAILED_INVALID_APK: 1.apk package {each.package} inconsistent with {first.package}"
        if each.version_code != first.version_code:
            return (
                f"INSTALL_FAILED_INVALID_APK: 1.apk version code {each.version_code} inconsistent with"
                f" {first.version_code}"
            )
        if each.build.signer != first.build.signer:
            return "INSTALL_FAILED_INVALID_APK: 1.apk signatures are inconsistent"
    if "" not in names:
        return "INSTALL_FAILED_INVALID_APK: Full install must include a base package"
    return None
