"""Installing on simulated phones behind a real adb server, out of a real object store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.values import ApkFile, AppInstall
from deploy.embedded.s3 import S3
from deploy.simulator.apps.apk import Build
from deploy.simulator.apps.catalog import apk
from services.device_agent.installing import Installer, Lease
from services.device_agent.performing import Result
from services.runtime.objects import Objects, StoreAddress, StoreAwayError

pytestmark = pytest.mark.system

PACKAGE = "com.waymark.demo"
LIMIT_S = 60.0
APIS = (23, 28, 33, 35)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[S3]:
    server = S3(tmp_path / "s3", "key", "secret-key")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest_asyncio.fixture
async def objects(server: S3) -> AsyncIterator[Objects]:
    access = server.access
    async with Objects(StoreAddress(access.endpoint, access.access_key, access.secret_key, access.bucket)) as opened:
        yield opened


async def wanted(objects: Objects, version: str, *builds: Build, **changes: Any) -> AppInstall:
    """An app that lies in the object store: the demo app, built in these ways."""
    files = []
    for build in builds or (Build(),):
        ref = await objects.put(apk("demo", version, build), "apk")
        files.append(ApkFile(key=ref.key, sha256=ref.sha256, split=build.split or None))
    name, code = {"1": ("1.0", 10), "2": ("2.0", 20)}[version]
    return AppInstall(package=PACKAGE, version_name=name, version_code=code, apks=tuple(files), **changes)


async def put_on(bench: Any, objects: Objects, app: AppInstall, number: int = 1, token: int = 1):
    return await Installer(objects).install(await bench.phone(), app, Lease(token, number), LIMIT_S)


def digest(content: bytes, api: int) -> str:
    """What the phone tells of a file: phones of Android 6 and 7 have no sha256sum."""
    algorithm = "sha256" if api >= 26 else "md5"
    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"


async def installs(bench: Any) -> list[dict[str, Any]]:
    """Attempts that reached the phone's package manager."""
    return [entry for entry in await bench.control.touches() if entry["detail"] == "install"]


async def touches(bench: Any, what: str) -> int:
    return len([entry for entry in await bench.control.touches() if entry["detail"] == what])


@pytest.mark.parametrize("api", APIS)
async def test_an_app_is_installed_on_a_phone_without_it(bench, objects, api):
    async with bench("empty", api=api) as b:
        app = await wanted(objects, "1")
        done, files = await put_on(b, objects, app)

        assert (done.result, done.reason) == (Result.DONE, "")
        assert (files.version_name, files.version_code, files.was_there) == ("1.0", 10, False)
        assert files.replaced is False
        assert files.base_digest == digest(apk("demo", "1"), api)
        assert await (await b.phone()).user_packages() == (PACKAGE,)
        left = await (await b.phone()).shell("ls /data/local/tmp", 5.0, "ls")
        assert ".apk" not in left.text


@pytest.mark.parametrize("api", APIS)
async def test_a_newer_version_replaces_an_older_one_and_keeps_its_data(bench, objects, api):
    async with bench("demo@1", api=api) as b:
        done, files = await put_on(b, objects, await wanted(objects, "2"))

        assert done.result is Result.DONE
        assert (files.version_name, files.version_code) == ("2.0", 20)
        assert await touches(b, "clear") == 0


@pytest.mark.parametrize("api", APIS)
async def test_an_app_with_splits_is_installed_whole(bench, objects, api):
    async with bench("empty", api=api) as b:
        app = await wanted(
            objects, "2", Build(split_required=True), Build(split="config.zh"), Build(split="config.arm")
        )
        done, _ = await put_on(b, objects, app)

        assert (done.result, done.reason) == (Result.DONE, "")
        paths = await (await b.phone()).shell(f"pm path {PACKAGE}", 5.0, "path")
        names = sorted(line.rpartition("/")[2] for line in paths.text.split())
        assert names == ["base.apk", "split_config.arm.apk", "split_config.zh.apk"]


@pytest.mark.parametrize("api", APIS)
async def test_what_is_there_already_is_not_installed_again(bench, objects, api):
    async with bench("demo@1", api=api) as b:
        app = await wanted(objects, "1")
        done, files = await put_on(b, objects, app)

        assert (done.result, files.was_there) == (Result.DONE, True)
        assert await installs(b) == []
        other = await wanted(objects, "1", Build(target_sdk=34))
        _, files = await put_on(b, objects, other, number=2)
        assert files.was_there is False, "the same version in another build is another app"
        assert files.replaced is True
        assert len(await installs(b)) == 1


