"""Intents, as the arguments of `am` spell them."""

from __future__ import annotations

from dataclasses import dataclass, field

LAUNCHER_CATEGORY = "android.intent.category.LAUNCHER"
_FLAGS = frozenset({"-W", "-S", "-R", "--activity-clear-task", "--activity-clear-top", "--grant-read-uri-permission"})
_EXTRAS = frozenset({"--es", "-e", "--ei", "--ez", "--el", "--ef", "--eia", "--esa", "--eu", "--ecn"})


@dataclass
class Intent:
    """The intent arguments of `am`."""

    action: str = ""
    data: str = ""
    component: str = ""
    package: str = ""
    categories: list[str] = field(default_factory=list)
    extras: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    windowing_mode: str = ""

    def __str__(self) -> str:
        parts = [f"act={self.action}"] if self.action else []
        if self.categories:
            parts.append(f"cat=[{','.join(self.categories)}]")
        if self.data:
            parts.append(f"dat={self.data}")
        if self.package:
            parts.append(f"pkg={self.package}")
        if self.component:
            parts.append(f"cmp={self.component}")
        if self.extras:
            parts.append("(has extras)")
        return "{ " + " ".join(parts) + " }"


def parse_intent(words: list[str]) -> Intent:
    """ValueError where an option lacks its argument."""
    intent, rest = Intent(), list(words)

    def value(option: str) -> str:
        if not rest:
            raise ValueError(f'Argument expected after "{option}"')
        return rest.pop(0)

    while rest:
        word = rest.pop(0)
        if word == "-a":
            intent.action = value(word)
        elif word == "-d":
            intent.data = value(word)
        elif word == "-n":
            intent.component = value(word)
        elif word == "-p":
            intent.package = value(word)
        elif word == "-c":
            intent.categories.append(value(word))
        elif word in _EXTRAS:
            name = value(word)
            intent.extras[name] = value(word)
        elif word == "--windowingMode":
            intent.windowing_mode = value(word)
        elif word in ("-f", "-t", "--user", "--display"):
            value(word)
        elif word in _FLAGS or word.startswith("-"):
            intent.flags.add(word)
        elif "/" in word and ":" not in word:
            intent.component = word
        elif ":" in word:
            intent.data = word
        else:
            intent.package = word
    return intent
