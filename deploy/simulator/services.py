"""The services of the device daemon, by the name that an adb server opens them with."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from . import sync, terminal
from .faults import FaultKind
from .stream import Stream, StreamClosedError
from .trace import Entry, Kind

if TYPE_CHECKING:
    from .phone import Phone

Serve: TypeAlias = Callable[[], Coroutine[None, None, None]]

_REFUSALS = {
    "root": b"adbd cannot run as root in production builds\n",
    "remount": b"remount failed: not running as root\n",
    "tcpip": b"restarting in TCP mode is not possible here\n",
    "usb": b"this phone is on the network only\n",
    "disable-verity": b"verity cannot be disabled/enabled - USER build\n",
}


def open_service(phone: Phone, stream: Stream, service: str) -> Coroutine[None, None, None] | None:
    """What serves the stream, or None where the phone has no such service."""
    entry = phone.trace.add(Kind.SERVICE, service)
    phone.triggers.opened(service)
    name, _, argument = service.partition(":")
    options = tuple(name.split(","))
    serve: Serve | None = None
    if options[0] == "exec" or (options[0] == "shell" and ("v2" not in options or phone.profile.shell_v2)):
        serve = partial(terminal.serve, phone, stream, entry, options, argument)
    elif name == "sync":
        serve = partial(sync.serve, phone, stream, entry)
    elif name in ("tcp", "localabstract"):
        listener = phone.listeners.get(service)
        serve = None if listener is None else partial(listener, phone, stream, entry)
    elif name == "reverse":
        serve = partial(_reverse, phone, stream, argument)
    elif name == "framebuffer":
        serve = partial(_framebuffer, phone, stream, entry)
    elif name == "reboot":
        serve = partial(_reboot, phone, stream)
    elif name in _REFUSALS:
        serve = partial(stream.write, _REFUSALS[name])
    if serve is None:
        phone.trace.end(entry, 1)
        return None
    return _guarded(phone, stream, entry, serve)


async def _guarded(phone: Phone, stream: Stream, entry: Entry, serve: Serve) -> None:
    """Applies the faults that concern a whole service, and closes the stream whatever happens."""
    try:
        if (fault := phone.faults.take(FaultKind.DROP_BEFORE, entry.detail)) is not None:
            await phone.break_transport(fault, entry)
        if (fault := phone.faults.take(FaultKind.FREEZE, entry.detail)) is not None:
            phone.note_fault(fault, entry)
            await asyncio.Event().wait()
        if (fault := phone.faults.take(FaultKind.SLOW, entry.detail)) is not None:
            phone.note_fault(fault, entry)
            await asyncio.sleep(fault.seconds)
        await serve()
        await stream.finish()
    except StreamClosedError:
        pass  # the client has gone; what it asked for has ended with it
    except Exception as error:
        phone.report(error, entry)
        raise
    finally:
        if entry.ended_s is None:
            phone.trace.end(entry, entry.rc)
        stream.close()


async def _reverse(phone: Phone, stream: Stream, argument: str) -> None:
    """Forwards from the phone to the computer. `list-forward` is answered without OKAY, as adbd does."""
    operation, _, rest = argument.partition(":")
    if operation == "list-forward":
        listing = "".join(f"(reverse) {remote} {local}\n" for remote, local in phone.reverses.items()).encode()
        await stream.write(b"%04x" % len(listing) + listing)
        return
    if operation == "forward":
        keep = rest.startswith("norebind:")
        remote, _, local = rest.removeprefix("norebind:").partition(";")
        if keep and remote in phone.reverses:
            message = b"cannot rebind existing socket"
            await stream.write(b"FAIL%04x" % len(message) + message)
            return
        if remote == "tcp:0":
            remote = f"tcp:{20_000 + len(phone.reverses)}"
            port = remote.removeprefix("tcp:").encode()
            phone.reverses[remote] = local
            await stream.write(b"OKAY%04x" % len(port) + port)
            return
        phone.reverses[remote] = local
    elif operation == "killforward":
        if phone.reverses.pop(rest, None) is None:
            message = f"listener '{rest}' not found".encode()
            await stream.write(b"FAIL%04x" % len(message) + message)
            return
    elif operation == "killforward-all":
        phone.reverses.clear()
    await stream.write(b"OKAY")


async def _framebuffer(phone: Phone, stream: Stream, entry: Entry) -> None:
    """The screen as raw RGBA, after a header that has a colour space from Android 8 on."""
    png = phone.screen.picture(entry)
    image = await asyncio.to_thread(lambda: Image.open(io.BytesIO(png)).convert("RGBA"))
    raw = image.tobytes()
    channels = (0, 8, 16, 8, 8, 8, 24, 8)  # offset and length in bits of red, blue, green, alpha
    if phone.profile.api >= 26:
        header = struct.pack("<14I", 2, 32, 1, len(raw), image.width, image.height, *channels)
    else:
        header = struct.pack("<13I", 1, 32, len(raw), image.width, image.height, *channels)
    await stream.write(header)
    await stream.write(raw)


async def _reboot(phone: Phone, stream: Stream) -> None:
    await stream.finish()
    phone.reboot()
