"""`screencap` and `uiautomator dump`: the two ways to see what is on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy.simulator.faults import FaultKind
from deploy.simulator.filesystem import FileError
from deploy.simulator.shell.call import Call, Program
from deploy.simulator.trace import Entry

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

_DEFAULT_DUMP = "/sdcard/window_dump.xml"
_DECLARATION = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
_EMPTY = _DECLARATION + '<hierarchy rotation="0"></hierarchy>'
_KILLED = 137


async def _screencap(call: Call) -> int:
    """`screencap [-p] [-d DISPLAY] [FILE]`. Raw pixels without `-p` are for `framebuffer:`; only PNG is delivered."""
    words, paths, png = list(call.arguments), [], False
    while words:
        word = words.pop(0)
        if word == "-d" and words:
            words.pop(0)
        elif word == "-p":
            png = True
        elif word.startswith("-"):
            call.err("usage: screencap [-hp] [-d display-id] [FILENAME]\n")
            return 0 if word == "-h" else 1
        else:
            paths.append(word)
    if not png and not (paths and paths[0].endswith(".png")):
        return call.fail("the simulated phone captures PNG only: add -p")
    picture = call.phone.screen.picture(call.service)
    await call.wait(call.phone.latency.screencap_s)
    if not paths:
        call.stdout.write(picture)
        return 0
    try:
        call.phone.files.write(call.path(paths[0]), picture)
    except FileError as error:
        call.err(f"Error opening file: {paths[0]} ({error})\n")
        return 1
    return 0


async def _uiautomator(call: Call) -> int:
    words = call.arguments
    if words[:1] != ("dump",):
        call.err("Usage: uiautomator <subcommand> [options]\n\nAvailable subcommands:\n\n")
        call.err("help: displays help message\n\ndump: creates an XML dump of current UI hierarchy\n")
        return 0 if words[:1] == ("help",) else 1
    path = next((word for word in words[1:] if not word.startswith("--")), _DEFAULT_DUMP)
    # The real command waits for the screen to come to rest first, and reads it at the end.
    await call.wait(call.phone.latency.dump_s)
    failure = _failure(call)
    if failure is not None:
        call.err(failure[1])
        return failure[0]
    hierarchy = dumped_hierarchy(call.phone, call.service)
    if path in ("/dev/tty", "/dev/stdout", "/proc/self/fd/1"):
        call.out(hierarchy + f"UI hierchary dumped to: {path}\n")
        return 0
    try:
        call.phone.files.write(call.path(path), hierarchy.encode())
    except FileError as error:
        call.err(f"java.io.FileNotFoundException: {path}: open failed: {error}\n")
        return 0
    call.out(f"UI hierchary dumped to: {path}\n")
    return 0


def _failure(call: Call) -> tuple[int, str] | None:
    """Exit status and text of a dump that fails, as phones word it: most failures exit 0."""
    phone = call.phone
    outcomes = (
        (FaultKind.NOT_IDLE, (0, "ERROR: could not get idle state.\n")),
        (FaultKind.NULL_ROOT, (0, "ERROR: null root node returned by UiTestAutomationBridge.\n")),
        (FaultKind.KILLED, (_KILLED, "Killed\n")),
    )
    for kind, outcome in outcomes:
        if (fault := phone.faults.take(kind, call.text)) is not None:
            phone.note_fault(fault, call.service)
            return outcome
    if phone.processes.automation is not None:
        return 1, (
            "java.lang.IllegalStateException: UiAutomationService "
            "android.accessibilityservice.IAccessibilityServiceClient$Stub$Proxy@5deffd5already registered!\n"
        )
    if phone.screen.surface().animated:
        return 0, "ERROR: could not get idle state.\n"
    return None


def dumped_hierarchy(phone: Phone, cause: Entry, written: Callable[[str], str] = str) -> str:
    """The hierarchy as it is handed out, with the faults that are armed for it; recorded as delivered, with the name of
    the state that it shows. `written` makes of the hierarchy of the window in front what is handed out."""
    surface = phone.screen.surface()
    hierarchy, state = written(phone.screen.hierarchy(surface)), surface.state
    if (fault := phone.faults.take(FaultKind.EMPTY_HIERARCHY, cause.detail)) is not None:
        phone.note_fault(fault, cause)
        hierarchy, state = _EMPTY, ""
    elif (fault := phone.faults.take(FaultKind.HALF_HIERARCHY, cause.detail)) is not None:
        phone.note_fault(fault, cause)
        hierarchy, state = hierarchy[: len(hierarchy) // 2], ""
    phone.trace.deliver("hierarchy", hierarchy.encode(), cause.seq, state=state)
    return hierarchy


PROGRAMS: dict[str, Program] = {"screencap": _screencap, "uiautomator": _uiautomator}
