"""What a phone says of installing and removing apps, and what that means for the person who wanted it."""

from __future__ import annotations

import re

_CODE = re.compile(r"\b((?:INSTALL|DELETE)_(?:FAILED|PARSE_FAILED|CANCELED)[A-Z_]*)\b[:\s]*([^\n]*)")
_FAILURE = re.compile(r"^Failure \[(.*)\]?\s*$", re.MULTILINE)
_SESSION = re.compile(r"install session \[(\d+)\]")
_SHOWN_CHARS = 300

FAILURES: dict[str, str] = {
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "the app on the phone is signed with another key: remove it first (its data"
    " goes with it), or take an APK that is signed with the same key",
    "INSTALL_PARSE_FAILED_INCONSISTENT_CERTIFICATES": "the app on the phone, or another of the APKs, is signed with"
    " another key: remove the app first (its data goes with it), and sign all APKs with one key",
    "INSTALL_FAILED_SHARED_USER_INCOMPATIBLE": "the app shares its user id with one that is signed with another key:"
    " sign both with the same key, or remove the other one",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "the phone has a newer version: remove that first (its data goes with it)",
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "the phone has too little free space: remove apps or files from it",
    "INSTALL_FAILED_MEDIA_UNAVAILABLE": "the storage that it is to be installed on is not there: check the phone's"
    " memory card",
    "INSTALL_FAILED_USER_RESTRICTED": "the phone does not let a computer install apps: switch on `Install via USB` in"
    " its developer options (Xiaomi: sign in and put a SIM card in for that), and allow what it asks on its screen",
    "INSTALL_FAILED_ABORTED": "it was refused on the phone's screen, or nobody answered there: allow it, and switch off"
    " the phone's own check of apps from a computer",
    "INSTALL_CANCELED_BY_USER": "it was refused on the phone's screen: allow it there, and try again",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "the APK has no native code for this phone's processor: take the APK or the"
    " split for it, or another phone",
    "INSTALL_FAILED_CPU_ABI_INCOMPATIBLE": "the APK has no native code for this phone's processor: take the APK for"
    " it, or another phone",
    "INSTALL_FAILED_OLDER_SDK": "the app needs a newer Android than this phone has: take a newer phone",
    "INSTALL_FAILED_NEWER_SDK": "the app is for an older Android than this phone has: take an older phone",
    "INSTALL_FAILED_DEPRECATED_SDK_VERSION": "the app is made for an Android so old that this phone refuses it: build"
    " it with a higher targetSdkVersion, or take an older phone",
    "INSTALL_FAILED_TEST_ONLY": "the APK is marked as for tests only, and the phone refuses those: build it with"
    " android:testOnly=false",
    "INSTALL_FAILED_INVALID_APK": "the APK is damaged, or does not belong to the others that came with it: build it"
    " again, and give the base with its own splits",
    "INSTALL_FAILED_INVALID_URI": "the phone could not read what was sent: try again",
    "INSTALL_FAILED_MISSING_SPLIT": "parts of the app are missing: give all its splits for this phone (`--split`)",
    "INSTALL_FAILED_DUPLICATE_PERMISSION": "another app on the phone declares the same permission: remove that app",
    "INSTALL_FAILED_CONFLICTING_PROVIDER": "another app on the phone has a content provider of the same name: remove"
    " that app",
    "INSTALL_FAILED_ALREADY_EXISTS": "the app is there already and was not replaced: remove it first",
    "INSTALL_FAILED_DUPLICATE_PACKAGE": "the app is there already and was not replaced: remove it first",
    "INSTALL_FAILED_MISSING_SHARED_LIBRARY": "the app needs a library that this phone does not have: take another"
    " phone",
    "INSTALL_FAILED_MISSING_FEATURE": "the app needs a feature that this phone does not have: take another phone",
    "INSTALL_FAILED_DEXOPT": "the phone could not prepare the app's code: check its free space, restart it and try"
    " again",
    "INSTALL_FAILED_VERIFICATION_FAILURE": "the phone's check of apps refused it: switch off `Verify apps over USB` in"
    " its developer options, and switch on `Install via USB` where there is such a switch",
    "INSTALL_FAILED_VERIFICATION_TIMEOUT": "the phone's check of apps did not end: check its network, or switch off"
    " `Verify apps over USB` in its developer options",
    "INSTALL_FAILED_PACKAGE_CHANGED": "the app on the phone was changed meanwhile: try again",
    "INSTALL_FAILED_INTERNAL_ERROR": "the phone's package manager failed: restart the phone and try again",
    "INSTALL_PARSE_FAILED_NOT_APK": "this is no APK, or it is damaged: build or download it again",
    "INSTALL_PARSE_FAILED_BAD_MANIFEST": "the APK's AndroidManifest.xml cannot be read: build it again",
    "INSTALL_PARSE_FAILED_MANIFEST_MALFORMED": "the APK's AndroidManifest.xml has a mistake: build it again",
    "INSTALL_PARSE_FAILED_UNEXPECTED_EXCEPTION": "the phone could not read the APK: build it again",
    "INSTALL_PARSE_FAILED_NO_CERTIFICATES": "the APK is not signed, or not in a way that this Android takes: sign it"
    " with apksigner (v1 for Android 6, v2 from 7 on)",
    "INSTALL_PARSE_FAILED_CERTIFICATE_ENCODING": "the APK's signature cannot be read: sign it again with apksigner",
    "DELETE_FAILED_INTERNAL_ERROR": "the phone does not remove it: it is not installed, or belongs to the system",
    "DELETE_FAILED_DEVICE_POLICY_MANAGER": "the app is an administrator of the phone: take that from it in the phone's"
    " security settings",
    "DELETE_FAILED_USER_RESTRICTED": "the phone does not let a computer remove apps: switch on `Install via USB` in its"
    " developer options",
}
"""Code of a failure to what it means and what to do. Codes are those of Android's `PackageManager`."""

