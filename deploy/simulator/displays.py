"""Displays beside the phone's own (0): the cover of a foldable, a desktop on a monitor, a mirror's virtual one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Display:
    """`package` and `activity` are what lies in front there, None where nothing does. Where `focused`, it has the keys:
    only one display has, and the phone's own shows no focused window meanwhile."""

    number: int
    package: str | None = None
    activity: str | None = None
    focused: bool = False
    awake: bool = True
