"""`pm`, `cmd package` and `dumpsys package`: what is installed."""

from __future__ import annotations

import time

from deploy.simulator.commands.launchers import launchers, resolver_table
from deploy.simulator.components import component, find_app, token, uid
from deploy.simulator.filesystem import FileError
from deploy.simulator.package_manager import Options, apk_path, folder_of
from deploy.simulator.shell.call import Call, Program
from deploy.simulator.world import InstalledApp

_INSTALLED_AT_S = 1_767_225_600
_MAX_APK_BYTES = 2 * 1024**3


def _apps(call: Call) -> tuple[InstalledApp, ...]:
    """What the phone plays, and the packages that every phone has."""
    played = call.phone.world.apps()
    have = {app.package for app in played}
    keyboards = [name.partition("/")[0] for name in call.phone.settings.keyboards]
    profile = call.phone.profile
    own = [InstalledApp("com.android.systemui", profile.release, profile.api, "System UI", system=True)]
    own += [InstalledApp(name, "1.0", 1, name.rpartition(".")[2], system=True) for name in keyboards]
    return (*played, *(app for app in own if app.package not in have))


async def _pm(call: Call) -> int:
    await call.wait(call.phone.latency.other_s)
    return await _package(call, list(call.arguments))


async def _cmd(call: Call) -> int:
    """`cmd SERVICE ..`: package, activity, window and the like as the tools of the same purpose."""
    words = call.arguments
    if not words:
        return call.fail("No service specified; use -l to list all services", 20)
    await call.wait(call.phone.latency.other_s)
    if words[0] == "package":
        return await _package(call, list(words[1:]))
    alias = {"activity": "am", "settings": "settings", "window": "wm", "input": "input"}.get(words[0])
    program = None if alias is None else call.phone.program(alias)
    if program is None:
        call.err(f"cmd: Can't find service: {words[0]}\n")
        return 20
    call.argv = (alias or "", *words[1:])
    result = program(call)
    return result if isinstance(result, int) else await result


async def _package(call: Call, words: list[str]) -> int:
    verb = words.pop(0) if words else ""
    while words and words[0] == "--user":
        del words[:2]
    phone = call.phone
    match verb:
        case "list":
            return _list(call, words)
        case "path":
            app = next((app for app in _apps(call) if words and app.package == words[-1]), None)
            if app is None:
                return 1
            for name in ("",) if app.system else phone.packages.files(app):
                call.out(f"package:{folder_of(app)}/{name}\n" if name else f"package:{apk_path(app)}\n")
        case "clear":
            done = bool(words) and phone.packages.clear(words[-1])
            call.phone.screen.touched("clear", call.service, package=words[-1] if words else "", done=done)
            call.out("Success\n" if done else "Failed\n")
            return 0 if done else 1
        case "grant" | "revoke":
            if len(words) < 2 or find_app(phone.world, words[0]) is None:
                call.err(f"java.lang.IllegalArgumentException: Unknown package: {words[0] if words else ''}\n")
                return 255
            phone.packages.grant(words[0], words[1], verb == "grant")
        case "uninstall":
            outcome = phone.packages.uninstall(words[-1] if words else "", keep="-k" in words)
            phone.screen.touched("uninstall", call.service, package=words[-1] if words else "", outcome=outcome)
            call.out(outcome + "\n")
            return 0 if outcome == "Success" else 1
        case "install" | "install-create" | "install-write" | "install-commit" | "install-abandon":
            return await _install(call, verb, words)
        case "resolve-activity":
            return _resolve(call, words)
        case "query-activities":
            call.out(launchers(call))
        case "dump":
            call.argv = ("dumpsys", "package", *words)
            call.out(dump_package(call))
        case "disable-user" | "enable" | "compile" | "trim-caches" | "set-install-location":
            return 0
        case _:
            call.err(f"Unknown command: {verb}\n")
            return 255
    return 0