_SAID = (
    (re.compile(r"not enough space|No space left|ENOSPC", re.IGNORECASE), "INSTALL_FAILED_INSUFFICIENT_STORAGE"),
    (re.compile(r"CLEAR_APP_USER_DATA"), "CLEAR_REFUSED"),
    (re.compile(r"^Failed$", re.MULTILINE), "CLEAR_FAILED"),
)
"""Failures that come without a code."""

_OWN = {
    "CLEAR_REFUSED": "the phone does not let a computer clear an app's data: switch on `USB debugging (Security"
    " settings)` in its developer options",
    "CLEAR_FAILED": "the app's data could not be cleared",
}


def succeeded(output: str) -> bool:
    """Whether the last thing said is a success, and nothing failed before."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return bool(lines) and lines[-1].startswith("Success") and code_of(output) is None


def code_of(output: str) -> str | None:
    """The code of the failure that was told, `UNKNOWN` where one was told without; None where none was."""
    found = _CODE.search(output)
    if found is not None:
        return found[1]
    for pattern, code in _SAID:
        if pattern.search(output):
            return code
    return "UNKNOWN" if _FAILURE.search(output) is not None else None


def failure(output: str) -> str:
    """Why it failed and what to do, in words; what the phone said stays with it. Unknown codes are shown as they
    are."""
    said = " ".join(output.split())[:_SHOWN_CHARS] or "nothing"
    meaning = {**FAILURES, **_OWN}.get(code_of(output) or "")
    return f"the phone said: {said}" if meaning is None else f"{meaning} (the phone said: {said})"


def session(output: str) -> int | None:
    """The number of the session that `install-create` made."""
    found = _SESSION.search(output)
    return None if found is None else int(found[1])


def paths(output: str) -> tuple[str, ...]:
    """Where the APKs of an app lie, by `pm path`: the base first; none where it is not installed."""
    found = [line.strip().removeprefix("package:") for line in output.splitlines() if line.startswith("package:/")]
    return tuple(sorted(found, key=lambda path: (not path.endswith("/base.apk"), path)))


def digests(output: str) -> dict[str, str]:
    """Path to checksum by `sha256sum` or `md5sum`."""
    rows = (line.split(None, 1) for line in output.splitlines())
    return {row[1].strip(): row[0] for row in rows if len(row) == 2 and re.fullmatch(r"[0-9a-f]{32,64}", row[0])}


def grantable_permissions(output: str) -> tuple[str, ...]:
    """Permissions that an app asks for and did not get by being installed, by `dumpsys package`: those are the user's
    to give."""
    given = set(_permissions(output, "install"))
    return tuple(name for name in _permissions(output, "requested") if name not in given)


def _permissions(output: str, kind: str) -> list[str]:
    begin = re.search(rf"^(\s+){kind} permissions:\s*$", output, re.MULTILINE)
    if begin is None:
        return []
    found = []
    for line in output[begin.end() :].strip("\n").splitlines():
        name = re.fullmatch(r"\s+([A-Za-z0-9_.]+)(?::.*)?", line)
        if name is None or len(line) - len(line.lstrip()) <= len(begin[1].strip("\n")):
            break
        found.append(name[1])
    return found
