"""What the alert of a crash is called and what it holds: at once, and when the run has tried to make it happen again.

Pure.
"""

from __future__ import annotations

import re
from typing import Any

from contracts.device_agent import CrashSeen
from contracts.orchestrator import CrashTraced

STACK_CHARS = 64_000
_WORDS_CHARS = 500
_STEPS = 200
_FRAME = re.compile(r"(?:^|\s)at\s+(?P<call>[\w.$@/<>-]+\([^)\n]*\))", re.MULTILINE)
_NATIVE_FRAME = re.compile(r"#\d+\s+pc\s+[0-9a-fA-F]+\s+(?P<call>[^\n]+)")


def dedup_key(crash: CrashSeen | CrashTraced) -> str:
    """Equal for the same crash of the same version, on whichever phone and in whichever run."""
    return f"crash:{crash.package}:{crash.version_name or 'unknown version'}:{crash.stack_key}"


def payload(crash: CrashSeen) -> dict[str, Any]:
    """What is known when it is told. `log`, `trace` and `exit_info` are keys of objects."""
    objects = {"log": crash.log, "trace": crash.trace, "exit_info": crash.exit_info}
    return {
        "kind": crash.kind,
        "package": crash.package,
        "version": crash.version_name,
        "process": crash.process,
        "exception": crash.exception,
        "message": crash.message[:STACK_CHARS],
        "stack": crash.stack[:STACK_CHARS],
        "stack_key": crash.stack_key,
        "source": crash.source,
        "device_id": str(crash.device_id),
        "run_id": None if crash.run_id is None else str(crash.run_id),
        **{name: None if ref is None else ref.key for name, ref in objects.items()},
    }


def details(crash: CrashSeen, traced: CrashTraced) -> dict[str, Any]:
    """The whole payload once the run has traced it. `touched` is a point in pixels of its screenshot."""
    return {
        **payload(crash),
        "verdict": traced.verdict,
        "minimal": traced.minimal,
        "tries": traced.tries,
        "reason": traced.reason,
        "sequence": [step.words[:_WORDS_CHARS] for step in traced.way[:_STEPS]],
        "screenshots": [
            {
                "step": picture.sequence,
                "screen": picture.screen_name,
                "screenshot": None if picture.screenshot is None else picture.screenshot.key,
                "touched": None if picture.point is None else [picture.point.x, picture.point.y],
            }
            for picture in traced.pictures
        ],
    }


def top_frame(stack: str, package: str) -> str | None:
    """Where it happened: the first frame of the app's own code, else the first frame there is."""
    frames = [found["call"] for found in _FRAME.finditer(stack)]
    own = next((frame for frame in frames if frame.startswith(package)), None)
    if own is not None or frames:
        return own or frames[0]
    native = _NATIVE_FRAME.search(stack)
    return None if native is None else native["call"].strip()
