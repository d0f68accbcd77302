"""Which source a phone's configuration asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

VARIABLE = "WAYMARK_HIERARCHY_SOURCE"


class Preference(StrEnum):
    """AUTO takes the server where it starts, and the dump where it does not; the others never change."""

    AUTO = "auto"
    SERVER = "server"
    DUMP = "dump"


@dataclass(frozen=True)
class Preferences:
    """What holds for all phones, and for some by their serial."""

    all: Preference = Preference.AUTO
    some: Mapping[str, Preference] = field(default_factory=dict)

    def of(self, serial: str) -> Preference:
        return self.some.get(serial, self.all)


def preferences(environ: Mapping[str, str]) -> Preferences:
    """Reads the variable: `auto`, `server` or `dump`, and overrides by serial, as in `auto,emulator-5554=dump`.

    Raises `ValueError` that says what is allowed.
    """
    everyone, some = Preference.AUTO, {}
    for part in environ.get(VARIABLE, "").split(","):
        serial, override, value = part.strip().rpartition("=")
        if not value:
            continue
        try:
            preference = Preference(value.strip().lower())
        except ValueError:
            raise ValueError(
                f"{VARIABLE} says {part.strip()!r}: write {', '.join(Preference)}, or SERIAL=.. with one of them"
            ) from None
        if override:
            some[serial.strip()] = preference
        else:
            everyone = preference
    return Preferences(everyone, some)
