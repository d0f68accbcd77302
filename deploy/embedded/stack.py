"""PostgreSQL, NATS and S3 together: what the environment names is used, what it does not is booted here."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.databases import ensure_database
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.nats import Nats
from deploy.embedded.postgres import DATABASE, Postgres
from deploy.embedded.process import STOP_GRACE_S, Server
from deploy.embedded.s3 import S3, S3Access
from services.runtime.migrations import ensure_extensions

POSTGRES_DSN = "WAYMARK_POSTGRES_DSN"
NATS_URL = "WAYMARK_NATS_URL"
S3_URL = "WAYMARK_S3_URL"
S3_ACCESS_KEY = "WAYMARK_S3_ACCESS_KEY"
S3_SECRET_KEY = "WAYMARK_S3_SECRET_KEY"  # noqa: S105 - the name of a variable
S3_BUCKET = "WAYMARK_S3_BUCKET"

LEAST_FREE_BYTES = 300_000_000
BOOTSTRAP_LIMIT_S = 30.0


@dataclass(frozen=True)
class Ports:
    """Fixed ports, for a stack whose addresses are to stay (`make up`). None: any free one."""

    postgres: int | None = None
    nats: int | None = None
    s3: int | None = None


@dataclass(frozen=True)
class Credentials:
    """Secrets of a folder, generated when it is first used."""

    postgres_password: str
    s3_access_key: str
    s3_secret_key: str

    @classmethod
    def of(cls, folder: Path) -> Credentials:
        path = folder / "credentials.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls(secrets.token_urlsafe(24), secrets.token_hex(10).upper(), secrets.token_urlsafe(30))
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(made.__dict__))
        fresh.rename(path)
        return made


class Stack:
    """The servers of one folder, from `with`/`async with` to its end; a folder used before starts warm.

    Attributes `postgres`, `nats` and `store` are the servers booted here (None where the environment named one): they
    can be stopped, killed and started again in between, at the same address. No process outlives the stack, even when
    this process is killed. Raises EmbeddedError, which says what to do.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports = Ports(),
        environ: Mapping[str, str] | None = None,
        nats_extra: str = "",
    ) -> None:
        self.folder = folder.absolute()
        self._ports = ports
        self._given = dict(os.environ if environ is None else environ)
        self._nats_extra = nats_extra
        self._lock: int | None = None
        self.postgres: Postgres | None = None
        self.nats: Nats | None = None
        self.store: S3 | None = None

    @property
    def postgres_dsn(self) -> str:
        return self.postgres.dsn() if self.postgres else self._given[POSTGRES_DSN]

    @property
    def nats_url(self) -> str:
        return self.nats.url if self.nats else self._given[NATS_URL]

    @property
    def s3(self) -> S3Access:
        if self.store:
            return self.store.access
        return S3Access(*(self._given[name] for name in (S3_URL, S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET)))

    def environ(self) -> dict[str, str]:
        """What a service process needs in its environment to use this stack."""
        return {
            POSTGRES_DSN: self.postgres_dsn,
            NATS_URL: self.nats_url,
            S3_URL: self.s3.endpoint,
            S3_ACCESS_KEY: self.s3.access_key,
            S3_SECRET_KEY: self.s3.secret_key,
            S3_BUCKET: self.s3.bucket,
        }

    def start(self) -> None:
        """Boot, in parallel, what the environment does not name."""
        self._check_given()
        self._lock = self._take_folder()
        try:
            self._check_space()
            servers = self._make_servers()
            with ThreadPoolExecutor(max_workers=len(servers) + 1) as pool:
                for booting in [pool.submit(server.start, (self._lock,)) for server in servers]:
                    booting.result()
                if self.postgres:
                    # In a thread: the caller's may have an event loop that runs already.
                    pool.submit(asyncio.run, self._bootstrap(self.postgres)).result()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was booted here; servers that the environment named stay."""
        servers = list(self._servers())
        with ThreadPoolExecutor(max_workers=len(servers) + 1) as pool:
            list(pool.map(lambda server: server.stop(), servers))
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _servers(self) -> Iterator[Server]:
        yield from (server for server in (self.postgres, self.nats, self.store) if server is not None)

    def _make_servers(self) -> list[Server]:
        mine = Credentials.of(self.folder)
        if POSTGRES_DSN not in self._given:
            self.postgres = Postgres(self.folder / "postgres", mine.postgres_password, self._ports.postgres)
        if NATS_URL not in self._given:
            self.nats = Nats(self.folder / "nats", self._ports.nats, self._nats_extra)
        if S3_URL not in self._given:
            self.store = S3(self.folder / "s3", mine.s3_access_key, mine.s3_secret_key, self._ports.s3)
        return list(self._servers())

    def _check_given(self) -> None:
        missing = [name for name in (S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET) if not self._given.get(name)]
        if S3_URL in self._given and missing:
            raise EmbeddedError(f"{S3_URL} is set: set {', '.join(missing)} too, or unset it to use the embedded store")

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_FREE_BYTES:
            raise EmbeddedError(
                f"{self.folder} has {free / 1e6:.0f} MB left and the servers need {LEAST_FREE_BYTES / 1e6:.0f} MB:"
                f" free some space, or choose another folder"
            )

    def _take_folder(self) -> int:
        """Lock the folder. The servers' guards hold the lock too, so it is free only when all of them are gone."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"cannot use folder {self.folder}: {error.strerror}. Choose another one.") from error
        deadline = time.monotonic() + STOP_GRACE_S + 5
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(lock, 20, 0).decode()
                # A dead owner's guards are about to stop its servers: worth waiting for. A living one is not.
                if time.monotonic() > deadline or (owner.isdigit() and Path(f"/proc/{owner}").exists()):
                    os.close(lock)
                    raise EmbeddedError(
                        f"{self.folder} is in use by process {owner}: stop that one, or choose another folder"
                    ) from None
                time.sleep(0.02)
            else:
                os.ftruncate(lock, 0)
                os.pwrite(lock, str(os.getpid()).encode(), 0)
                return lock

    async def _bootstrap(self, postgres: Postgres) -> None:
        async with asyncio.timeout(BOOTSTRAP_LIMIT_S):
            await ensure_extensions(await ensure_database(postgres.dsn("postgres"), DATABASE))
