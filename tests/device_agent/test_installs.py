"""What phones say of installing apps. The outputs are those that people reported from real phones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.device_agent.parsers import installs

REAL = {
    each["name"]: (each["output"], each["code"], each["words"])
    for each in yaml.safe_load(Path(__file__).with_name("install_outputs.yaml").read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", REAL)
def test_a_failure_is_told_in_words_and_says_what_to_do(name: str) -> None:
    output, code, words = REAL[name]
    assert not installs.succeeded(output)
    assert installs.code_of(output) == code
    told = installs.failure(output)
    assert words in told
    assert code in told or "not enough space" in told
    assert ":" in installs.FAILURES[code], "a failure says what it means, a colon, and what to do"


def test_an_unknown_code_is_shown_as_it_is() -> None:
    output = "Failure [INSTALL_FAILED_SOMETHING_NEW: the moon is full]"
    assert installs.code_of(output) == "INSTALL_FAILED_SOMETHING_NEW"
    assert installs.failure(output) == f"the phone said: {output}"
    assert installs.code_of("Failure [not installed for 0]") == "UNKNOWN"


@pytest.mark.parametrize(
    ("output", "done"),
    [
        ("Success", True),
        ("Performing Streamed Install\nSuccess\n", True),
        ("\tpkg: /data/local/tmp/a.apk\r\nSuccess\r\n", True),
        ("Success: streamed 1234 bytes", True),
        ("Success\nFailed\n", False),
        ("Failed\nSuccess\n", False),
        ("", False),
        ("Killed", False),
    ],
)
def test_only_what_ends_in_a_success_succeeded(output: str, done: bool) -> None:
    assert installs.succeeded(output) is done


@given(st.text())
def test_no_output_is_too_strange(output: str) -> None:
    assert installs.failure(output)
    installs.succeeded(output)
    installs.paths(output)
    installs.digests(output)
    installs.grantable_permissions(output)


@given(
    st.sampled_from(sorted(installs.FAILURES)),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x1c\x1d\x1e\x85")),
)
def test_a_known_code_is_found_whatever_comes_with_it(code: str, detail: str) -> None:
    assert installs.code_of(f"Failure [{code}: {detail}]") == code


def test_the_base_comes_first_among_the_files_of_an_app() -> None:
    output = (
        "package:/data/app/~~x==/com.example-y==/split_config.zh.apk\n"
        "package:/data/app/~~x==/com.example-y==/base.apk\n"
    )
    assert [path.rpartition("/")[2] for path in installs.paths(output)] == ["base.apk", "split_config.zh.apk"]
    assert installs.paths("") == ()


@pytest.mark.parametrize(
    "file",
    [
        "honeynet_droidbot/report_com.yelp.android/dumpsys_package_com.yelp.android.txt",
        "appium_appium-adb/general-commands_07.txt",
    ],
)
def test_permissions_that_are_the_users_to_give_are_those_that_the_phone_lists_as_such(corpus: Path, file: str) -> None:
    dump = (corpus / file).read_text()
    runtime = dump[dump.index("runtime permissions:") :]
    listed = set(re.findall(r"^ +([\w.]+): granted=", runtime, re.MULTILINE))
    found = set(installs.grantable_permissions(dump))
    assert listed <= found
    # One real dump has the remains of an anonymised package name, which nobody could grant.
    assert found - listed <= {".permission.C2D_MESSAGE"}
