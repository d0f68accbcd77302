"""Who holds UiAutomation, by `ps`. Android lets one tool at a time have it, and does not say which."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIST = "ps -A -o PID,ARGS 2>/dev/null | grep -v grep; ps"
"""With arguments where `ps` can (Android 8 and newer); the second lists everything on older ones."""
SERVER_CLASS = "com.wetest.uia2.Main"

_HOLDERS = (
    ("a uiautomator2 server", re.compile(r"\bcom\.wetest\.uia2\.Main\b")),
    ("the uiautomator2 app", re.compile(r"\bcom\.github\.uiautomator\b")),
    ("Appium", re.compile(r"\bio\.appium\.uiautomator2\.server\b")),
    ("`uiautomator`", re.compile(r"(?:^|[\s/])uiautomator\b|\bcom\.android\.commands\.uiautomator\b")),
    ("an instrumentation", re.compile(r"\bam instrument\b|\bactivity instrument\b|\bcommands\.am\.Am instrument\b")),
)
_ROW = re.compile(r"^\s*(?P<pid>\d+)\s+(?P<args>\S.*)$")
_OLD_ROW = re.compile(r"^\S+\s+(?P<pid>\d+)\s+\d+\s.*?\s(?P<args>\S+)\s*$")


@dataclass(frozen=True)
class Holder:
    """A process that can hold UiAutomation: what people call it, its id, and how the phone names it."""

    tool: str
    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.tool} (pid {self.pid}, {self.name})"


def holders(output: str) -> tuple[Holder, ...]:
    """The processes that may hold UiAutomation, each once, in the order of the list."""
    found: dict[int, Holder] = {}
    for line in output.splitlines():
        row = _ROW.match(line) or _OLD_ROW.match(line)
        if row is None:
            continue
        tool = next((tool for tool, sign in _HOLDERS if sign.search(row["args"])), None)
        if tool is not None:
            found.setdefault(int(row["pid"]), Holder(tool, int(row["pid"]), row["args"].strip()[:200]))
    return tuple(found.values())
