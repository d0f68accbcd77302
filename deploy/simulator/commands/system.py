"""Properties, settings, keyboards, processes, network: the small system commands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from deploy.simulator.components import pid, uid
from deploy.simulator.faults import FaultKind
from deploy.simulator.settings import NAMESPACES
from deploy.simulator.shell.call import Call, Program

from .activities import stack


def _getprop(call: Call) -> int:
    props, words = call.phone.properties, call.arguments
    if words:
        call.out(props.get(words[0], words[1] if len(words) > 1 else "") + "\n")
    else:
        call.out("".join(f"[{name}]: [{value}]\n" for name, value in sorted(props.items())))
    return 0


def _setprop(call: Call) -> int:
    if len(call.arguments) != 2:
        return call.fail("Need 2 arguments")
    name, value = call.arguments
    if name.startswith("ro."):
        call.err(f"Failed to set property '{name}' to '{value}'.\n")
        return 1
    call.phone.properties[name] = value
    return 0


async def _settings(call: Call) -> int:
    words = [word for word in call.arguments if word != "--user"]
    await call.wait(call.phone.latency.other_s)
    if len(words) < 2 or words[1] not in NAMESPACES:
        call.err(f"Invalid namespace '{words[1] if len(words) > 1 else ''}'\n")
        return 255
    if words[0] in ("put", "delete"):
        fault = call.phone.faults.take(FaultKind.SETTINGS_DENIED, call.text)
        if fault is not None:
            call.phone.note_fault(fault, call.service)
            call.err(
                "Exception occurred while executing:\njava.lang.SecurityException: Permission denial: writing to "
                "settings requires:android.permission.WRITE_SECURE_SETTINGS\n"
            )
            return 255
    table = call.phone.settings.tables[words[1]]
    match words[0], words[2:]:
        case "get", [name]:
            call.out(table.get(name, "null") + "\n")
        case "put", [name, value, *_]:
            table[name] = value
        case "delete", [name]:
            call.out(f"Deleted {int(table.pop(name, None) is not None)} rows\n")
        case "list", []:
            call.out("".join(f"{name}={value}\n" for name, value in sorted(table.items())))
        case _:
            call.err("Bad arguments\n")
            return 255
    return 0


async def _ime(call: Call) -> int:
    settings, words = call.phone.settings, list(call.arguments)
    await call.wait(call.phone.latency.other_s)
    verb = words.pop(0) if words else ""
    if verb == "list":
        for name in settings.keyboards if "-a" in words else settings.enabled:
            call.out(f"{name}\n" if "-s" in words else f"{name}:\n  mId={name} mSettingsActivityName=null\n")
        return 0
    if verb == "reset":
        settings.select(settings.keyboards[0])
        return 0
    keyboard = settings.find(words[0]) if words else None
    user = " for user #0" if call.phone.profile.users_in_words else ""
    if verb not in ("set", "enable", "disable"):
        call.err(f"Unknown command: {verb}\n")
        return 255
    if keyboard is None:
        call.err(f"Error: Unknown id: {words[0] if words else ''}\n")
        return 255
    if verb == "set":
        if keyboard not in settings.enabled:
            call.err(f"Unknown input method {keyboard} cannot be selected{user}\n")
            return 255
        settings.select(keyboard)
        call.out(f"Input method {keyboard} selected{user}\n")
    else:
        settings.enable(keyboard, on=verb == "enable")
        call.out(f"Input method {keyboard}: now {verb}d{user}\n")
    return 0


def _wm(call: Call) -> int:
    phone, words = call.phone, call.arguments
    if words[:1] == ("dismiss-keyguard",):
        phone.screen.dismiss_keyguard()
        return 0
    what = words[0] if words else ""
    if what not in ("size", "density"):
        call.err(f"Error: unknown command '{what}'\n")
        return 255
    if len(words) > 1:
        if words[1] == "reset":
            phone.display_override.pop(what, None)
        else:
            phone.display_override[what] = words[1]
        return 0
    physical = f"{phone.world.width}x{phone.world.height}" if what == "size" else phone.properties["ro.sf.lcd_density"]
    call.out(f"Physical {what}: {physical}\n")
    if what in phone.display_override:
        call.out(f"Override {what}: {phone.display_override[what]}\n")
    return 0


def _locksettings(call: Call) -> int:
    """What the lock screen wants, as `cmd lock_settings` tells it (Android 8 and newer)."""
    screen, keyguard, words = call.phone.screen, call.phone.screen.keyguard, call.arguments
    if call.phone.profile.api < 26:
        call.err("/system/bin/sh: locksettings: not found\n")
        return 127
    old = words[words.index("--old") + 1] if "--old" in words[:-1] else None
    verb, rest = (words[0] if words else ""), [w for w in words[1:] if w not in ("--old", old)]
    if verb == "get-disabled":
        call.out(f"{str(not screen.locks_itself).lower()}\n")
        return 0
    if verb not in ("verify", "set-pin", "set-password", "clear"):
        call.err(f"Unknown command: {verb}\n")
        return 255
    if (old or "") != keyguard.pin:
        call.out(f"Old password '{old}' didn't match\n" if old else "Old password not provided but required\n")
        return 255
    if verb == "verify":
        call.out("Lock credential verified successfully\n")
        return 0
    keyguard.pin = rest[0] if verb != "clear" and rest else ""
    screen.locks_itself = screen.locks_itself or bool(keyguard.pin)
    call.out(f"Pin set to '{keyguard.pin}'\n" if keyguard.pin else "Lock credential cleared\n")
    return 0


def _svc(call: Call) -> int:
    match call.arguments:
        case ("power", "stayon", value):
            call.phone.settings.tables["global"]["stay_on_while_plugged_in"] = "0" if value == "false" else "7"
        case ("power", "reboot", *_):
            call.phone.reboot()
        case ("wifi" | "data" | "power" | "nfc" | "usb", *_):
            pass
        case _:
            call.err("Available commands:\n    power\n    data\n    wifi\n    usb\n    nfc\n")
            return 1
    return 0


def _processes(call: Call) -> list[tuple[str, int, str]]:
    """User, process id and name of what runs."""
    surface = call.phone.world.surface(call.phone.now_s())
    names = dict.fromkeys([name for name, _ in stack(surface)] + [surface.package, "com.android.systemui"])
    running = [("root", 1, "init"), ("system", 1502, "system_server"), ("shell", 6200, "adbd")]
    running += [(tool.user, tool.pid, tool.name) for tool in call.phone.processes.all()]
    return running + [(f"u0_a{uid(name) - 10_000}", pid(name), name) for name in names]


def _ps(call: Call) -> int:
    """Before Android 8 `ps` lists all and knows no `-A`: that is then taken for a name."""
    old = call.phone.profile.api < 26
    words = [word for word in call.arguments if not old or word != "-ef"]
    if old and "-A" in words:
        call.out("USER     PID   PPID  VSIZE  RSS     WCHAN    PC        NAME\n")
        return 0
    if not old and "-o" in words:
        return _ps_columns(call, words[words.index("-o") + 1])
    everything = old or any(word.startswith("-") and ("A" in word or "e" in word) for word in words)
    name = next((word for word in words if not word.startswith("-") and "," not in word), None)
    rows = [row for row in _processes(call) if everything or name is not None]
    rows = [row for row in rows if name is None or name in row[2]] if old else rows
    if old:
        call.out("USER     PID   PPID  VSIZE  RSS     WCHAN    PC        NAME\n")
        call.out(
            "".join(
                f"{user:<9}{number:<6}300   1234567 98765 ffffffff 00000000 S {name}\n" for user, number, name in rows
            )
        )
    else:
        call.out("USER           PID  PPID     VSZ    RSS WCHAN            ADDR S NAME                       \n")
        call.out(
            "".join(
                f"{user:<12} {number:>5}   300 1234567  98765 0                   0 S {name}\n"
                for user, number, name in rows
            )
        )
    return 0


def _ps_columns(call: Call, columns: str) -> int:
    """`ps -A -o PID,ARGS`: of these columns, in this order."""
    commands = {tool.pid: tool.command for tool in call.phone.processes.all()}
    wanted = [column.strip().upper() for column in columns.split(",")]
    call.out(" ".join(f"{column:>5}" for column in wanted) + "\n")
    for user, number, name in _processes(call):
        known = {"USER": user, "PID": str(number), "NAME": name, "ARGS": commands.get(number, name)}
        call.out(" ".join(f"{known.get(column, '-'):>5}" for column in wanted) + "\n")
    return 0


def _pidof(call: Call) -> int:
    names = [word for word in call.arguments if not word.startswith("-")]
    found = [str(number) for _, number, name in _processes(call) if name in names]
    if found:
        call.out(" ".join(found) + "\n")
    return 0 if found else 1


def _id(call: Call) -> int:
    call.out("2000\n" if "-u" in call.arguments else "uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input)\n")
    return 0


def _whoami(call: Call) -> int:
    call.out("shell\n")
    return 0


def _date(call: Call) -> int:
    now = call.phone.now_s()
    pattern = next((word[1:] for word in call.arguments if word.startswith("+")), "%a %b %e %H:%M:%S GMT %Y")
    pattern = pattern.replace("%s", str(int(now))).replace("%N", f"{int(now % 1 * 1e9):09d}")
    call.out(time.strftime(pattern, time.gmtime(now)) + "\n")
    return 0


def _uptime(call: Call) -> int:
    minutes = int(call.phone.uptime_s // 60)
    if call.phone.profile.toolbox:
        up = f"{minutes // 60:02d}:{minutes % 60:02d}:{int(call.phone.uptime_s) % 60:02d}"
        call.out(f"up time: {up}, idle time: 00:00:10, sleep time: 00:00:00\n")
        return 0
    call.out(f" {time.strftime('%H:%M:%S')} up {minutes} min,  0 users,  load average: 1.02, 0.98, 0.91\n")
    return 0


def _which(call: Call) -> int:
    rc = 0
    for name in call.arguments:
        if call.phone.program(name) is None and name not in ("sh", "toybox"):
            rc = 1
        else:
            call.out(f"/system/bin/{name}\n")
    return rc


async def _getevent(call: Call) -> int:
    """The devices, then silence: nobody touches a simulated phone with a finger."""
    call.out('add device 1: /dev/input/event4\n  name:     "sim_touchscreen"\n')
    if "-p" in call.arguments or "-i" in call.arguments:
        call.out(f"    ABS (0003): 0035  : value 0, min 0, max {call.phone.world.width - 1}, fuzz 0, flat 0\n")
        return 0
    await call.flush()
    await asyncio.Event().wait()
    return 0


def _reboot(call: Call) -> int:
    call.phone.reboot()
    return 0


def _uname(call: Call) -> int:
    call.out("Linux localhost 5.10.149-android13 aarch64\n" if "-a" in call.arguments else "Linux\n")
    return 0


_PLAIN: dict[str, Callable[[Call], int]] = {
    "date": _date,
    "getprop": _getprop,
    "id": _id,
    "locksettings": _locksettings,
    "pidof": _pidof,
    "ps": _ps,
    "reboot": _reboot,
    "setprop": _setprop,
    "svc": _svc,
    "uname": _uname,
    "uptime": _uptime,
    "which": _which,
    "whoami": _whoami,
    "wm": _wm,
}
PROGRAMS: dict[str, Program] = {**_PLAIN, "getevent": _getevent, "ime": _ime, "settings": _settings}
