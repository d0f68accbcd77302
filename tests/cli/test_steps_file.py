"""Files of steps: what is wrong is told with its line, and words stay as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.errors import CliError, ExitCode
from services.cli.steps_file import missing_variables, read_script, script_of, steps_and_variables

BAD = """\
app: com.example.shop
steps:
  - launch
  - tapp: 登录
  - tap:
      element:
        id: x
        xpath: //a
  - type: {into: id=user, txt: a}
  - if_seen:
      visible: 同意
      steps:
        - tap: 同意
        - press: bak
  - wait: {visible: x, timeout_s: soon}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(CliError) as caught:
        script_of(text, "f.yaml")
    assert caught.value.code is ExitCode.USAGE
    return str(caught.value).splitlines()


def test_everything_that_is_wrong_is_told_with_its_line_and_step() -> None:
    told = problems(BAD)
    assert [line.partition(": ")[0] for line in told] == [
        "f.yaml:4", "f.yaml:6", "f.yaml:9", "f.yaml:14", "f.yaml:15"
    ]  # fmt: skip
    assert "step 2: `tapp` is no step (is it `tap`?); there are launch, tap" in told[0]
    assert "step 3, tap.element: xpath stands alone: leave out id" in told[1]
    assert "step 4, type.txt: there is no such field here" in told[2]
    assert "step 5.2, press: Input should be 'BACK'" in told[3]
    assert "step 6, wait.timeout_s: Input should be a valid number" in told[4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- tap: [1, 2\n- x", "f.yaml:2:4: this is no YAML"),
        ("", "f.yaml is empty"),
        ("abc", "f.yaml:1: a file of steps is a list of steps"),
        ("steps: []", "at least one step"),
        ("- &a tap: x\n- *a", "references"),
        ("- tap: x\n" * 40_000, "256 KB at most"),
        ("[" * 5_000, "this is no YAML"),
    ],
)
def test_what_is_no_file_of_steps_is_told(text: str, said: str) -> None:
    assert said in "\n".join(problems(text))


def test_words_are_taken_as_they_are_written() -> None:
    script = script_of("- tap: Yes\n- type: {text: 007, submit: true}\n- tap: [540, 680]\n- launch:\n", "f")
    tap, typing, point, launch = script.steps
    assert tap.tap.element.text == "Yes"
    assert (typing.type.text, typing.type.submit) == ("007", True)
    assert (point.tap.element.point.x, launch.launch.app) == (540, None)


def test_json_and_files_with_a_mark_at_their_beginning_are_read(tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    path.write_text('\ufeff{"app": "com.example.shop", "steps": [{"tap": "登录"}]}', encoding="utf-8")
    assert read_script(path).steps[0].tap.element.text == "登录"
    with pytest.raises(CliError, match="cannot be read"):
        read_script(tmp_path / "missing.yaml")


def test_variables_come_from_the_file_and_the_command_line_and_must_all_be_there() -> None:
    script = script_of("variables: {a: x, b: y}\nsteps:\n- tap: '{{a}} {{b}} {{c}} {{account.user}}'\n", "f")
    assert missing_variables(script, ()) == ["c"]
    body = steps_and_variables(script, ["b=z", "c=1=2"], "setup")
    assert body["variables"] == {"a": "x", "b": "z", "c": "1=2"}
    assert body["setup"][0]["tap"]["element"]["text"].startswith("{{a}}")
    with pytest.raises(CliError, match=r"--var c=\.\."):
        steps_and_variables(script, None, "setup")
    with pytest.raises(CliError, match="NAME=TEXT"):
        steps_and_variables(script, ["c"], "setup")
