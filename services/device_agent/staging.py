"""Bringing the APKs of an app from the object store to a phone, piece by piece; nothing is installed by that.

Android 7 and newer take them into an install session, older ones as files.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from contracts.values import AppInstall
from services.device_agent.adb.errors import AdbError, CommandFailed
from services.device_agent.parsers import installs
from services.device_agent.phone import READ_TIMEOUT_S, Phone
from services.device_agent.shell import command
from services.runtime.objects import Objects

TIDY_TIMEOUT_S = 3.0
"""For what is left over. Where the phone does not answer, the next installation replaces the files and gives up the
session; Android drops one that nobody knows any more after some days."""
LONGEST_S = 3600.0
"""For one part of an installation; the whole has less time, which is given with it."""
SESSIONS_FROM_API = 24
PERMISSIONS_FROM_API = 23
_FOLDER = "/data/local/tmp"
_COPY_TIMEOUT_S = 60.0
"""Of a file on the phone into a session."""


@dataclass
class Sender:
    """Sends from one object store."""

    objects: Objects
    left: dict[str, set[int]] = field(default_factory=dict)
    """Sessions by phone that could not be given up, because it had left: the next installation does."""

    def staged(self, phone: Phone, app: AppInstall) -> contextlib.AbstractAsyncContextManager[str]:
        """Everything of an app on the phone; gives the command that installs it, and tidies up afterwards.

        Raises `AdbError`, `MissingObjectError`, `StoreAwayError`.
        """
        return (_in_a_session if phone.api >= SESSIONS_FROM_API else _as_files)(self, phone, app)


def _options(phone: Phone, app: AppInstall) -> tuple[str, ...]:
    """Replace what is there; take builds for tests too; grant what it asks for."""
    grant = ("-g",) if app.grant_all and phone.api >= PERMISSIONS_FROM_API else ()
    return ("-r", "-t", *grant)


def _abandon(session: int) -> str:
    return command("cmd", "package", "install-abandon", str(session))


@contextlib.asynccontextmanager
async def _in_a_session(sender: Sender, phone: Phone, app: AppInstall) -> AsyncGenerator[str, None]:
    """An install session with everything in it; gives the command that commits it. Given up if it was not."""
    sizes = [await sender.objects.size_bytes(apk.key) for apk in app.apks]
    for left in sender.left.pop(phone.serial, ()):
        await phone.shell(_abandon(left), READ_TIMEOUT_S, "install")
    create = command("cmd", "package", "install-create", *_options(phone, app), "-S", str(sum(sizes)))
    created = await phone.shell(create, READ_TIMEOUT_S, "install")
    number = installs.session(created.text)
    if number is None:
        raise CommandFailed(phone.serial, "install-create", created.rc, created.text)
    try:
        for index, (apk, size) in enumerate(zip(app.apks, sizes, strict=True)):
            write = command("cmd", "package", "install-write", "-S", str(size), str(number), f"{index}.apk", "-")
            async with contextlib.aclosing(sender.objects.chunks(apk.key)) as chunks:
                said = await phone.feed(write, chunks, LONGEST_S)
            if not installs.succeeded(said):
                raise CommandFailed(phone.serial, "install-write", None, said)
        yield command("cmd", "package", "install-commit", str(number))
    finally:
        # A session that was committed is gone: giving it up changes nothing.
        try:
            await phone.shell(_abandon(number), TIDY_TIMEOUT_S, "install")
        except AdbError:
            sender.left.setdefault(phone.serial, set()).add(number)


@contextlib.asynccontextmanager
async def _as_files(sender: Sender, phone: Phone, app: AppInstall) -> AsyncGenerator[str, None]:
    """The way of Android 6: files on the phone, then the command that installs them. They are removed afterwards."""
    paths = [f"{_FOLDER}/waymark.{index}.apk" for index in range(len(app.apks))]
    try:
        sizes = []
        for apk, path in zip(app.apks, paths, strict=True):
            sizes.append(await sender.objects.size_bytes(apk.key))
            async with contextlib.aclosing(sender.objects.chunks(apk.key)) as chunks:
                await phone.push(chunks, path, LONGEST_S)
        if len(paths) == 1:
            yield command("pm", "install", *_options(phone, app), paths[0])
            return
        created = await phone.shell(
            command("pm", "install-create", *_options(phone, app), "-S", str(sum(sizes))), READ_TIMEOUT_S, "install"
        )
        number = installs.session(created.text)
        if number is None:
            raise CommandFailed(phone.serial, "install-create", created.rc, created.text)
        for index, (size, path) in enumerate(zip(sizes, paths, strict=True)):
            write = command("pm", "install-write", "-S", str(size), str(number), f"{index}.apk", path)
            wrote = await phone.shell(write, _COPY_TIMEOUT_S, "install")
            if not installs.succeeded(wrote.text):
                raise CommandFailed(phone.serial, "install-write", wrote.rc, wrote.text)
        yield command("pm", "install-commit", str(number))
    finally:
        with contextlib.suppress(AdbError):
            await phone.shell(command("rm", "-f", *paths), TIDY_TIMEOUT_S, "install")
