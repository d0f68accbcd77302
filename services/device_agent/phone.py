"""One phone behind an adb server: what it is, what is installed, and doing actions on it.

Mutating commands go one at a time (a lock); reads may run beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, replace

from contracts.sealed import Sealed, SealedError
from contracts.values import Action, AppVersion, Await, DeviceType, Input, Navigate, Observe
from services.device_agent import fence, fields, fitness, gestures, keyboard
from services.device_agent.adb.client import AdbClient, ShellResult
from services.device_agent.adb.errors import (
    AdbError,
    AdbServerGone,
    CommandFailed,
    DeviceGone,
    DeviceOffline,
    DeviceTimeout,
    DeviceUnauthorized,
)
from services.device_agent.fence import Attempt, Outcome, Verdict
from services.device_agent.fitness import Health
from services.device_agent.gestures import Facts, NotPossibleError
from services.device_agent.hierarchy_sources.chosen import ChosenSource
from services.device_agent.hierarchy_sources.preference import Preference
from services.device_agent.lease.note import show as show_note
from services.device_agent.lease.note import unlock as unlock_note
from services.device_agent.parsers import packages, properties
from services.device_agent.parsers.packages import Package
from services.device_agent.performing import Performed, Result, performed_by

READ_TIMEOUT_S = 10.0
ACTION_TIMEOUT_S = 30.0
HEARTBEAT_TIMEOUT_S = 3.0
WINDOWING_MODES_SINCE_API = 28
LONGEST_COMMAND_BYTES = 60_000
LONGEST_V1_COMMAND_BYTES = 3_800
"""Daemons of Android 6 and older take 4 KB in one request, the script for the exit code included."""

OpenText = Callable[[Sealed[str]], str]
"""Opens a sealed text; raises `contracts.sealed.SealedError` where its key was erased."""


@dataclass(frozen=True)
class Identity:
    """What a phone is. `os_version` is the release (13), `api` the level (33), the resolution in unturned pixels."""

    serial: str
    model: str
    manufacturer: str
    os_version: str
    api: int
    resolution: tuple[int, int] | None
    density_dpi: int | None
    device_type: DeviceType
    tags: dict[str, str]
    """What the phone is, as tasks select by it."""
    hardware_serial: str | None = None
    """The phone's own serial number, where it has one that tells it from every other phone."""


