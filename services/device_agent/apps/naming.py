"""Which app is meant by what people call it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from services.device_agent.apps.resources import Text

_NEAREST = 5
_AMBIGUOUS = 8
"""Names that a person is told."""


@dataclass(frozen=True)
class App:
    """Something that a launcher can start, with its labels."""

    package: str
    activity: str
    labels: tuple[Text, ...]

    def label(self, language: str) -> str:
        """The one that a phone in this language (`zh-CN`) shows; the package where it has none."""
        if not self.labels:
            return self.package
        return max(self.labels, key=lambda text: _nearness(text.language, language)).text


@dataclass(frozen=True)
class Unnamed:
    """No app, or no single one, is called so."""

    reason: str


def folded(name: str) -> str:
    """What makes no difference between two names is left out: case, spaces, full and half width, marks of direction."""
    wide = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in unicodedata.normalize("NFKC", wide) if unicodedata.category(c)[0] not in {"Z", "C"})


_FITS: tuple[Callable[[str, str], bool], ...] = (
    lambda label, said: label == said,
    lambda label, said: label.startswith(said),
    lambda label, said: said in label,
)
"""Exact beats beginning beats part."""


def choose(wanted: str, apps: Sequence[App], language: str, *, exact: bool = False) -> App | Unnamed:
    """The app. Of equal fits, that with the label which the phone shows in its `language` is taken.

    `exact`: only whole labels count, because not all apps are known.
    """
    said = folded(wanted)
    named = [app for app in apps if app.package.casefold() == wanted.strip().casefold()]
    if named:
        return named[0]
    shown = {app: folded(app.label(language)) for app in apps}
    every = {app: {folded(text.text) for text in app.labels} for app in apps}
    for fits in _FITS[:1] if exact else _FITS:
        if not said:
            break
        found = [app for app in apps if fits(shown[app], said)]
        found = found or [app for app in apps if any(fits(label, said) for label in every[app])]
        if len({(app.package, shown[app]) for app in found}) > 1:
            return Unnamed(f'"{wanted}" may be any of {_listed(found[:_AMBIGUOUS], language)}: give the package')
        if found:
            return found[0]
    return Unnamed(f'no app of this phone is called "{wanted}"; nearest: {_nearest(said, apps, language)}')


def _nearest(said: str, apps: Sequence[App], language: str) -> str:
    names = [(app, label) for app in apps for label in {folded(t.text) for t in app.labels} | {app.package.casefold()}]
    scored = process.extract(said, [label for _, label in names], scorer=fuzz.WRatio, limit=_NEAREST * 4)
    found = dict.fromkeys(names[index][0] for _, _, index in scored)
    return _listed(list(found)[:_NEAREST], language) or "it has none with an icon"


def _listed(apps: Sequence[App], language: str) -> str:
    return ", ".join(dict.fromkeys(f"{app.label(language)} ({app.package})" for app in apps))


def _nearness(language: str, wanted: str) -> tuple[bool, int]:
    """How near a label's language is to the phone's; a label that is for every language comes before a foreign one."""
    if not language:
        return False, 1
    parts, of = language.split("-"), wanted.split("-")
    if parts[0] != of[0]:
        return False, 0
    return True, sum(part in of for part in parts) * 2 - len(parts)