def _list(call: Call, words: list[str]) -> int:
    kind = words.pop(0) if words else ""
    if kind == "features":
        call.out("feature:android.hardware.touchscreen\nfeature:android.hardware.wifi\n")
        return 0
    if kind not in ("packages", "package"):
        if kind in ("users", "permissions", "instrumentation", "libraries"):
            return 0
        call.err(f"Error: unknown list type '{kind}'\n")
        return 255
    options = {word for word in words if word.startswith("-")}
    if "--show-versioncode" in options and not call.phone.profile.shows_version_codes:
        call.err("Error: Unknown option: --show-versioncode\n")
        return 1
    name = next((word for word in words if not word.startswith("-")), "")
    for app in _apps(call):
        if ("-3" in options and app.system) or ("-s" in options and not app.system) or name not in app.package:
            continue
        shown = f"{apk_path(app)}={app.package}" if "-f" in options else app.package
        version = f" versionCode:{app.version_code}" if "--show-versioncode" in options else ""
        owner = f" uid:{uid(app.package)}" if "-U" in options else ""
        call.out(f"package:{shown}{version}{owner}\n")
    return 0


def _resolve(call: Call, words: list[str]) -> int:
    package = next((word for word in reversed(words) if not word.startswith("-") and "." in word), "")
    app = find_app(call.phone.world, package)
    if app is None or not app.activities:
        call.out("No activity found\n")
        return 0
    if "--brief" in words:
        call.out("priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true\n")
        call.out(component(app.package, app.activities[0]) + "\n")
    else:
        call.out(f"ActivityInfo:\n  name={app.activities[0]}\n  packageName={app.package}\n")
    return 0


async def _install(call: Call, verb: str, words: list[str]) -> int:
    """From a file of the phone, from the input (`-S SIZE`), or in a session of three commands."""
    manager = call.phone.packages
    size = int(words[words.index("-S") + 1]) if "-S" in words[:-1] else None
    if size is not None and not 0 <= size <= _MAX_APK_BYTES:
        call.out("Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]\n")
        return 1
    if verb == "install-create":
        return _create(call, words, size)
    numbers = [int(word) for word in words if word.isdigit() and int(word) in manager.sessions]
    if verb == "install" and size is None:
        return _install_file(call, words)
    if verb == "install":
        return _installed(call, [await _read(call, size)], Options.of(words))
    if not numbers:
        call.err("Error: java.lang.SecurityException: Caller has no access to session\n")
        return 255
    number = numbers[-1] if verb != "install-write" else numbers[0]
    if verb == "install-write":
        return await _write(call, words, number, size)
    session = manager.sessions.pop(number)
    if verb == "install-abandon":
        call.out("Success\n")
        return 0
    return _installed(call, list(session.files.values()), session.options)


def _create(call: Call, words: list[str], size: int | None) -> int:
    manager = call.phone.packages
    if size is not None and not manager.has_space(size):
        call.err(
            "\nException occurred while executing 'install-create':\nandroid.os.ParcelableException:"
            " java.io.IOException: Requested internal only, but not enough space\n"
        )
        return 255
    number = manager.create(Options.of(words))
    if number is None:
        call.err("Error: java.lang.IllegalStateException: Too many active sessions for UID 2000\n")
        return 255
    call.out(f"Success: created install session [{number}]\n")
    return 0


async def _write(call: Call, words: list[str], number: int, size: int | None) -> int:
    """`install-write [-S SIZE] SESSION NAME [PATH|-]`: a file of the phone, or the input."""
    named = words[words.index(str(number), words.index("-S") + 2 if "-S" in words else 0) + 1 :]
    name, path = named[0] if named else "base.apk", named[1] if len(named) > 1 else "-"
    try:
        content = await _read(call, size) if path == "-" else call.phone.files.read(call.path(path))
    except FileError:
        call.err(f"Error: Unable to open file: {path}\n")
        return 1
    if size is not None and len(content) < size:
        call.err(f"Error: java.io.IOException: only {len(content)} of {size} bytes came\n")
        return 1
    call.phone.packages.sessions[number].files[name] = content
    call.out(f"Success: streamed {len(content)} bytes\n")
    return 0


