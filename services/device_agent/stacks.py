"""When two crashes are the same one. Pure.

The normal form of a stack keeps what the programmer wrote and drops what differs between two occurrences: messages
(they hold ids, paths, typed text), line numbers (they differ between the Android versions of two phones, and between a
debug and a release build), numbers of lambdas, proxies and anonymous classes, and the framework's frames, of which only
the one that threw stays. Different exceptions, or different methods of the app, stay different.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FRAMES_KEPT = 10
"""Frames of the app, from where it was thrown: enough to tell crashes apart, few enough to survive deep recursion."""
LINES_READ = 2_000

_PREFIX = re.compile(
    r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+)?(?:\d+\s+\d+\s+)?(?:\S+ )?"
    r"\d?[VDIWEF][ /](?:class\s)?[\w.$\[\]-]+\s*(?:\(\s*\d+\))?\s*: ?"
)
_FRAME = re.compile(r"^\s*at\s+(?:[\w.@-]+/+)?(?P<method>[\w.$<>-]+)\s*\(")
_NATIVE_FRAME = re.compile(r"^\s*#\d+\s+pc\s+[0-9a-fA-F]+\s+(?P<library>\S+)(?:\s+\((?P<symbol>[^()+]+).*)?")
_THROWABLE = re.compile(
    r"^\s*(?:Caused by: )?(?P<type>(?:[a-z_][\w-]*\.)+[A-Z][\w.$]*|\w*(?:Exception|Error))(?::\s|\s*$)"
)
_CAUSE = re.compile(r"^\s*Caused by: ")
_SIGNAL = re.compile(r"signal \d+ \((?P<signal>SIG\w+)\)")

_FRAMEWORK = re.compile(
    r"^(?:android|androidx|java|javax|jdk|sun|libcore|dalvik|kotlin|kotlinx|com\.android\.internal|com\.google\.android\.gms"
    r"|com\.google\.android\.material|org\.apache\.harmony|io\.reactivex|rx)\."
)

_VOLATILE = (
    (re.compile(r"-\$\$Lambda\$(\w+)\$[\w-]+"), r"\1$$Lambda"),
    (re.compile(r"\$\$(?:ExternalSynthetic)?Lambda\$?\d*"), "$$Lambda"),
    (re.compile(r"lambda\$(\w*?[A-Za-z])\$\d+(?:\$\w+)?"), r"lambda$\1"),
    (re.compile(r"access\$(?:lambda\$)?\w+"), "access$"),
    (re.compile(r"-(?:\$\$Nest\$\w+|wrap\d+|get\d+|set\d+)"), "-wrap"),
    (re.compile(r"\$Proxy\d+"), "$Proxy"),
    (re.compile(r"\$\d+"), "$#"),
)


def bare(line: str) -> str:
    """The message of a log line that may still have its time, tag and pid before it."""
    return _PREFIX.sub("", line.rstrip("\r\n"))


@dataclass
class _Throwable:
    type: str
    frames: list[str]


def normalise(stack: str | Iterable[str]) -> str:
    """The normal form of a stack trace: exception types, then the frames of the deepest cause. Equal for equal crashes.

    A text in which no stack can be seen is returned with its numbers and addresses masked.
    """
    lines = stack.splitlines() if isinstance(stack, str) else list(stack)
    messages = [bare(line) for line in lines[:LINES_READ]]
    chain = _chain(messages)
    if chain:
        # The deepest cause that shows a method of the app; class loaders and parsers throw from within the framework.
        telling = next((t for t in reversed(chain) if any(not _FRAMEWORK.match(frame) for frame in t.frames)), None)
        deepest = telling or next((t for t in reversed(chain) if t.frames), chain[-1])
        frames = _telling(deepest.frames)
        return "\n".join([*(throwable.type for throwable in chain), *(f"at {frame}" for frame in frames)])
    native = _native(messages)
    return native or masked("\n".join(message.strip() for message in messages[:FRAMES_KEPT] if message.strip()))


def _chain(messages: Sequence[str]) -> list[_Throwable]:
    """The throwables of the first trace in the text, outermost first. A second one without `Caused by:` is another."""
    chain: list[_Throwable] = []
    for message in messages:
        frame = _FRAME.match(message)
        if frame:
            if chain:
                chain[-1].frames.append(_stable(frame["method"]))
            continue
        throwable = _THROWABLE.match(message)
        if throwable is None:
            continue
        if chain and not _CAUSE.match(message):
            if chain[-1].frames:
                break
            continue
        chain.append(_Throwable(_stable(throwable["type"]), []))
    return chain


def _telling(frames: Sequence[str]) -> list[str]:
    """The frame that threw, and the app's frames below it; without any of the app's, the first frames as they are."""
    own = [frame for frame in frames if not _FRAMEWORK.match(frame)]
    if not own:
        return list(_without_repeats(frames))[:FRAMES_KEPT]
    kept = own if own[0] == frames[0] else [frames[0], *own]
    return list(_without_repeats(kept))[:FRAMES_KEPT]


def _without_repeats(frames: Sequence[str]) -> Iterable[str]:
    """Overloads and recursion print one method several times in a row, and not equally often each time."""
    before = None
    for frame in frames:
        if frame != before:
            yield frame
        before = frame


def _native(messages: Sequence[str]) -> str:
    signal = next((found["signal"] for message in messages if (found := _SIGNAL.search(message))), None)
    frames = []
    for message in messages:
        found = _NATIVE_FRAME.match(message)
        if found:
            frames.append(f"{found['library'].rpartition('/')[2]} {found['symbol'] or ''}".strip())
    return "\n".join([signal or "native crash", *(f"at {frame}" for frame in frames[:FRAMES_KEPT])]) if frames else ""


def _stable(name: str) -> str:
    for pattern, replacement in _VOLATILE:
        name = pattern.sub(replacement, name)
    return name


def masked(text: str) -> str:
    """The text with addresses, UUIDs and numbers replaced by `#`."""
    text = re.sub(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "#", text)
    return re.sub(r"\b(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F]*\b", "#", text)


def key(normal_form: str) -> str:
    """A short name of a normal form: 16 hexadecimal digits."""
    return hashlib.sha256(normal_form.encode()).hexdigest()[:16]
