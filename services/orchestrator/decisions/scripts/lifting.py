"""What was typed becomes parameters: `{{name}}` stands for it wherever a script would show it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from contracts.scripts import Parameter
from contracts.steps import VARIABLE
from contracts.values import ElementSeen, Guard, Target

ACCOUNT = "account."
_NAME_CHARS = 40
_CONTAINED_CHARS, _CONTAINED_SECRET_CHARS = 3, 4
"""From this length on, a typed text is looked for within longer ones; a shorter one says too little."""
_SECRET_WORDS = re.compile(r"passw|passcode|\bpwd\b|\bpin\b|\botp\b|密码|口令|验证码", re.IGNORECASE)
_TARGET_TEXTS = ("text", "text_contains", "description", "xpath", "uiselector")


@dataclass(frozen=True)
class Typed:
    """A text, and the field that it was typed into where that is known."""

    text: str
    field: ElementSeen | None = None

    @property
    def secret(self) -> bool:
        """Whether its field keeps it secret: it says so itself, or is called so."""
        field = self.field
        if field is None:
            return False
        named = " ".join((_entry(field), field.label, field.content_desc or ""))
        return field.password or _SECRET_WORDS.search(named.replace("_", " ")) is not None


@dataclass(frozen=True)
class Lifted:
    """Parameters with their values in one run. What `names` holds is a text's parameter; `secrets` are those names
    whose values no script and no default may tell."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Names by value."""
    parameters: tuple[Parameter, ...] = ()
    secrets: frozenset[str] = frozenset()

    @property
    def defaults(self) -> dict[str, str]:
        return {name: value for value, name in self.names.items() if name not in self.secrets}

    @cached_property
    def _values(self) -> re.Pattern[str] | None:
        """Any of the values, the longest first."""
        found = [
            _whole(value)
            for value in sorted(self.names, key=len, reverse=True)
            if len(value.strip()) >= _contained_from(value)
        ]
        return re.compile("|".join(found)) if found else None

    def put(self, text: str) -> str | None:
        """The text with parameters instead of their values. None where it cannot be told: it has a secret in it, or
        looks like a parameter by itself."""
        hidden = [value for value, name in self.names.items() if name in self.secrets]
        if VARIABLE.search(text) is not None:
            return None
        if text in hidden or any(len(v) >= _CONTAINED_SECRET_CHARS and v in text for v in hidden):
            return None
        if text in self.names:
            return mark(self.names[text])
        if self._values is None:
            return text
        return self._values.sub(lambda found: mark(self.names[found[0]]), text)

    def told(self, text: str) -> str:
        """A text that people read, parameters instead of values and of secrets."""
        values = sorted(self.names, key=len, reverse=True)
        hidden = [
            re.escape(value) if name in self.secrets and len(value) >= _CONTAINED_SECRET_CHARS else _whole(value)
            for value in values
            if (name := self.names[value]) in self.secrets or len(value.strip()) >= _contained_from(value)
        ]
        if not hidden:
            return text
        return re.sub("|".join(hidden), lambda found: mark(self.names[found[0]]), text)

    def target(self, target: Target) -> Target | None:
        texts = {name: value for name in _TARGET_TEXTS if (value := getattr(target, name)) is not None}
        put = {name: self.put(value) for name, value in texts.items()}
        if any(value is None or len(value) > 1000 for value in put.values()):
            return None
        return target.model_copy(update=put)

    def targets(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        return tuple(lifted for target in targets if (lifted := self.target(target)) is not None)

    def element(self, element: ElementSeen) -> ElementSeen:
        return element.model_copy(
            update={
                "text": None if element.text is None else self.put(element.text),
                "content_desc": None if element.content_desc is None else self.put(element.content_desc),
                "label": self.put(element.label) or "",
                "beside": tuple(put for text in element.beside if (put := self.put(text)) is not None),
                "targets": self.targets(element.targets),
            }
        )

    def guard(self, guard: Guard | None) -> Guard | None:
        if guard is None or (guard.screen is None and guard.element is None):
            return None
        return Guard(screen=guard.screen, element=None if guard.element is None else self.element(guard.element))


def lift(typed: Iterable[Typed], given: Mapping[str, str] | None = None) -> Lifted:
    """One parameter a text, named after its field; secret where one of its fields is. `given`: parameters that there
    are already, by name."""
    names = {value: name for name, value in reversed(list((given or {}).items()))}
    taken = set(given or {})
    parameters: dict[str, Parameter] = {}
    for one in typed:
        name = names.get(one.text)
        if not one.text or of_account(one.text) or (name is not None and name.startswith(ACCOUNT)):
            continue
        if name is None:
            name = names[one.text] = _unused(_name(one.field), taken)
            taken.add(name)
        known = parameters.get(name)
        secret = one.secret or (known is not None and known.secret)
        label = "" if one.field is None or VARIABLE.search(one.field.label) else one.field.label[:200]
        told = known.description if known is not None else label
        parameters[name] = Parameter(name=name, description=told, required=secret, secret=secret)
    secrets = frozenset(name for name, parameter in parameters.items() if parameter.secret)
    lifted = Lifted(names, tuple(parameters.values()), secrets)
    described = tuple(p.model_copy(update={"description": lifted.put(p.description) or ""}) for p in lifted.parameters)
    return Lifted(names, described, secrets)


def _whole(value: str) -> str:
    """A pattern for a value; an ASCII word is none within another word."""
    escaped = re.escape(value)
    return f"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])" if value.isascii() else escaped


def _contained_from(value: str) -> int:
    """How long it must be; two characters of Chinese say as much as a word."""
    return _CONTAINED_CHARS if value.isascii() else _CONTAINED_CHARS - 1


def of_account(text: str) -> bool:
    """Whether a text names fields of the run's test account, which every run has its own of."""
    named = VARIABLE.findall(text)
    return bool(named) and all(name.startswith(ACCOUNT) for name in named)


def mark(name: str) -> str:
    return "{{" + name + "}}"


def _entry(field: ElementSeen) -> str:
    return (field.resource_id or "").rpartition("/")[2]


def _name(field: ElementSeen | None) -> str:
    """A name in ASCII: the field's own id, else what it is called, else `text`. What a secret field is called may hold
    the secret."""
    if field is None:
        return "text"
    sources = (_entry(field),) if field.password else (_entry(field), field.label, field.content_desc or "")
    for source in sources:
        plain = re.sub(r"[^A-Za-z0-9]+", "_", source).strip("_").lower()[:_NAME_CHARS].strip("_")
        if len(plain) > (0 if source.isascii() else 1):
            return plain if plain[0].isalpha() else f"text_{plain}"
    return "password" if field.password else "text"


def _unused(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
