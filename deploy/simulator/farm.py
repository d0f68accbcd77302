"""Several phones in one process, and the channel that tests steer them over."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from .catalogue import world_for
from .displays import Display
from .faults import FaultKind
from .package_manager import Options
from .phone import Phone
from .profiles import api_profile, latency_profile
from .settings import ADB_KEYBOARD
from .split import SINCE_API as SPLIT_SINCE_API
from .split import Split
from .trace import Entry, Trace
from .transport import Authorization

_MAX_REQUEST_BYTES = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


class Farm:
    """Phones with serials SIM0000, SIM0001, .. and the control channel. Use `start` and `close`."""

    def __init__(
        self,
        count: int,
        *,
        spec: str,
        apis: Sequence[int] = (33,),
        latency: str = "zero",
        seed: int = 0,
        trace_dir: Path | None = None,
    ) -> None:
        """`apis` and seeds go round: phone number i has `apis[i % len(apis)]` and `seed + i`."""
        counter = itertools.count(1)
        if trace_dir is not None:
            trace_dir.mkdir(parents=True, exist_ok=True)
        self.phones: list[Phone] = []
        for number in range(count):
            serial = f"SIM{number:04d}"
            path = None if trace_dir is None else trace_dir / f"{serial}.jsonl"
            self.phones.append(
                Phone(
                    serial,
                    world_for(spec, seed + number),
                    api_profile(apis[number % len(apis)]),
                    latency_profile(latency),
                    Trace(serial, counter, path),
                )
            )
        self.control_port = 0
        self._seed = seed
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self, control_port: int = 0) -> dict[str, Any]:
        """Starts every phone and the control channel; returns what `python -m deploy.simulator` prints."""
        for phone in self.phones:
            await phone.start()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", control_port, limit=_MAX_REQUEST_BYTES)
        self.control_port = self._server.sockets[0].getsockname()[1]
        return {
            "control_port": self.control_port,
            "phones": [
                {"serial": phone.serial, "port": phone.port, "address": f"127.0.0.1:{phone.port}"}
                | {"api": phone.profile.api}
                for phone in self.phones
            ],
        }

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._clients):
            writer.close()
        for phone in self.phones:
            await phone.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                writer.write(await self._answer(line) + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError) as error:
            _log.warning("control channel ended: %s", error)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> bytes:
        try:
            request = orjson.loads(line)
            operation, arguments = request.pop("do"), request
            result = await self._do(operation, arguments)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return orjson.dumps({"error": f"{type(error).__name__}: {error}"})
        return orjson.dumps({"result": result})

    async def _do(self, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "phones":
            return [phone.serial for phone in self.phones]
        if operation not in OPERATIONS:
            raise ValueError(f"no operation {operation!r}; there are {', '.join(OPERATIONS)}")
        phone = self.phones[int(arguments.pop("phone", 0))]
        result = OPERATIONS[operation](phone, **arguments)
        return await result if asyncio.iscoroutine(result) else result


def _arm(phone: Phone, kind: str, **options: Any) -> int:
    return phone.faults.arm(kind, **options)


def _trace(phone: Phone, since: int = 0, kinds: list[str] | None = None, limit: int = 100_000) -> list[Entry]:
    return phone.trace.since(since, kinds, limit)


def _surface(phone: Phone) -> dict[str, Any]:
    return asdict(phone.screen.surface())


def _latency(phone: Phone, name: str) -> None:
    phone.latency = latency_profile(name)


def _authorization(phone: Phone, mode: str) -> None:
    phone.authorization = Authorization(mode)


def _play(phone: Phone, app: str, seed: int = 0) -> None:
    """Another World on the same phone: what was installed before is gone."""
    phone.world = world_for(app, seed)
    phone.packages.forget()


def _install(phone: Phone, apk_hex: str) -> str:
    return phone.packages.install([bytes.fromhex(apk_hex)], Options())


def _refuse_installs(phone: Phone, failure: str = "") -> None:
    """From now on every installation fails with this, e.g. `INSTALL_FAILED_ABORTED: User rejected permissions`; empty:
    none does."""
    phone.packages.refusal = failure


def _rotate(phone: Phone, quarter_turns: int, by: str = "app") -> bool:
    """Turns the screen, as an app that asks for it (`app`) or a phone that is turned by hand (`sensor`), which a fixed
    rotation withstands; whether it is turned now."""
    if by not in ("app", "sensor"):
        raise ValueError(f"a screen is turned by `app` or `sensor`, not {by!r}")
    if by == "sensor" and phone.settings.tables["system"].get("accelerometer_rotation") != "1":
        return False
    phone.screen.rotation = quarter_turns % 4
    return True


def _lock(phone: Phone, locked: bool = True, awake: bool = True, pin: str = "") -> None:
    phone.screen.locked, phone.screen.awake = locked, awake
    phone.screen.keyguard.closed()
    phone.screen.keyguard.pin = pin


def _keyguard(phone: Phone, on: bool = True, pin: str = "") -> None:
    """Whether the phone is locked after a restart, and what opens it; `lock` locks it now."""
    phone.screen.locks_itself, phone.screen.keyguard.pin = on, pin


def _settings(phone: Phone, **tables: dict[str, str | None]) -> dict[str, dict[str, str]]:
    """Sets what is given (None: not set any more), by namespace; everything that is set then."""
    for namespace, values in tables.items():
        table = phone.settings.tables[namespace]
        table.update({name: value for name, value in values.items() if value is not None})
        for name in values.keys() & table.keys():
            if values[name] is None:
                del table[name]
    return {namespace: dict(table) for namespace, table in phone.settings.tables.items()}


def _clock(phone: Phone, skew_s: float) -> None:
    phone.skew_s = skew_s


def _property(phone: Phone, name: str, value: str) -> None:
    phone.properties[name] = value


def _screen(phone: Phone) -> dict[str, bool | int]:
    screen = phone.screen
    return {
        "awake": screen.awake,
        "locked": screen.locked,
        "rotation": screen.rotation,
        "refused_pins": screen.keyguard.refused,
    }


def _interrupt(phone: Phone, name: str, **options: Any) -> int:
    return phone.interruptions.raise_(name, **options)


def _split(phone: Phone, on: bool = True, package: str = "com.android.settings") -> None:
    """Another app takes the lower half of the screen, or goes."""
    if on and phone.profile.api < SPLIT_SINCE_API:
        raise ValueError(f"there is no split screen before API {SPLIT_SINCE_API}")
    world = phone.world
    phone.screen.split = Split(package, f"{package}.Settings", world.width, world.height) if on else None


def _shown(phone: Phone, secure: bool | None = None, restless: bool | None = None) -> None:
    """Whatever is shown forbids pictures, or never comes to rest."""
    screen = phone.screen
    screen.secure = screen.secure if secure is None else secure
    screen.restless = screen.restless if restless is None else restless


def _later(phone: Phone, then: str, touches: int | None = None, matches: str | None = None, **arguments: Any) -> None:
    """Does operation `then` after so many touches, or when a service opens whose name matches."""
    if then not in OPERATIONS:
        raise ValueError(f"no operation {then!r}; there are {', '.join(OPERATIONS)}")

    def act() -> None:
        result = OPERATIONS[then](phone, **arguments)
        if asyncio.iscoroutine(result):
            phone.background(result)

    phone.triggers.add(act, touches=touches, matches=matches)


def _storage(phone: Phone, limit_bytes: int) -> None:
    phone.files.limit_bytes = limit_bytes


def _file(phone: Phone, path: str) -> str | None:
    """The text of a file, None where there is none."""
    if phone.files.stat(path) is None:
        return None
    return phone.files.read(path).decode("utf-8", "backslashreplace")


def _keyboard(phone: Phone, installed: bool) -> None:
    """Whether ADBKeyboard is on the phone."""
    phone.settings.enable(ADB_KEYBOARD, on=False)
    others = [name for name in phone.settings.keyboards if name != ADB_KEYBOARD]
    phone.settings.keyboards = [*others, *([ADB_KEYBOARD] if installed else [])]


def _soft_keyboard(phone: Phone, up: bool = True) -> None:
    """Whether the keyboard is in sight. Fields do not bring it up by themselves."""
    phone.screen.keyboard_up = up


def _hold_automation(phone: Phone, name: str = "io.appium.uiautomator2.server") -> int:
    """Another tool gets UiAutomation; its process id, for `end_process`."""
    return phone.processes.hold(name)


def _end_process(phone: Phone, pid: int | None = None) -> bool:
    """Ends a process that a tool started, or the one that holds UiAutomation; False where there is none."""
    if pid is None:
        holder = phone.processes.automation
        return holder is not None and phone.processes.kill(holder.pid)
    return phone.processes.kill(pid)


def _processes(phone: Phone) -> list[dict[str, Any]]:
    """What tools have running, and which of it holds UiAutomation."""
    holder = phone.processes.automation
    return [
        {"pid": tool.pid, "name": tool.name, "command": tool.command, "holds_automation": tool is holder}
        for tool in phone.processes.all()
    ]


def _battery(phone: Phone, **values: int) -> None:
    phone.battery |= values


def _reboot(phone: Phone) -> None:
    phone.reboot()


def _displays(phone: Phone, displays: list[dict[str, Any]]) -> None:
    """The displays beside the phone's own."""
    phone.displays = [Display(**one) for one in displays]