def _install_file(call: Call, words: list[str]) -> int:
    paths = [word for word in words if word.endswith(".apk") or word.startswith("/")]
    try:
        content = call.phone.files.read(call.path(paths[-1])) if paths else b""
    except FileError:
        call.err(f"Error: Unable to open file: {paths[-1]}\n")
        return 1
    if call.phone.profile.api < 24:
        call.out(f"\tpkg: {paths[-1] if paths else ''}\n")
    return _installed(call, [content], Options.of(words))


async def _read(call: Call, size: int | None) -> bytes:
    received = bytearray()
    while size is None or len(received) < size:
        data = await call.stdin.read()
        if not data:
            break
        received += data
    return bytes(received)


def _installed(call: Call, apks: list[bytes], options: Options) -> int:
    outcome = call.phone.packages.install(apks, options)
    size_bytes = sum(map(len, apks))
    call.phone.screen.touched("install", call.service, outcome=outcome, size_bytes=size_bytes, files=len(apks))
    call.out(outcome + "\n")
    return 0 if outcome == "Success" else 1


def dump_package(call: Call) -> str:
    """`dumpsys package PACKAGE`: every activity in the resolver table, the launcher's filter first; `resolvers` in its
    place: the tables of all apps."""
    wanted = next((word for word in call.arguments[1:] if not word.startswith("-")), "")
    if wanted in {"r", "resolvers"}:
        return resolver_table(*(app for app in call.phone.world.apps() if app.launchable))
    app = next((app for app in _apps(call) if app.package == wanted), None)
    if app is None:
        return f"Unable to find package: {wanted}\n" if wanted else "Packages:\n"
    return resolver_table(app) + _description(call, app)


def _description(call: Call, app: InstalledApp) -> str:
    path, build = folder_of(app), call.phone.packages.build(app)
    signer = token("signer", build.signer)
    splits = [name.removesuffix(".apk").removeprefix("split_") for name in call.phone.packages.files(app)]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(_INSTALLED_AT_S))
    flags = "SYSTEM HAS_CODE" if app.system else "HAS_CODE ALLOW_CLEAR_USER_DATA ALLOW_BACKUP"
    lines = [
        "Packages:",
        f"  Package [{app.package}] ({token('package', app.package)}):",
        f"    userId={uid(app.package)}",
        f"    pkg=Package{{{token('pkg', app.package)} {app.package}}}",
        f"    codePath={path}",
        f"    versionCode={app.version_code} minSdk={build.min_sdk} targetSdk={build.target_sdk}",
        f"    versionName={app.version_name}",
        f"    splits=[{', '.join(splits)}]",
        f"    dataDir=/data/user/0/{app.package}",
        f"    firstInstallTime={when}",
        f"    lastUpdateTime={when}",
        f"    signatures=PackageSignatures{{{token('keys', app.package)} version:2, signatures:[{signer}]}}",
        f"    pkgFlags=[ {flags} ]",
        "    declared activities:",
        *(f"      {activity}" for activity in app.activities),
        "    requested permissions:",
        *(f"      {permission}" for permission in app.permissions),
        "    User 0: ceDataInode=474317 installed=true hidden=false suspended=false stopped=false enabled=0",
        "      runtime permissions:",
    ]
    for permission in app.permissions:
        granted = str((app.package, permission) in call.phone.granted).lower()
        lines.append(f"        {permission}: granted={granted}, flags=[ USER_SENSITIVE_WHEN_GRANTED]")
    return "\n".join(lines) + "\n"


PROGRAMS: dict[str, Program] = {"cmd": _cmd, "pm": _pm}