class Phone:
    """A phone that is connected now. Make a new one after it was away: what is cached here may have changed."""

    def __init__(
        self,
        client: AdbClient,
        serial: str,
        identity: Identity,
        input_methods: tuple[str, ...],
        note: str = "",
        preference: Preference = Preference.AUTO,
    ) -> None:
        self._client, self.serial, self.identity = client, serial, identity
        self.hierarchy = ChosenSource(client, self, preference)
        self.note = note
        """The note that a lease had left on it when it was opened (`lease/note.py`); empty: none."""
        self._driving = asyncio.Lock()
        self._launchers: dict[str, str | None] = {}
        self._shown: bytes | None = None
        self._split_screen = False
        self._adb_keyboard = keyboard.ADB_KEYBOARD if keyboard.ADB_KEYBOARD in input_methods else None

    @classmethod
    async def open(cls, client: AdbClient, serial: str, preference: Preference = Preference.AUTO) -> Phone:
        """Reads what the phone is in one round trip, and changes nothing."""
        asked = "getprop; echo; echo waymark-part; wm size; wm density; echo waymark-part; ime list -s -a"
        script = f"{asked}; echo waymark-part; {show_note()}"
        answer = await client.shell(serial, script, READ_TIMEOUT_S, "identity")
        props_text, _, rest = answer.stdout.decode(errors="replace").partition("\nwaymark-part\n")
        screen, imes, note = (*rest.split("waymark-part\n"), "", "")[:3]
        props = properties.properties(props_text)
        if not props.get("ro.build.version.sdk", "").isdigit():
            raise CommandFailed(serial, "getprop", answer.rc, answer.text)
        methods = properties.input_methods(imes)
        return cls(client, serial, _identity(serial, props, screen), methods, note, preference)

    @property
    def api(self) -> int:
        return self.identity.api

    @property
    def tags(self) -> dict[str, str]:
        return self.identity.tags

    @property
    def resolution(self) -> tuple[int, int] | None:
        return self.identity.resolution

    async def shell(self, cmd: str, timeout_s: float, name: str) -> ShellResult:
        """A command that only reads. See `AdbClient.shell`."""
        return await self._client.shell(self.serial, cmd, timeout_s, name)

    @property
    def last_shown(self) -> bytes | None:
        """The hierarchy of the last capture; None where the phone was touched since."""
        return self._shown

    def shown(self, hierarchy_xml: bytes | None, *, split_screen: bool = False) -> None:
        """Told by each capture what is on the screen: how much is to be deleted from a field before typing, and
        whether an app that is started has to get the screen for itself."""
        self._shown, self._split_screen = hierarchy_xml, split_screen

    async def heartbeat(self) -> float:
        """Seconds of an `echo`. Raises `DeviceTimeout` for a frozen phone, which adb goes on calling `device`."""
        begun_s = time.monotonic()
        answer = await self.shell("echo waymark", HEARTBEAT_TIMEOUT_S, "heartbeat")
        if answer.stdout.strip() != b"waymark":
            raise CommandFailed(self.serial, "echo", answer.rc, answer.text)
        return time.monotonic() - begun_s

    async def health(self) -> Health:
        return fitness.health((await self.shell(fitness.SCRIPT, READ_TIMEOUT_S, "health")).text)

    # --- apps ---------------------------------------------------------------------------------------------------------

    async def installed(self) -> dict[str, int | None]:
        """Package to version code of everything installed, the system's own included."""
        show = " --show-versioncode" if self.api >= 26 else ""
        answer = await self.shell(f"pm list packages{show}", READ_TIMEOUT_S, "packages")
        found = packages.installed(answer.text)
        if not found:
            raise CommandFailed(self.serial, "pm list packages", answer.rc, answer.text)
        return found

    async def user_packages(self) -> tuple[str, ...]:
        """Packages that are not part of the system, sorted."""
        answer = await self.shell("pm list packages -3", READ_TIMEOUT_S, "packages")
        return tuple(sorted(packages.installed(answer.text)))

    async def package(self, name: str) -> Package | None:
        """Version, launcher and activities of an app; None where it is not installed. Raises `NotPossibleError`."""
        gestures.check_package(name)
        answer = await self.shell(f"dumpsys package {name}", READ_TIMEOUT_S, "package")
        found = packages.package(answer.text, name)
        self._launchers[name] = found.launcher if found else None
        return found

    async def app_version(self, name: str) -> AppVersion | None:
        """The app as it is installed. Labels are not told by any shell command, so there is none."""
        found = await self.package(name)
        if found is None:
            return None
        return AppVersion(package=name, version_name=found.version_name, version_code=found.version_code)

    async def feed(self, cmd: str, chunks: AsyncIterable[bytes], timeout_s: float) -> str:
        """See `AdbClient.feed`: for what an installation sends before it counts."""
        return await self._client.feed(self.serial, cmd, chunks, timeout_s, "install")

    async def push(self, chunks: AsyncIterable[bytes], path: str, timeout_s: float) -> None:
        """Writes a file of any size."""
        await self._client.push_chunks(self.serial, chunks, path, timeout_s)

    # --- actions ------------------------------------------------------------------------------------------------------

    async def perform(self, action: Action, token: int, number: int, open_text: OpenText) -> Performed:
        """Does an action once at most, as number `number` of the lease `token`.

        Raises nothing: whatever the phone and the adb server do or do not is a result.
        """
        begun_s = time.monotonic()
        try:
            script = await self._script(action, token, number, open_text)
        except NotPossibleError as error:
            return Performed(Result.IMPOSSIBLE, str(error), code=error.code)
        except AdbError as error:
            return Performed(Result.NOT_ATTEMPTED, str(error))
        if script is None:
            return Performed(Result.DONE)
        async with self._driving:
            self._shown = None
            performed = await self._through_the_fence(script, token, number, ACTION_TIMEOUT_S)
        return replace(performed, latency_ms=(time.monotonic() - begun_s) * 1e3)

    async def change_apps(
        self, cmd: str, token: int, number: int, timeout_s: float, read: Callable[[Outcome], Performed]
    ) -> Performed:
        """A command list that installs, clears or removes apps, once at most, as number `number` of the lease `token`;
        `read` understands what it prints. Raises nothing."""
        async with self._driving:
            self._launchers.clear()
            return await self._through_the_fence(fence.fenced(cmd, token, number), token, number, timeout_s, read)

    async def _script(self, action: Action, token: int, number: int, open_text: OpenText) -> str | None:
        cmd = await self._command(action, open_text)
        if cmd is None:
            return None
        script = fence.fenced(cmd, token, number)
        size, v2 = len(script.encode()), "shell_v2" in await self._client.features(self.serial)
        limit = LONGEST_COMMAND_BYTES if v2 else LONGEST_V1_COMMAND_BYTES
        if size > limit:
            raise NotPossibleError(
                f"too long for this phone ({size} bytes of {limit} in one command): type it in parts"
            )
        return script

    async def _command(self, action: Action, open_text: OpenText) -> str | None:
        match action:
            case Input():
                facts = Facts(self._adb_keyboard, fields.length(self._shown, action.point))
                try:
                    return gestures.commands(action, facts, open_text(action.text))
                except SealedError as error:
                    raise NotPossibleError(f"the text to type cannot be opened: {error}") from error
            case Navigate(to="LAUNCH", package=str(name)):
                alone = self._split_screen and self.api >= WINDOWING_MODES_SINCE_API
                launcher = None if action.activity is not None else await self._launcher(name)
                return gestures.commands(action, Facts(launcher=launcher, split_screen=alone))
            case Observe() | Await():
                return None
            case _:
                return gestures.commands(action, Facts())

    async def _launcher(self, name: str) -> str | None:
        if name not in self._launchers:
            await self.package(name)
        return self._launchers[name]

    async def fenced(self, script: str, timeout_s: float, name: str) -> Outcome:
        """Runs a script that begins with the fence (`fence.opened`, `fence.closed`); one that died holding a lock is
        overcome once. Raises `AdbError`: what was under way may have happened."""
        async with self._driving:
            for _ in range(2):
                answer = await self.shell(script, timeout_s, name)
                outcome = fence.outcome(answer.rc, answer.stdout, answer.stderr)
                if outcome.verdict is not Verdict.BUSY:
                    break
                await self.shell(f"{fence.unlock()}; {unlock_note()}", READ_TIMEOUT_S, "unlock")
        return outcome

    async def _through_the_fence(
        self,
        script: str,
        token: int,
        number: int,
        timeout_s: float,
        read: Callable[[Outcome], Performed] = performed_by,
    ) -> Performed:
        for _ in range(2):
            try:
                answer = await self.shell(script, timeout_s, "action")
            except (DeviceGone, DeviceTimeout) as error:
                return await self._after_losing_it(error, token, number)
            except (DeviceOffline, DeviceUnauthorized, AdbServerGone) as error:
                return Performed(Result.NOT_ATTEMPTED, str(error))
            except AdbError as error:
                return Performed(Result.UNKNOWN, str(error))
            outcome = fence.outcome(answer.rc, answer.stdout, answer.stderr)
            if outcome.verdict is not Verdict.BUSY:
                break
            try:
                await self.shell(fence.unlock(), READ_TIMEOUT_S, "unlock")
            except AdbError as error:
                return Performed(Result.NOT_ATTEMPTED, str(error))
        return read(outcome)

    async def _after_losing_it(self, error: AdbError, token: int, number: int) -> Performed:
        """The call was cut off: where the phone still answers, its fence tells whether the action was attempted."""
        if isinstance(error, DeviceGone) and not error.begun:
            return Performed(Result.NOT_ATTEMPTED, str(error))
        try:
            attempt = await self.attempted(token, number)
        except AdbError:
            return Performed(Result.UNKNOWN, str(error))
        if attempt is Attempt.NOT_ATTEMPTED:
            return Performed(Result.NOT_ATTEMPTED, str(error))
        return Performed(Result.UNKNOWN, str(error))

    async def attempted(self, token: int, number: int) -> Attempt:
        """What the phone's fence says about an action of which nobody saw the end."""
        answer = await self.shell(fence.read_attempt(), READ_TIMEOUT_S, "fence")
        return fence.attempted(answer.stdout, token, number)

    async def close(self, *, reachable: bool = True) -> None:
        """Ends what was started on the phone to look at it; one that is known not to answer is not asked. That it has
        gone is no error."""
        await self.hierarchy.stop(reachable=reachable)


