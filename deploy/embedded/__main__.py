"""`python -m deploy.embedded up|down`: the servers and the services in the background of this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.stack import Ports, Stack

FOLDER = Path("build/up")
SERVICES = Path("services")
# The port that NATS clients try first; the others aside, where a PostgreSQL or MinIO of the machine is not in the way.
PORTS = Ports(postgres=15432, nats=4222, s3=19000)
UP_LIMIT_S = 60.0
DOWN_LIMIT_S = 60.0
WATCH_S = 0.2
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


def service_names() -> list[str]:
    """The services that can be started: those with a `__main__`, the command line aside."""
    return sorted(path.parent.name for path in SERVICES.glob("*/__main__.py") if path.parent.name != "cli")


async def tend(platform: Platform, ending: asyncio.Event) -> None:
    """Until `ending`, start each service that ended again, after a pause that doubles each time."""
    pauses_s: dict[str, float] = {}
    due: dict[str, float] = {}
    while not ending.is_set():
        now = time.monotonic()
        for name in {label.rpartition("-")[0] for label in platform.dead()}:
            pause_s = pauses_s.get(name, FIRST_PAUSE_S)
            sys.stdout.write(f"{name} ended by itself (see {platform.log_of(f'{name}-0')}); again in {pause_s:.1f} s\n")
            await platform.stop_services([name])
            due[name] = now + pause_s
            pauses_s[name] = min(pause_s * 2, LONGEST_PAUSE_S)
        for name in [name for name, time_s in due.items() if time_s <= now]:
            platform.start_service(name)
            del due[name]
        await asyncio.sleep(WATCH_S)


async def serve(ports: Ports) -> None:
    """Servers and services until SIGTERM or SIGINT; `build/up/environ` appears when the services are started."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with Stack(FOLDER, ports) as stack, Platform(FOLDER, stack=stack, services=service_names()) as platform:
        with announced(stack.environ()):
            await tend(platform, ending)


@contextlib.contextmanager
def announced(environ: Mapping[str, str]) -> Iterator[None]:
    """`build/up/environ`, for a shell to read, as long as the body runs."""
    fresh = FOLDER / "environ.new"
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"export {name}='{value}'\n" for name, value in environ.items()))
    announcement = fresh.rename(FOLDER / "environ")
    try:
        yield
    finally:
        announcement.unlink(missing_ok=True)


def running_pid() -> int | None:
    """Process id of what `up` left in the background, None when it is gone."""
    try:
        pid = int((FOLDER / "pid").read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if b"deploy.embedded" in arguments else None


def up(any_port: bool) -> str:
    """Start in the background; what to tell the person. Raises EmbeddedError with the reason that it did not work."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    environ = FOLDER / "environ"
    if running_pid() is None:
        environ.unlink(missing_ok=True)
        with (FOLDER / "up.log").open("wb") as log:
            argv = [sys.executable, "-m", "deploy.embedded", "serve", *(["--any-port"] if any_port else [])]
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        (FOLDER / "pid").write_text(str(process.pid))
        deadline = time.monotonic() + UP_LIMIT_S
        while not environ.exists():
            if process.poll() is not None:
                raise EmbeddedError((FOLDER / "up.log").read_text().strip() or "it ended without a word")
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGTERM)
                raise EmbeddedError(f"not ready within {UP_LIMIT_S:.0f} s: see {FOLDER}/*/*.log")
            time.sleep(WATCH_S / 4)
    url = re.search(r"WAYMARK_NATS_URL='(.*)'", environ.read_text())
    return (
        f"Up: NATS at {url[1] if url else '?'}; services: {', '.join(service_names()) or 'none'}.\n"
        f"Logs are in {FOLDER}/logs. For commands in this shell:  . {environ}\nTo stop it:  make down"
    )


def down() -> str:
    """Stop what `up` started and wait until it is gone."""
    pid = running_pid()
    if pid is None:
        return "Nothing is up."
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_LIMIT_S
    while running_pid() is not None:
        if time.monotonic() > deadline:
            raise EmbeddedError(f"process {pid} does not end: see {FOLDER}/up.log, then end it with kill -9 {pid}")
        time.sleep(WATCH_S / 4)
    return "Down. Data stays in build/up (`make clean` removes it)."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "serve"])
    parser.add_argument("--any-port", action="store_true", help="take free ports instead of the usual ones")
    options = parser.parse_args()
    try:
        match options.command:
            case "serve":
                asyncio.run(serve(Ports() if options.any_port else PORTS))
            case "up":
                sys.stdout.write(up(options.any_port) + "\n")
            case _:
                sys.stdout.write(down() + "\n")
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
