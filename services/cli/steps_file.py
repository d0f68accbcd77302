"""Steps from a file that a person wrote, in YAML or JSON; what is wrong in it is told with its line.

Every word of the file is taken as it is written, so that `tap: Yes` and a number with a leading zero are texts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from contracts.steps import KINDS, SCRIPT, STEPS_LIMIT, Script, variables_in
from services.cli.errors import CliError, ExitCode

_LIMIT_BYTES = 256 * 1024
_PROBLEMS_SHOWN = 10
EXAMPLE = "- tap: Sign in"
T = TypeVar("T")


def read_script(path: Path | None) -> Script:
    """The steps in a file, or on standard input. Raises `CliError` with a line for each thing that is wrong."""
    return script_of(*read_text(path))


def read_text(path: Path | None, limit_bytes: int = _LIMIT_BYTES) -> tuple[str, str]:
    """What is in a file, or on standard input, and what that is called. Raises `CliError`."""
    name = "standard input" if path is None else str(path)
    try:
        text = sys.stdin.read(limit_bytes) if path is None else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{name} cannot be read: {error}", ExitCode.USAGE) from None
    return text, name


def script_of(text: str, name: str) -> Script:
    """The steps in a text. Raises `CliError`."""
    root, value = loaded(text, name, _LIMIT_BYTES)
    return validated(SCRIPT, value, root, name)


def loaded(text: str, name: str, limit_bytes: int) -> tuple[yaml.Node, dict[str, Any]]:
    """The fields of a file, every scalar a text; a list alone are its steps. Raises `CliError`."""
    if len(text.encode()) >= limit_bytes:
        raise CliError(f"{name}: a file of steps is {limit_bytes // 1024} KB at most", ExitCode.USAGE)
    root = _composed(text, name)
    value = yaml.BaseLoader.construct_document(_Constructor(""), root)
    if isinstance(value, list):
        value = {"steps": value}
    if not isinstance(value, dict):
        raise CliError(f"{name}:1: a file of steps is a list of steps, such as\n{EXAMPLE}", ExitCode.USAGE)
    return root, value


def validated(kind: TypeAdapter[T], value: Any, root: yaml.Node, name: str) -> T:
    """Raises `CliError` with a line for each thing that is wrong."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise CliError("\n".join(_problems(error, root, name)), ExitCode.USAGE) from None


def missing_variables(script: Script, given: Iterable[str]) -> list[str]:
    """Names of variables that the steps need and nobody gives; those of a test account are the fleet's to give."""
    used = variables_in([step.model_dump(mode="json", exclude_none=True) for step in script.steps])
    return sorted(n for n in used - script.variables.keys() - set(given) if not n.startswith("account."))


def variables_given(var: list[str] | None) -> dict[str, str]:
    """Texts by name from `NAME=TEXT`. Raises `CliError`."""
    given: dict[str, str] = {}
    for pair in var or []:
        name, found, text = pair.partition("=")
        if not found:
            raise CliError(f"{pair}: write it as NAME=TEXT", ExitCode.USAGE)
        given[name] = text
    return given


def steps_and_variables(script: Script, var: list[str] | None, field: str) -> dict[str, Any]:
    """What a request has of a file: its steps under `field`, and its variables, those of the command line counting
    more. Raises `CliError` where one is missing."""
    given = variables_given(var)
    if missing := missing_variables(script, given):
        wanted = ", ".join(f"--var {name}=.." for name in missing)
        raise CliError(f"the steps need variables that nobody gives: {wanted}", ExitCode.USAGE)
    steps = [step.model_dump(mode="json", exclude_none=True) for step in script.steps]
    return {field: steps, "variables": {**script.variables, **given}}


_DEEPEST = 64


class _Constructor(yaml.BaseLoader):
    """Texts, lists and objects; nothing is guessed."""


def _composed(text: str, name: str) -> yaml.Node:
    try:
        _refuse_tricks(text, name)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = name if mark is None else f"{name}:{mark.line + 1}:{mark.column + 1}"
        raise CliError(f"{place}: this is no YAML: {error.problem or error.context}", ExitCode.USAGE) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise CliError(f"{name}: this is no YAML: {error or 'nested too deeply'}", ExitCode.USAGE) from None
    if root is None:
        raise CliError(f"{name} is empty; a file of steps is a list such as\n{EXAMPLE}", ExitCode.USAGE)
    return root


def _refuse_tricks(text: str, name: str) -> None:
    """References, and nesting far beyond any step, of which the parser's time grows with the square."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise CliError(f"{name}: references (*name) are not understood here: write it out", ExitCode.USAGE)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise CliError(f"{name}: this is no YAML of steps: it is nested too deeply", ExitCode.USAGE)


def _problems(error: ValidationError, root: yaml.Node, name: str) -> list[str]:
    found = error.errors(include_url=False)
    told = []
    for problem in found[:_PROBLEMS_SHOWN]:
        line, place = _place(root, problem["loc"])
        told.append(f"{name}:{line}: {place}{_words(problem)}")
    if len(found) > _PROBLEMS_SHOWN:
        told.append(f"and {len(found) - _PROBLEMS_SHOWN} more")
    return told


def _words(problem: Any) -> str:
    given = problem.get("input")
    match problem["type"]:
        case "step_kind":
            kind = next(iter(given), "") if isinstance(given, dict) else given
            near = get_close_matches(str(kind), KINDS, 1)
            hint = f" (is it `{near[0]}`?)" if near else ""
            return f"`{kind}` is no step{hint}; there are {', '.join(KINDS)}"
        case "extra_forbidden":
            return "there is no such field here"
        case "missing":
            return "this field is needed"
        case "too_long" if problem["loc"][-1] == "steps":
            return f"{STEPS_LIMIT} steps are the most"
        case _:
            said = str(problem["msg"]).removeprefix("Value error, ")
            return said if isinstance(given, dict | list | tuple) else f"{said}, not {given!r}"


def _place(root: yaml.Node, loc: tuple[int | str, ...]) -> tuple[int, str]:
    """The line of what is wrong, and its way through the file: `step 3, tap.element: `."""
    node, step = root, ""
    way: list[str] = []
    line = root.start_mark.line + 1
    for at, part in enumerate(loc):
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
            if at and loc[at - 1] == "steps":
                step, way = f"{step}.{part + 1}" if step else str(part + 1), []
        elif isinstance(node, yaml.MappingNode):
            inner = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if inner is not None:
                line, node = inner[0].start_mark.line + 1, inner[1]
                way.append(str(part))
            elif not (at and loc[at - 1] == part):
                way.append(str(part))
    names = [name for name in way if name != "steps"]
    shown = ", ".join(part for part in (f"step {step}" if step else "", ".".join(dict.fromkeys(names))) if part)
    return line, f"{shown}: " if shown else ""
