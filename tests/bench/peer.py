"""Open-AutoGLM, unmodified, as a contender: from the checkout that OPEN_AUTOGLM names, in a Python of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.platform import Platform
from tests.bench.contest import Ended
from tests.tasks.playing import Play, PlayingModel

CHECKOUT = "OPEN_AUTOGLM"
PYTHON = "OPEN_AUTOGLM_PYTHON"
"""Names a Python that has its requirements; without it one is made in build/open-autoglm."""
_VENV = Path("build") / "open-autoglm"
_NEEDS = ("openai", "Pillow")
_LIMIT_S = 900.0


class Peer:
    """`name` and `run`, as `contest.Contender`. `apps`: what is added to its fixed table of apps."""

    name = "Open-AutoGLM"

    def __init__(self, platform: Platform, checkout: Path, apps: Mapping[str, str]) -> None:
        self._platform = platform
        self._checkout = checkout
        self._apps = dict(apps)
        self._path = platform.folder / "peer-path"

    async def run(self, play: Play, model: PlayingModel, max_steps: int) -> Ended:
        python = await _python()
        task = {
            "base_url": model.base_url,
            "serial": self._platform.serials[play.phone],
            "goal": play.goal,
            "max_steps": max_steps,
            "apps": self._apps,
        }
        process = await asyncio.create_subprocess_exec(
            python,
            str(Path(__file__).with_name("peer_program.py")),
            str(self._checkout),
            env=self._environ(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await asyncio.wait_for(process.communicate(json.dumps(task).encode()), _LIMIT_S)
        assert process.returncode == 0, said.decode(errors="replace")[-3000:]
        outcome = json.loads(out.decode().strip().splitlines()[-1])
        return Ended(bool(outcome["success"]), str(outcome["message"] or ""))

    def _environ(self) -> dict[str, str]:
        """Its `adb` is the program that the platform uses, and reaches the private adb server."""
        self._path.mkdir(exist_ok=True)
        link = self._path / "adb"
        if not link.exists():
            link.symlink_to(self._platform.adb.binary)
        own = {"PATH": f"{self._path}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **self._platform.adb.environment, **own}


def checkout() -> Path | None:
    """Where Open-AutoGLM lies; None where nobody says."""
    named = os.environ.get(CHECKOUT)
    if not named:
        return None
    folder = Path(named)
    if not (folder / "phone_agent" / "agent.py").is_file():
        raise SystemExit(f"{CHECKOUT}={named}: there is no phone_agent/agent.py in it; name a checkout of Open-AutoGLM")
    return folder


async def _python() -> str:
    """A Python with what it needs; made when it is first wanted."""
    if given := os.environ.get(PYTHON):
        return given
    python = _VENV / "bin" / "python"
    if not (_VENV / "ready").exists():
        await _do(sys.executable, "-m", "uv", "venv", "-q", "--clear", str(_VENV))
        await _do(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), *_NEEDS)
        (_VENV / "ready").touch()
    return str(python.absolute())


async def _do(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv)
    if await asyncio.wait_for(process.wait(), _LIMIT_S):
        raise SystemExit(f"{' '.join(argv)} failed: name a Python with {', '.join(_NEEDS)} in {PYTHON}")