def tags_of(props: dict[str, str]) -> dict[str, str]:
    """What a phone is by its properties, as tags."""
    return {
        "api": props.get("ro.build.version.sdk", "unknown"),
        "os": props.get("ro.build.version.release", "unknown"),
        "abi": props.get("ro.product.cpu.abi", "unknown"),
        "manufacturer": props.get("ro.product.manufacturer", "unknown"),
        "type": properties.device_type(props).value.lower(),
        **({"abis": abis} if (abis := props.get("ro.product.cpu.abilist", "")) else {}),
    }


async def hardware_serial(client: AdbClient, serial: str) -> str | None:
    """The phone's own serial number, read without touching the phone; None where it has none of its own."""
    answer = await client.shell(serial, "getprop", READ_TIMEOUT_S, "serial number")
    return properties.hardware_serial(properties.properties(answer.stdout.decode(errors="replace")))


def _identity(serial: str, props: dict[str, str], screen: str) -> Identity:
    resolution = properties.size(screen)
    shown = {} if resolution is None else {"resolution": f"{resolution[0]}x{resolution[1]}"}
    return Identity(
        serial=serial,
        model=props.get("ro.product.model", "unknown"),
        manufacturer=props.get("ro.product.manufacturer", "unknown"),
        os_version=props.get("ro.build.version.release", "unknown"),
        api=int(props["ro.build.version.sdk"]),
        resolution=resolution,
        density_dpi=properties.density(screen),
        device_type=properties.device_type(props),
        tags=tags_of(props) | shown,
        hardware_serial=properties.hardware_serial(props),
    )
