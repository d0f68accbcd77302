"""The machine's own /bin/sh as the phone's shell: real scripts and real files, with recorders in place of `input`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from services.device_agent import fence

RECORDER = """#!/bin/sh
printf '%s\\0' "$#" "${0##*/}" "$@" >> "$CALLS"
"""


class RealShell:
    """Runs scripts under /bin/sh; programs named in `fakes` are recorded with their exact arguments."""

    def __init__(self, folder: Path, fakes: tuple[str, ...] = ("input", "sync")) -> None:
        self.folder = folder
        self.fence_file = str(folder / "waymark.fence")
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in fakes:
            self.fake(name, RECORDER)

    def fake(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(script)
        path.chmod(0o755)

    def run(self, script: str) -> subprocess.CompletedProcess[bytes]:
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "CALLS": str(self.folder / "calls")}
        return subprocess.run(["/bin/sh", "-c", script], capture_output=True, env=environment, timeout=30, check=False)

    def start(self, script: str) -> subprocess.Popen[bytes]:
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "CALLS": str(self.folder / "calls")}
        return subprocess.Popen(
            ["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )

    def calls(self, program: str = "input") -> list[list[str]]:
        """The arguments of every call of `program`, in order."""
        path = self.folder / "calls"
        if not path.exists():
            return []
        fields = path.read_bytes().decode("utf-8", "surrogateescape").split("\0")
        calls: list[list[str]] = []
        while len(fields) > 1:
            count, name, *fields = fields
            if name == program:
                calls.append(fields[: int(count)])
            fields = fields[int(count) :]
        return calls

    def act(self, action: str, token: int, number: int) -> fence.Outcome:
        done = self.run(fence.fenced(action, token, number, self.fence_file))
        return fence.outcome(done.returncode, done.stdout, done.stderr)

    def attempted(self, token: int, number: int) -> fence.Attempt:
        return fence.attempted(self.run(fence.read_attempt(self.fence_file)).stdout, token, number)
