"""What is in an APK, and bringing it to where the phones' agents find it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import apk_info
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from services.cli.errors import CliError, ExitCode
from services.cli.output import clean, console
from services.runtime.objects import Objects, file_digest

UNNAMED_VERSION = "unknown"
"""What a phone tells of an app without a version name."""


class Reset(StrEnum):
    """What of an app is cleared before a run."""

    NONE = "none"
    DATA = "data"


@dataclass(frozen=True)
class Apk:
    """What an APK says of itself. `split` is none for a base; `signers` are SHA-256 digests of certificates."""

    path: Path
    package: str
    version_name: str
    version_code: int | None
    label: str | None
    split: str | None
    min_api: int
    target_api: int | None
    abis: tuple[str, ...]
    signers: tuple[str, ...]
    test_only: bool
    size_bytes: int
    sha256: str

    @property
    def key(self) -> str:
        """Where it lies in the object store."""
        return f"{self.sha256[:2]}/{self.sha256}.apk"


def read_apk(path: Path) -> Apk:
    """Raises `CliError` for what is no APK, in words."""
    try:
        sha256, size_bytes = file_digest(path)
        found = apk_info.APK(path)
        package = found.get_package_name()
        signatures = found.get_signatures()
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror or error}", ExitCode.USAGE) from None
    except (apk_info.APKError, ValueError, TypeError) as error:
        raise CliError(
            f"{path} is no APK that can be read: {clean(error)}. Of an .apks, .xapk or .aab, unpack the APKs and give"
            " the base with --apk and the others with --split.",
            ExitCode.USAGE,
        ) from None
    if not package:
        raise CliError(f"{path} is no APK: its manifest names no package", ExitCode.USAGE)
    return Apk(
        path=path,
        package=package,
        version_name=found.get_version_name() or UNNAMED_VERSION,
        version_code=_number(found.get_version_code()),
        label=found.get_application_label(),
        split=found.get_attribute_value("manifest", "split"),
        min_api=_number(found.get_min_sdk_version()) or 1,
        target_api=_number(found.get_attribute_value("uses-sdk", "targetSdkVersion")),
        abis=tuple(found.get_supported_abis()),
        signers=_signers(signatures),
        test_only=found.get_attribute_value("application", "testOnly") == "true",
        size_bytes=size_bytes,
        sha256=sha256,
    )


def read_app(base: Path, splits: Sequence[Path]) -> tuple[Apk, ...]:
    """The base and its splits, in this order. Raises `CliError` where they do not belong together."""
    apks = (read_apk(base), *(read_apk(path) for path in splits))
    first = apks[0]
    if first.split is not None:
        raise CliError(f"{base} is the split {first.split}: give the base with --apk", ExitCode.USAGE)
    names = [apk.split for apk in apks[1:]]
    for apk in apks[1:]:
        if apk.split is None:
            raise CliError(f"{apk.path} is a base, not a split: a run installs one app", ExitCode.USAGE)
        if names.count(apk.split) > 1:
            raise CliError(f"{apk.path}: the split {apk.split} is given twice", ExitCode.USAGE)
        if apk.package != first.package:
            raise CliError(f"{apk.path} is of {apk.package}, {base} of {first.package}", ExitCode.USAGE)
        if apk.version_code != first.version_code:
            versions = f"version code {apk.version_code}, {base} has {first.version_code}"
            raise CliError(f"{apk.path} has {versions}: take all from one build", ExitCode.USAGE)
        if apk.signers != first.signers:
            raise CliError(f"{apk.path} and {base} are signed with different keys", ExitCode.USAGE)
    return apks


def chosen_apks(
    apk: Path | None, splits: Sequence[Path], app: str | None, version: str | None, *, asked: bool
) -> tuple[Apk, ...]:
    """What is to be installed; nothing where only `app` is named. `asked`: something of an installation was asked for.

    Raises `CliError` for options that do not fit each other or the APK.
    """
    if apk is None:
        if splits or asked:
            raise CliError("--split, --reset, --grant-all and --uninstall belong to an app to install: give its --apk")
        if app is None:
            raise CliError("give --app PACKAGE for an app that is on the phone, or --apk FILE to install one")
        return ()
    apks = read_app(apk, splits)
    for option, given, has in (("--app", app, apks[0].package), ("--version", version, apks[0].version_name)):
        if given not in {None, has}:
            raise CliError(f"{option} is {given}, but {apk} is of {has}: leave {option} out")
    return apks


def install_request(apks: Sequence[Apk], *, reset: str, grant_all: bool, keep: bool) -> dict[str, Any]:
    """The field `install` of a request, for APKs that lie in the object store, or will."""
    base = apks[0]
    return {
        "package": base.package,
        "version": base.version_name,
        "version_code": base.version_code,
        "apk": base.key,
        "splits": [{"name": apk.split, "key": apk.key} for apk in apks[1:]],
        "reset": reset,
        "grant_all": grant_all,
        "keep": keep,
        "min_api": base.min_api,
        "abis": sorted({abi for apk in apks for abi in apk.abis}),
    }


def check_size(apks: Sequence[Apk], limit_mb: int) -> None:
    """Raises `CliError` for more than may be uploaded."""
    total = sum(apk.size_bytes for apk in apks)
    if total > limit_mb * 1024 * 1024:
        raise CliError(
            f"the APKs are {total / 1e6:.0f} MB long, {limit_mb} MB is the most (WAYMARK_APK_LIMIT_MB sets it)",
            ExitCode.USAGE,
        )


async def upload(objects: Objects, apks: Sequence[Apk], *, quiet: bool) -> None:
    """Puts them into the object store, with a bar on a terminal. What is there already is not sent again."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), disable=quiet, transient=True)
    with progress:
        for apk in apks:
            bar = progress.add_task(f"uploading {clean(apk.path.name)}", total=apk.size_bytes)
            await objects.put_file(apk.path, "apk", partial(progress.advance, bar))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _signers(signatures: Sequence[apk_info.SignatureType]) -> tuple[str, ...]:
    """Of whichever scheme; an app has one set of certificates, however often it is signed."""
    found: dict[str, None] = {}
    for signature in signatures:
        for certificate in getattr(signature, "certificates", ()):
            found.setdefault(certificate.sha256_fingerprint)
    return tuple(sorted(found))
