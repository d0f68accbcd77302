"""What an export is, and what all of them need: an element's locators in order, words for comments, parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from contracts.scripts import Parameter, ScriptData, ScriptStep
from contracts.steps import variables_in
from contracts.values import ElementSeen, Target
from services.orchestrator.decisions.step_words import said

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_WORDS_CHARS = 200


@dataclass(frozen=True)
class Exported:
    """A file. `warnings` say what of the script the tool cannot do."""

    text: str
    warnings: tuple[str, ...] = ()


def one_line(text: str, limit: int = _WORDS_CHARS) -> str:
    """A text for a comment: no line of it ends the comment."""
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def words_of(recorded: ScriptStep) -> str:
    """What the step is, in words."""
    return one_line(recorded.words or said(recorded.step))


def alternates(target: Target | None, element: ElementSeen | None) -> tuple[Target, ...]:
    """The step's own locator first, then the others of its element, each once."""
    others = () if element is None else element.targets
    return tuple(dict.fromkeys([*(() if target is None else (target,)), *others]))


def parameters_of(data: ScriptData) -> tuple[Parameter, ...]:
    """Those that are declared, then names that only its texts have (`account.user`)."""
    names = [parameter.name for parameter in data.parameters]
    used = variables_in([step.step.model_dump(mode="json", exclude_none=True) for step in data.steps])
    unknown = sorted(used - set(names))
    return (*data.parameters, *(Parameter.model_construct(name=name, required=True) for name in unknown))


def values_of(data: ScriptData, defaults: Mapping[str, str]) -> dict[str, str | None]:
    """The value of each parameter; none: it has to be given."""
    return {p.name: None if p.secret else defaults.get(p.name) for p in parameters_of(data)}


class _Written(yaml.SafeDumper):
    """What is there twice is written twice: people change one of them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  nothing is referred to
        return True

    def text(self, text: str) -> yaml.ScalarNode:
        """What a reader might take for the end of a line is written as an escape."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _ODD_BREAKS.search(text) else None)


_Written.add_representer(str, _Written.text)
_ODD_BREAKS = re.compile(r"[\r\x85\u2028\u2029\ufeff]")


def as_yaml(value: Any) -> str:
    """A document, fields in their order, texts in whichever script as they are."""
    text: str = yaml.dump(value, Dumper=_Written, allow_unicode=True, sort_keys=False, width=1000)
    return text
