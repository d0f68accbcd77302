"""When two crashes are the same one. Pure.

The normal form of a stack keeps what the programmer wrote and drops what differs between two occurrences: messages
(they hold ids, paths, typed text), line numbers (they differ between the versions of an app, and the normal form is
compared between versions too), numbers of lambdas, proxies and generated classes, thread names, and the framework's
frames, which differ between the Android versions of two phones. Of those only the one stays that the app called:
`Integer.parseInt` is the same everywhere, what it calls to throw is not. Different exceptions, or different methods of
the app, stay different.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

FRAMES_KEPT = 10
"""Frames of the app, from where it was thrown: enough to tell crashes apart, few enough to survive deep recursion."""
LINES_READ = 2_000
_ROUNDS = 3

_PREFIX = re.compile(
    r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+)?(?:\d+\s+\d+\s+)?(?:\S+ )?"
    r"\d?[VDIWEF][ /](?:class\s)?[\w.$\[\]-]+\s*(?:\(\s*\d+\))?\s*: ?"
)
_PLACE = r"\((?:Native Method|Unknown Source[^()]*|[^()\s]*)\)"
_FRAME = re.compile(rf"^\s*at\s+(?:[\w.@-]+/+)?(?P<method>[\w$<>-]+(?:\.[\w$<>-]+)+)\s*{_PLACE}")
_HALF_FRAME = re.compile(r"^\s*at\s+[^()\s]+(?:\([^()]*)?$")
_THROWABLE = re.compile(
    r"^\s*(?:Caused by: )?(?P<type>(?:[a-z_][\w-]*\.)+[A-Z][\w.$]*|\w*(?:Exception|Error))(?::\s|\s*$)"
)
_CAUSE = re.compile(r"^\s*Caused by: ")
_SUPPRESSED = re.compile(r"^\s+Suppressed: ")

_FRAMEWORK = re.compile(
    r"^(?:android|androidx|java|javax|jdk|sun|libcore|dalvik|kotlin|kotlinx|com\.android\.internal|com\.android\.server"
    r"|com\.google\.android\.gms|com\.google\.android\.material|org\.apache\.harmony|org\.json|io\.reactivex|rx)\."
)

_VOLATILE = (
    (re.compile(r"-\$\$Lambda\$(\w+)\$[\w-]+"), r"\1$$Lambda"),
    (re.compile(r"-\$\$Lambda\$[\w-]+"), "$$Lambda"),
    (re.compile(r"\$\$(?:External|Internal)?Synthetic\w*?(Lambda|Outline)[\w$]*"), r"$$\1"),
    (re.compile(r"\$\$Lambda[\w$/]*"), "$$Lambda"),
    (re.compile(r"lambda\$(\w*?[A-Za-z])\$\d+(?:\$[\w-]+)?"), r"lambda$\1"),
    (re.compile(r"access\$(?:lambda\$)?\w+"), "access$"),
    (re.compile(r"-(?:\$\$Nest\$\w+|wrap\d+|get\d+|set\d+)"), "-wrap"),
    (re.compile(r"\$Proxy\d+"), "$Proxy"),
    (re.compile(r"(Generated\w*(?:Accessor|Proxy))\d+"), r"\1"),
    (re.compile(r"(ByCGLIB|ByMockito\w*|ByGuice|ByteBuddy)\$+[\w$]+"), r"\1"),
    (re.compile(r"\$\w+_(?:debug|release)\b"), ""),
    (re.compile(r"\$\d+"), "$#"),
)


def bare(line: str) -> str:
    """The message of a log line that may still have its time, tag and pid before it."""
    return _PREFIX.sub("", line.rstrip("\r\n"))


@dataclass
class _Throwable:
    type: str
    frames: list[str] = field(default_factory=list)
    suppressed: bool = False


def normalise(stack: str | Iterable[str]) -> str:
    """The normal form of a stack trace: exception types, then the frames of the deepest cause. Equal for equal crashes.

    A text in which no stack can be seen is returned with its numbers and addresses masked.
    """
    lines = stack.splitlines() if isinstance(stack, str) else list(stack)
    messages = list(_whole(bare(line) for line in lines[:LINES_READ]))
    chain = _chain(messages)
    if not chain:
        return masked("\n".join(message.strip() for message in messages[:FRAMES_KEPT] if message.strip()))
    # The deepest cause that shows a method of the app; class loaders and parsers throw from within the framework.
    telling = next((t for t in reversed(chain) if any(not is_framework(frame) for frame in t.frames)), None)
    deepest = telling or next((t for t in reversed(chain) if t.frames), chain[-1])
    overflow = any(throwable.type.endswith("StackOverflowError") for throwable in chain)
    frames = _overflowing(deepest.frames) if overflow else telling_frames(deepest.frames)
    return "\n".join([*(throwable.type for throwable in chain), *(f"at {frame}" for frame in frames)])


def frames_of(lines: Iterable[str]) -> list[str]:
    """The methods of a thread's stack, innermost first, without what varies in their names."""
    return [stable(found["method"]) for line in _whole(lines) if (found := _FRAME.match(line))]


def _whole(messages: Iterable[str]) -> Iterable[str]:
    """Lines that a terminal or the log's limit broke are one again: a frame ends with a bracket."""
    half = ""
    for message in messages:
        if half:
            joined = half + message.strip()
            half = ""
            if _FRAME.match(joined):
                yield joined
                continue
        if _HALF_FRAME.match(message):
            half = message.rstrip()
        else:
            yield message


def _chain(messages: Sequence[str]) -> list[_Throwable]:
    """The throwables of the first trace in the text, outermost first. A second one without `Caused by:` is another."""
    chain: list[_Throwable] = []
    for message in messages:
        frame = _FRAME.match(message)
        if frame:
            if chain and not chain[-1].suppressed:
                chain[-1].frames.append(stable(frame["method"]))
            continue
        if chain and _SUPPRESSED.match(message):
            chain[-1].suppressed = True
            continue
        throwable = _THROWABLE.match(message)
        if throwable is None:
            continue
        if chain and not _CAUSE.match(message):
            if chain[-1].frames:
                break
            continue
        chain.append(_Throwable(stable(throwable["type"])))
    return chain


def telling_frames(frames: Sequence[str]) -> list[str]:
    """The app's frames, and before them what the app called; without any of the app's, the first frames as they are."""
    first = next((at for at, frame in enumerate(frames) if not is_framework(frame)), None)
    if first is None:
        return list(dict.fromkeys(frames))[:FRAMES_KEPT]
    called = [] if first == 0 else [frames[first - 1]]
    own = [frame for frame in frames[first:] if not is_framework(frame)]
    # Overloads and recursion print methods several times, and not equally often each time.
    return list(dict.fromkeys([*called, *own]))[:FRAMES_KEPT]


def _overflowing(frames: Sequence[str]) -> list[str]:
    """Where the last drop fell is chance: what goes round counts."""
    rounds = [frame for frame, times in Counter(frames).items() if times >= _ROUNDS]
    return sorted(rounds)[:FRAMES_KEPT] or telling_frames(frames)


def is_framework(frame: str) -> bool:
    """Whether a method belongs to Android, the language's libraries or Google's, and not to the app."""
    return _FRAMEWORK.match(frame) is not None


def stable(name: str) -> str:
    """A class or method without the numbers that compilers and virtual machines put into names."""
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