async def test_data_is_cleared_and_permissions_are_granted_where_that_is_asked(bench, objects):
    async with bench("demo@1") as b:
        app = await wanted(objects, "2", reset="DATA", grant_all=True)
        await put_on(b, objects, app)
        again, files = await put_on(b, objects, app, number=2)

        assert (again.result, files.was_there) == (Result.DONE, True)
        assert await touches(b, "clear") == 2
        dump = await (await b.phone()).shell(f"dumpsys package {PACKAGE}", 5.0, "package")
        assert "android.permission.CAMERA: granted=true" in dump.text
        assert "granted=false" not in dump.text


async def test_a_large_app_goes_through_piece_by_piece(bench, objects, tmp_path):
    file = tmp_path / "large.apk"
    file.write_bytes(apk("demo", "1", Build(filler_bytes=20 * 1024 * 1024)))
    sent: list[int] = []
    ref = await objects.put_file(file, "apk", sent.append)
    app = AppInstall(
        package=PACKAGE, version_name="1.0", version_code=10, apks=(ApkFile(key=ref.key, sha256=ref.sha256),)
    )
    async with bench("empty") as b:
        done, files = await put_on(b, objects, app)

        assert (done.result, files.base_digest) == (Result.DONE, f"sha256:{ref.sha256}")
    assert sum(sent) == ref.size_bytes == file.stat().st_size
    assert len(sent) == 3, "in parts of 8 MB"


REFUSED: dict[str, tuple[int, str, dict[str, Any], str]] = {
    "signed with another key": (33, "demo@1", {"builds": [Build(signer="other")]}, "remove it first"),
    "an older version": (33, "demo@2", {"version": "1"}, "the phone has a newer version"),
    "an older Android": (28, "empty", {"builds": [Build(min_sdk=30)]}, "newer Android"),
    "another processor": (33, "empty", {"builds": [Build(abis=("x86_64",))]}, "no native code for this phone"),
    "parts missing": (33, "empty", {"builds": [Build(split_required=True)]}, "parts of the app are missing"),
    "parts of another build": (
        33,
        "empty",
        {"builds": [Build(), Build(split="config.zh", signer="other")]},
        "does not belong to the others",
    ),
    "no base": (33, "empty", {"builds": [Build(split="config.zh")]}, "INSTALL_FAILED_INVALID_APK"),
}


@pytest.mark.parametrize("api", [None, 23])
@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_says_why_and_changes_nothing(bench, objects, name, api):
    level, world, how, words = REFUSED[name]
    async with bench(world, api=api or level) as b:
        before = await (await b.phone()).app_version(PACKAGE)
        app = await wanted(objects, how.get("version", "2"), *how.get("builds", []))
        done, files = await put_on(b, objects, app)

        assert (done.result, files) == (Result.FAILED, None)
        assert words in done.reason
        assert await (await b.phone()).app_version(PACKAGE) == before


@pytest.mark.parametrize("api", [23, 33])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("INSTALL_FAILED_USER_RESTRICTED: Install canceled by user", "Install via USB"),
        ("INSTALL_FAILED_ABORTED: User rejected permissions", "refused on the phone's screen"),
        ("INSTALL_FAILED_VERIFICATION_FAILURE: Install not allowed", "Verify apps over USB"),
        ("INSTALL_FAILED_SOMETHING_NEW", "INSTALL_FAILED_SOMETHING_NEW"),
    ],
)
async def test_a_phone_that_wants_no_apps_from_a_computer_says_what_to_switch_on(bench, objects, api, said, words):
    async with bench("empty", api=api) as b:
        await b.control.do("refuse_installs", failure=said)
        done, _ = await put_on(b, objects, await wanted(objects, "1"))

        assert done.result is Result.FAILED
        assert words in done.reason


@pytest.mark.parametrize("api", [23, 33])
async def test_a_phone_without_space_says_so(bench, objects, api):
    async with bench("empty", api=api) as b:
        await b.control.do("storage", limit_bytes=2_000)
        done, _ = await put_on(b, objects, await wanted(objects, "1"))

        assert done.result is Result.FAILED
        assert "free space" in done.reason


async def test_an_apk_that_was_never_uploaded_is_told(bench, objects):
    key = f"ab/ab{'0' * 62}.apk"
    app = AppInstall(package=PACKAGE, version_name="1.0", apks=(ApkFile(key=key, sha256=key[3:67]),))
    async with bench("empty") as b:
        done, _ = await put_on(b, objects, app)

        assert done.result is Result.FAILED
        assert "never uploaded" in done.reason