def _freeze(phone: Phone, on: bool = True) -> None:
    phone.freeze(on)


def _clear(phone: Phone, fault: int | None = None) -> int:
    return phone.faults.clear(fault)


def _fault_kinds(_phone: Phone) -> list[str]:
    return [kind.value for kind in FaultKind]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "arm": _arm,
    "authorization": _authorization,
    "battery": _battery,
    "clear": _clear,
    "clock": _clock,
    "displays": _displays,
    "drop": Phone.drop,
    "fault_kinds": _fault_kinds,
    "end_process": _end_process,
    "file": _file,
    "forgotten": lambda phone: phone.trace.forgotten,
    "freeze": _freeze,
    "hold_automation": _hold_automation,
    "install": _install,
    "install_sessions": lambda phone: len(phone.packages.sessions),
    "interrupt": _interrupt,
    "interruptions": lambda phone: phone.interruptions.listed(),
    "keyboard": _keyboard,
    "keyguard": _keyguard,
    "later": _later,
    "latency": _latency,
    "lock": _lock,
    "play": _play,
    "processes": _processes,
    "property": _property,
    "reboot": _reboot,
    "refuse_installs": _refuse_installs,
    "rotate": _rotate,
    "screen": _screen,
    "settings": _settings,
    "shown": _shown,
    "soft_keyboard": _soft_keyboard,
    "split": _split,
    "start": Phone.start,
    "stop": Phone.stop,
    "storage": _storage,
    "surface": _surface,
    "trace": _trace,
    "trace_clear": lambda phone: phone.trace.clear(),
}
