"""APKs at the command line: what is in one, which belong together, and what is refused before anything is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from deploy.simulator.apps.apk import Build
from deploy.simulator.apps.catalog import apk
from services.cli.__main__ import app
from services.cli.apks import check_size, install_request, read_apk, read_app
from services.cli.errors import CliError, ExitCode

PACKAGE = "com.waymark.demo"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def write(folder: Path, build: Build | None = None, version: str = "2", name: str = "应用.apk") -> Path:
    path = folder / name
    path.write_bytes(apk("demo", version, build))
    return path


def test_an_apk_tells_what_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, Build(abis=("arm64-v8a", "x86_64"), min_sdk=26, test_only=True))
    found = read_apk(path)
    assert (found.package, found.version_name, found.version_code) == (PACKAGE, "2.0", 20)
    assert (found.label, found.min_api, found.target_api) == ("Waymark Demo · 演示", 26, 35)
    assert sorted(found.abis) == ["arm64-v8a", "x86_64"]
    assert found.test_only
    assert found.signers == ("2439329d86e041decc527df014cd95a2dd18bfb69d12d98a23071bc62b60ad8e",)
    assert found.size_bytes == path.stat().st_size
    assert found.key == f"{found.sha256[:2]}/{found.sha256}.apk"


def test_it_is_shown_to_people_and_to_programs(tmp_path: Path) -> None:
    path = write(tmp_path, Build(split="config.zh"))
    shown = call("apk", str(path))
    assert shown.exit_code == ExitCode.OK
    assert re.search(rf"^package +{PACKAGE}$", shown.stdout, re.MULTILINE)
    assert re.search(r"^split +config.zh$", shown.stdout, re.MULTILINE)
    told = json.loads(call("apk", str(path), "--json").stdout)
    assert (told["package"], told["version_code"], told["split"]) == (PACKAGE, 20, "config.zh")


def test_what_is_no_apk_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "no.apk").write_bytes(b"PK but not really")
    for path, words in ((tmp_path / "no.apk", "is no APK"), (tmp_path / "missing.apk", "cannot be read")):
        result = call("apk", str(path))
        assert result.exit_code == ExitCode.USAGE
        assert words in result.stderr


def test_base_and_splits_become_a_request(tmp_path: Path) -> None:
    base = write(tmp_path, Build(abis=()), name="base.apk")
    arm = write(tmp_path, Build(split="config.arm64_v8a", abis=("arm64-v8a",)), name="arm.apk")
    apks = read_app(base, [arm])
    asked = install_request(apks, reset="data", grant_all=True, keep=False)
    assert asked == {
        "package": PACKAGE, "version": "2.0", "version_code": 20, "apk": apks[0].key,
        "splits": [{"name": "config.arm64_v8a", "key": apks[1].key}], "reset": "data", "grant_all": True, "keep": False,
        "min_api": 23, "abis": ["arm64-v8a"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "version", "words"),
    [
        (Build(), "2", "is a base, not a split"),
        (Build(split="config.zh"), "1", "take all from one build"),
        (Build(split="config.zh", signer="other"), "2", "signed with different keys"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, other: Build, version: str, words: str) -> None:
    base, split = write(tmp_path, name="base.apk"), write(tmp_path, other, version, "other.apk")
    with pytest.raises(CliError, match=words) as refused:
        read_app(base, [split])
    assert refused.value.code == ExitCode.USAGE


def test_the_same_split_twice_is_refused(tmp_path: Path) -> None:
    split = write(tmp_path, Build(split="config.zh"), name="zh.apk")
    with pytest.raises(CliError, match="given twice"):
        read_app(write(tmp_path, name="base.apk"), [split, split])
    with pytest.raises(CliError, match="give the base with --apk"):
        read_app(split, [])


def test_more_than_the_limit_is_not_sent(tmp_path: Path) -> None:
    apks = read_app(write(tmp_path, Build(filler_bytes=2 * 1024 * 1024)), [])
    check_size(apks, 3)
    with pytest.raises(CliError, match="WAYMARK_APK_LIMIT_MB"):
        check_size(apks, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--app PACKAGE"),
        (["--app", PACKAGE, "--split", "{apk}"], "give its --apk"),
        (["--app", PACKAGE, "--reset", "data"], "give its --apk"),
        (["--app", PACKAGE, "--uninstall"], "give its --apk"),
        (["--apk", "{apk}", "--app", "com.other"], "leave --app out"),
        (["--apk", "{apk}", "--version", "1.0"], "leave --version out"),
        (["--apk", "{apk}", "--split", "{apk}"], "a run installs one app"),
        (["--apk", "/no/such.apk"], "cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_asked(
    tmp_path: Path, options: list[str], words: str
) -> None:
    path = str(write(tmp_path))
    result = call("run", "explore", *(option.format(apk=path) for option in options))
    assert result.exit_code == ExitCode.USAGE
    assert words in result.stderr