async def test_no_apk_at_all_is_told(bench, objects):
    ref = await objects.put(b"no apk", "apk")
    app = AppInstall(package=PACKAGE, version_name="1.0", apks=(ApkFile(key=ref.key, sha256=ref.sha256),))
    async with bench("empty") as b:
        done, _ = await put_on(b, objects, app)

        assert done.result is Result.FAILED
        assert "this is no APK" in done.reason


@pytest.mark.parametrize("api", [23, 33])
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_phone_that_drops_at_the_commit_has_the_app_once(bench, objects, api, fault):
    """The cable is pulled before or after the phone installed: that is looked up, and it is done where it was not."""
    async with bench("empty", api=api) as b:
        await b.control.arm(fault, "install-commit|pm install -r")
        done, files = await put_on(b, objects, await wanted(objects, "1"))

        assert done.result is Result.DONE
        assert (files.version_name, files.was_there) == ("1.0", False)
        assert len(await installs(b)) == 1


@pytest.mark.parametrize(("api", "call"), [(33, "install-write"), (33, "install-create"), (23, "^sync:")])
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_phone_that_drops_while_the_files_are_sent_gets_them_anew(bench, objects, api, call, fault):
    async with bench("empty", api=api) as b:
        await b.control.arm(fault, call)
        done, files = await put_on(b, objects, await wanted(objects, "1"))

        assert (done.result, done.reason) == (Result.DONE, "")
        assert files.was_there is False
        assert len(await installs(b)) == 1
        assert await b.control.do("install_sessions") <= (call == "install-create" and fault == "drop_after")


@pytest.mark.parametrize("api", [23, 33])
@pytest.mark.parametrize("reset", ["NONE", "DATA"])
async def test_an_installation_that_is_delivered_again_is_looked_up(bench, objects, api, reset):
    """An agent died after the phone had installed: the next one finds it done, by this very run. Where only clearing
    may have been done, nobody can say whether the app had been there: it counts as if it had, so that it stays."""
    async with bench("empty", api=api) as b:
        app = await wanted(objects, "1", reset=reset)
        await put_on(b, objects, app)
        again, files = await put_on(b, objects, app)

        assert (again.result, files.was_there) == (Result.DONE, reset == "DATA")
        assert (len(await installs(b)), await touches(b, "clear")) == (1, 0)


async def test_a_stale_lease_installs_nothing(bench, objects):
    async with bench("empty") as b:
        await put_on(b, objects, await wanted(objects, "1"), token=7)
        done, _ = await put_on(b, objects, await wanted(objects, "2"), token=6)

        assert done.result is Result.STALE
        assert (await (await b.phone()).app_version(PACKAGE)).version_name == "1.0"
        sessions = await b.control.do("install_sessions")
        assert sessions == 0, "what was written and not installed is given up"


async def test_a_store_that_is_away_is_not_the_phones_failure_and_leaves_no_session(bench, objects, server):
    app = await wanted(objects, "1")
    async with bench("empty") as b:
        await asyncio.to_thread(server.stop)
        with pytest.raises(StoreAwayError):
            await put_on(b, objects, app)

        assert await installs(b) == []
        assert await b.control.do("install_sessions") == 0


async def test_an_app_is_removed_once_and_being_gone_is_well(bench, objects):
    async with bench("demo@1") as b:
        installer, phone = Installer(objects), await b.phone()
        first = await installer.uninstall(phone, PACKAGE, Lease(1, 1), 10.0)
        second = await installer.uninstall(phone, PACKAGE, Lease(1, 2), 10.0)

        assert (first.result, second.result) == (Result.DONE, Result.DONE)
        assert await phone.user_packages() == ()
        assert await touches(b, "uninstall") == 1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_phone_that_drops_at_a_removal_is_looked_up(bench, objects, fault):
    async with bench("demo@1") as b:
        await b.control.arm(fault, "pm uninstall")
        done = await Installer(objects).uninstall(await b.phone(), PACKAGE, Lease(1, 1), 30.0)

        assert (done.result, done.reason) == (Result.DONE, "")
        assert await touches(b, "uninstall") == 1


async def test_an_app_of_the_system_is_not_removed_and_that_is_told(bench, objects):
    async with bench("demo@1") as b:
        done = await Installer(objects).uninstall(await b.phone(), "com.android.settings", Lease(1, 1), 10.0)

        assert done.result is Result.FAILED
        assert "belongs to the system" in done.reason


async def test_a_frozen_phone_ends_the_installation_in_time(bench, objects):
    async with bench("empty") as b:
        app = await wanted(objects, "1")
        await b.control.arm("freeze", "install-write", times=1)
        done, files = await Installer(objects).install(await b.phone(), app, Lease(1, 1), 1.5)

        assert (done.result, files) == (Result.UNKNOWN, None)
        assert "did not end within" in done.reason
