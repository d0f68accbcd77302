"""What changes while a phone is used: tasks, open screens with what was typed, installed apps with their values."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from deploy.simulator.apps.actions import Ask
from deploy.simulator.apps.model import App, Screen
from deploy.simulator.world import LogLine

LAUNCHER = "com.waymark.sim.launcher"
PERMISSION_CONTROLLER = "com.android.permissioncontroller"
Source: TypeAlias = tuple[str, str, int]
"""Priority, tag and process of a log line."""
LOG_LINES = 4000
"""Lines kept, the oldest dropped: about what a phone's ring buffer holds of one app."""


@dataclass
class Record:
    """One activity on a back stack: its screen, and what the user did on it."""

    package: str
    screen: str
    opened_s: float
    args: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    focus: str = ""
    dialogs: list[str] = field(default_factory=list)
    asked: Ask | None = None
    """The question that this record of the permission controller puts."""


@dataclass
class Installed:
    """One installed app: its version's description, its values, and its process (0: none runs)."""

    app: App
    stored: dict[str, str]
    memory: dict[str, str]
    granted: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)
    pid: int = 0


@dataclass
class Task:
    """A back stack, bottom first, and the package it belongs to."""

    package: str
    records: list[Record]


@dataclass
class Phone:
    """The whole state. The last task is in front; the launcher's is always there."""

    installed: dict[str, Installed]
    tasks: list[Task]
    random: random.Random
    next_pid: int
    not_responding: str = ""
    """Package whose ANR dialog covers everything."""
    toast: str = ""
    toast_until_s: float = 0.0
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    """What removed apps stored, of those whose data was to stay."""
    revision: int = 0
    """Counts changes, for what is worked out from the state."""

    @property
    def top(self) -> Record:
        """The activity in front."""
        return self.tasks[-1].records[-1]

    def app_of(self, record: Record) -> App:
        """The installed app that a record belongs to."""
        return self.installed[record.package].app

    def screen_of(self, record: Record) -> Screen:
        """What a record shows below its dialogs."""
        return self.app_of(record).screens[record.screen]

    def window(self) -> Screen:
        """The screen or the dialog that takes the gestures (the ANR dialog aside)."""
        top = self.top
        return self.app_of(top).screens[top.dialogs[-1]] if top.dialogs else self.screen_of(top)

    def write(self, at_s: float, buffer: str, source: Source, message: str) -> None:
        """Appends to logcat."""
        priority, tag, pid = source
        self.log.append(LogLine(at_s, buffer, priority, tag, pid, message))

    def start_process(self, package: str, now_s: float) -> None:
        """Gives the app a process where it has none: a new id, and its memory as at the start."""
        installed = self.installed[package]
        if installed.pid:
            return
        installed.pid = self.next_pid
        self.next_pid += self.random.randint(7, 60)
        installed.memory = dict(installed.app.memory)
        start = f"[0,{installed.pid},10{len(package) + 100},{package},next-top-activity,{{{package}}}]"
        self.write(now_s, "events", ("I", "am_proc_start", SYSTEM_PID), start)

    def end_process(self, package: str) -> None:
        """The process is gone with its memory."""
        self.installed[package].pid = 0
        self.installed[package].memory = dict(self.installed[package].app.memory)


SYSTEM_PID = 1423
"""The process of system_server."""
