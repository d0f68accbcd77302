"""Exports of scripts: whatever is in a script, the files can be read by what they are for, and say what is left out."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.scripts import SCRIPT_DATA, ScriptData
from contracts.steps import VARIABLE
from contracts.values import Target
from services.cli.exporting import appium, maestro, uiautomator2
from services.cli.exporting.exported import one_line
from services.cli.exporting.selectors import selectors
from tests.cli.scripts import TEXTS, login, scripts

MAESTRO_COMMANDS = frozenset(
    {
        "addMedia",
        "assertDarkMode",
        "assertLightMode",
        "assertNoDefectsWithAI",
        "assertNotVisible",
        "assertScreenshot",
        "assertTrue",
        "assertVisible",
        "assertWithAI",
        "back",
        "clearKeychain",
        "clearState",
        "copyTextFrom",
        "doubleTapOn",
        "eraseText",
        "evalScript",
        "extendedWaitUntil",
        "extractTextWithAI",
        "hideKeyboard",
        "inputText",
        "killApp",
        "launchApp",
        "longPressOn",
        "openLink",
        "pasteText",
        "pressKey",
        "repeat",
        "retry",
        "runFlow",
        "runScript",
        "scroll",
        "scrollUntilVisible",
        "setAirplaneMode",
        "setClipboard",
        "setLocation",
        "setOrientation",
        "setPermissions",
        "startRecording",
        "stopApp",
        "stopRecording",
        "swipe",
        "takeScreenshot",
        "tapOn",
        "toggleAirplaneMode",
        "travel",
        "waitForAnimationToEnd",
    }
)
"""Of Maestro's reference."""


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in value.values() for text in texts_in(inner)]
        case list():
            return [text for inner in value for text in texts_in(inner)]
        case _:
            return []


def constants(text: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.thorough
@given(scripts(), st.dictionaries(st.sampled_from(["name", "q"]), TEXTS))
@pytest.mark.parametrize("tool", [uiautomator2, appium], ids=["uiautomator2", "appium"])
def test_any_script_is_a_python_file_with_its_typed_texts(
    tool: Any, data: ScriptData, defaults: dict[str, str]
) -> None:
    exported = tool.export(data, defaults)
    compile(exported.text, "exported.py", "exec")
    found = constants(exported.text)
    for step in data.steps:
        body = step.step.model_dump(mode="json", exclude_none=True)
        if "type" in body and "text" in body["type"]:
            assert body["type"]["text"] in found
    own = {p.name for p in data.parameters if not p.secret} | (
        {name for step in data.steps for text in texts_in(step.step.model_dump(mode="json")) for name in
         VARIABLE.findall(text)} - {p.name for p in data.parameters}
    )  # fmt: skip
    for name, value in defaults.items():
        assert (value in found) or name not in own


@pytest.mark.thorough
@given(scripts(), st.dictionaries(st.sampled_from(["name", "q"]), TEXTS))
def test_any_script_is_a_flow_of_maestros_commands(data: ScriptData, defaults: dict[str, str]) -> None:
    exported = maestro.export(data, defaults)
    head, commands = yaml.safe_load_all(exported.text)
    assert head["name"] == data.name
    assert head["appId"] == (data.app or "android")
    assert isinstance(commands, list)
    check_commands(commands)


def check_commands(commands: list[Any]) -> None:
    for command in commands:
        name = command if isinstance(command, str) else next(iter(command))
        assert name in MAESTRO_COMMANDS
        assert name in maestro.COMMANDS
        if name == "runFlow":
            check_commands(command["runFlow"]["commands"])


@given(TEXTS)
def test_a_text_of_a_comment_stays_in_its_line(text: str) -> None:
    assert len(f"# {one_line(text)}".splitlines()) == 1


@given(TEXTS)
def test_a_pattern_of_maestro_fits_its_text_and_nothing_else(text: str) -> None:
    pattern = maestro._selector(Target(text=text))["text"]
    if VARIABLE.search(text) is None:
        assert re.fullmatch(pattern, text, re.DOTALL)
        assert not re.fullmatch(pattern, text + "x", re.DOTALL)
        assert "${" not in pattern


def flow_of(*steps: Any, **more: Any) -> tuple[list[Any], tuple[str, ...], str]:
    value = {"name": "x", "app": "com.example", "steps": [{"step": step} for step in steps], **more}
    exported = maestro.export(SCRIPT_DATA.validate_python(value), {})
    return list(yaml.safe_load_all(exported.text))[1], exported.warnings, exported.text


def test_a_flow_waits_for_elements_and_says_what_is_left_out():
    commands, warnings, text = flow_of(
        {"launch": {"restart": True}},
        {"type": {"into": {"id": "user"}, "text": "{{name}} costs ${5}", "submit": True}},
        {"tap": {"element": {"xpath": "//a"}}},
        {"press": "BACK"},
        {"press": "SEARCH"},
        {"scroll": {"until": {"text": "Total: $15"}}},
    )
    field = {"id": "(.*:id/)?user"}
    assert commands == [
        {"launchApp": {"appId": "com.example", "stopApp": True}},
        {"extendedWaitUntil": {"visible": field, "timeout": 10000}},
        {"tapOn": field},
        {"eraseText": 100},
        {"inputText": "${name} costs \\${5}"},
        {"pressKey": "Enter"},
        "back",
        {"scrollUntilVisible": {"element": {"text": "Total: \\$15"}, "direction": "DOWN", "timeout": 40000}},
    ]
    assert warnings == (
        "step 3: address xpath=//a: the step is left out",
        "step 5: press SEARCH: the step is left out",
    )
    assert "# Maestro cannot: press SEARCH: the step is left out\n" in text
    assert "# run it with -e name=..\n" in text


def test_the_log_in_as_an_export_has_its_guards_its_other_locators_and_its_parameters():
    text = uiautomator2.export(login(), {"user": "alice"}).text
    assert "PARAMETERS: dict[str, str | None] = {'user': 'alice', 'password': None}" in text
    assert "SECRETS: set[str] = {'password'}" in text
    assert "phone.front('com.waymark.demo', 'com.waymark.demo.LoginActivity', 10)" in text
    assert (
        "phone.tap([{'resourceIdMatches': '(.*:id/)?gone'}, {'text': 'Sign in'}, {'description': 'Sign in'}], 10,"
        " {'className': 'android.widget.Button', 'text': 'Sign in'})"
    ) in text


def test_a_ui_selector_is_taken_as_it_is_or_condition_by_condition():
    flat = Target(uiselector='new UiSelector().text("a\\"b").instance(2)')
    assert selectors(flat, raw=True) == ({"uiselector": flat.uiselector},)
    assert selectors(flat, raw=False) == ({"text": 'a"b', "instance": 2},)
    nested = Target(uiselector='new UiSelector().text("a").childSelector(new UiSelector().text("b"))')
    assert selectors(nested, raw=False) == ()
    value = {"name": "x", "steps": [{"step": {"tap": {"element": nested.model_dump(exclude_none=True)}}}]}
    exported = uiautomator2.export(SCRIPT_DATA.validate_python(value), {})
    assert exported.warnings[0].startswith("step 1: this tool cannot say uiselector=new UiSelector()")
    assert not appium.export(SCRIPT_DATA.validate_python(value), {}).warnings
