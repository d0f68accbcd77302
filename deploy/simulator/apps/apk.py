"""Package files of the simulated apps: a real ZIP with a real binary AndroidManifest.xml, a table of resources where
the label is there in several languages, and a certificate; nothing that runs. They carry their identity a second time
as JSON, so that a simulated phone need not read the manifest.

The certificate is a real one, the signature over the files is missing: a simulated phone does not look for it.
"""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from deploy.simulator.apps import resources
from deploy.simulator.apps.axml import Element, Reference, encode
from deploy.simulator.apps.model import App

MIN_SDK, TARGET_SDK = 23, 35
_STORED_SINCE = 30
_IDENTITY = "assets/simulated-app.json"
_FILLER = "assets/filler.bin"
_DATE = (2026, 1, 1, 0, 0, 0)
_MAIN, _LAUNCHER = "android.intent.action.MAIN", "android.intent.category.LAUNCHER"

CERTIFICATES = {
    "demo": (
        "MIIBHDCBw6ADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDFdheW1hcmsgRGVtbzAgFw0yNjAxMDEwMDAwMDBaGA8yMDU2MDEwMTAwMD"
        "AwMFowFzEVMBMGA1UEAwwMV2F5bWFyayBEZW1vMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvzqD2HVBaPU0X0Op4pPpJqjovK19rgfOrG01"
        "AfuVpMb40m8uhHDrQfcQU8hui89KehCxsBgyUIBc3IvCTOTBMjAKBggqhkjOPQQDAgNIADBFAiEA7Mc/7UyRFgBkFq1eF/DdbFCNZ8YVOM2cni"
        "fNXZLbXvoCIBBr3jSm1VsJDDiRL97eqYqE4CV4FojvmGYXtKJu2SEa"
    ),
    "other": (
        "MIIBHTCBxaADAgECAgECMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDVNvbWVib2R5IEVsc2UwIBcNMjYwMTAxMDAwMDAwWhgPMjA1NjAxMDEwMD"
        "AwMDBaMBgxFjAUBgNVBAMMDVNvbWVib2R5IEVsc2UwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASLrT6Ilqn41s04HmzG1LigThMNKbSa0CY1"
        "DycdTJEdvfY8oXfW17zyhSEu2YRBtonLffxKpyWlQuIb4g4dxjeiMAoGCCqGSM49BAMCA0cAMEQCIDhFUbsWPkHODKnxJSm/apAM1RWUnnB02z"
        "8fju/huEAmAiANhiHzOl9BLfoi9xplxAxRBb2g8/j8BFTLmG5EPVS8yA=="
    ),
}
"""Whose certificates an APK can carry: self-signed ones, whose private keys nobody kept."""


@dataclass(frozen=True)
class Build:
    """How an APK is built, beyond which app in which version."""

    split: str = ""
    """Name of the split; empty: the base."""
    signer: str = "demo"
    min_sdk: int = MIN_SDK
    target_sdk: int = TARGET_SDK
    abis: tuple[str, ...] = ()
    test_only: bool = False
    debuggable: bool = False
    split_required: bool = False
    declares: tuple[str, ...] = ()
    """Permissions that it declares as its own."""
    filler_bytes: int = 0
    """Further bytes in it, for large ones."""


@dataclass(frozen=True)
class Identity:
    """What a simulated phone reads of an APK."""

    package: str
    version_code: int
    build: Build


def build_apk(app: App, build: Build | None = None) -> bytes:
    """The package file of one version, or a split of it: equal ones give equal bytes."""
    build = build or Build()
    identity = {"package": app.package, "version_code": app.version_code, "build": asdict(build)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            ("AndroidManifest.xml", encode(_split(app, build) if build.split else _manifest(app, build))),
            (_IDENTITY, orjson.dumps(identity)),
            ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n"),
            ("META-INF/CERT.SF", b"Signature-Version: 1.0\r\n\r\n"),
            ("META-INF/CERT.EC", _certificate(build.signer)),
            *((f"lib/{abi}/libdemo.so", b"\x7fELF") for abi in build.abis),
            *(() if build.split else (("classes.dex", b"dex\n035\x00"),)),
        ):
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        if app.labels and not build.split:
            # Apps for Android 11 and newer have to have it uncompressed.
            method = zipfile.ZIP_STORED if build.target_sdk >= _STORED_SINCE else zipfile.ZIP_DEFLATED
            table = resources.encode(app.package, {"": app.label, **app.labels})
            archive.writestr(zipfile.ZipInfo("resources.arsc", _DATE), table, method)
        if build.filler_bytes:
            archive.writestr(zipfile.ZipInfo(_FILLER, _DATE), _filler(build.filler_bytes), zipfile.ZIP_STORED)
    return buffer.getvalue()


def read_apk(apk: bytes) -> Identity | None:
    """What is in a file that `build_apk` made; None for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(apk)) as archive:
            found = orjson.loads(archive.read(_IDENTITY))
        build: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in found["build"].items()}
        return Identity(found["package"], found["version_code"], Build(**build))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
        return None


def _certificate(signer: str) -> bytes:
    certificate = x509.load_der_x509_certificate(base64.b64decode(CERTIFICATES[signer]))
    return pkcs7.serialize_certificates([certificate], Encoding.DER)


def _filler(size_bytes: int) -> bytes:
    return bytes(range(251)) * (size_bytes // 251 + 1)


def _manifest(app: App, build: Build) -> Element:
    launcher = Element(
        "intent-filter",
        children=(Element("action", (("name", _MAIN),)), Element("category", (("name", _LAUNCHER),))),
    )
    activities = [
        Element(
            "activity",
            (("name", name), ("exported", name in app.exported)),
            (launcher,) if number == 0 else (),
        )
        for number, name in enumerate(app.activities)
    ]
    label = Reference(resources.LABEL) if app.labels else app.label
    flags = [("testOnly", True)] * build.test_only + [("debuggable", True)] * build.debuggable
    needed = [("isSplitRequired", True)] * build.split_required
    return Element(
        "manifest",
        (("versionCode", app.version_code), ("versionName", app.version_name), *needed, ("package", app.package)),
        (
            Element("uses-sdk", (("minSdkVersion", build.min_sdk), ("targetSdkVersion", build.target_sdk))),
            *(Element("uses-permission", (("name", permission),)) for permission in app.permissions),
            *(Element("permission", (("name", permission),)) for permission in build.declares),
            Element("application", (("label", label), *flags), tuple(activities)),
        ),
    )


def _split(app: App, build: Build) -> Element:
    return Element(
        "manifest",
        (("versionCode", app.version_code), ("package", app.package), ("split", build.split)),
        (Element("application", (("hasCode", False),)),),
    )
