"""One command's connections: opened when first used, closed at its end, their failures told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import asyncpg
import nats
import typer
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from contracts.envelope import UnknownEventError
from services.cli.environment import UP_FILE, read_settings, shown_address, user_name
from services.cli.errors import CliError, ExitCode
from services.cli.output import complain
from services.runtime import catch_up
from services.runtime.clock import SystemClock
from services.runtime.log import Log, UnknownOutcomeError
from services.runtime.objects import MissingObjectError, Objects, StoreAwayError
from services.runtime.provision import KEY_BUCKET
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.settings import Settings
from services.runtime.tables import CONNECTION_LOST

T = TypeVar("T")

CONNECT_LIMIT_S = 5.0
_AGAIN_S = 0.1


@dataclass(frozen=True)
class Options:
    """What every command understands."""

    env_file: Path | None = None
    user: str | None = None


@dataclass
class Session:
    """What a command talks to."""

    settings: Settings
    user: str
    clock: SystemClock = field(default_factory=SystemClock)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _nats: Client | None = None
    _log: Log | None = None
    _sql: asyncpg.Connection | None = None
    _objects: Objects | None = None

    @property
    def dsn(self) -> str:
        return self.settings.postgres_dsn.get_secret_value()

    async def js(self) -> JetStreamContext:
        if self._nats is None:
            self._nats = await self._connected()
            self._stack.push_async_callback(self._nats.close)
        return self._nats.jetstream(timeout=10)

    async def log(self) -> Log:
        """The log, with sealed fields readable where the key is there."""
        if self._log is None:
            sealer = await self.sealer()
            assert self._nats is not None
            self._log = Log(self._nats, sealer)
        return self._log

    async def sealer(self) -> Sealer:
        return Sealer(BucketKeyStore(await (await self.js()).key_value(KEY_BUCKET)))

    async def sql(self) -> asyncpg.Connection:
        if self._sql is None:
            try:
                self._sql = await catch_up.connect(self.dsn, "public")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                raise _unreachable("PostgreSQL", self.dsn, "WAYMARK_POSTGRES_DSN", error) from error
            self._stack.push_async_callback(self._sql.close, timeout=5)
        return self._sql

    async def objects(self) -> Objects:
        if self._objects is None:
            self._objects = await self._stack.enter_async_context(Objects(self.settings.store(), timeout_s=5.0))
        return self._objects

    async def close(self) -> None:
        await self._stack.aclose()

    async def _connected(self) -> Client:
        url = self.settings.nats_url
        heard: list[Exception] = []

        async def hear(error: Exception) -> None:
            """nats-py would print a traceback, and raise less than it says here."""
            heard.append(error)

        connecting = nats.connect(
            url,
            name="waymark-cli",
            allow_reconnect=False,
            max_reconnect_attempts=1,  # with 0 the first connection is tried for ever
            reconnect_time_wait=_AGAIN_S,
            connect_timeout=3,
            error_cb=hear,
        )
        try:
            return await asyncio.wait_for(connecting, CONNECT_LIMIT_S)
        except (OSError, NatsError, TimeoutError) as error:
            raise _unreachable("NATS", url, "WAYMARK_NATS_URL", heard[-1] if heard else error) from error


def execute(context: typer.Context, command: Callable[[Session], Awaitable[T]]) -> T:
    """Runs a command with a session. What goes wrong is said in words and becomes the exit code."""
    options: Options = context.ensure_object(Options) if context.obj is None else context.obj
    try:
        return asyncio.run(_with_session(options, command))
    except CliError as error:
        complain(str(error))
        raise typer.Exit(error.code) from None
    except KeyboardInterrupt:
        complain("interrupted; what was started on the servers goes on")
        raise typer.Exit(130) from None


async def _with_session(options: Options, command: Callable[[Session], Awaitable[T]]) -> T:
    session = Session(read_settings(options.env_file), user_name(options.user))
    try:
        return await command(session)
    except NotFoundError as error:
        raise CliError(
            f"NATS at {shown_address(session.settings.nats_url)} has no stream or bucket of Waymark"
            f" ({error.description}): run `waymark provision`",
            ExitCode.UNREACHABLE,
        ) from error
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise CliError(
            f"the tables are not there yet ({error}): each service makes its own when it starts; `make up` starts all",
            ExitCode.UNREACHABLE,
        ) from error
    except UnknownEventError as error:
        raise CliError(f"the log has events that this version of waymark does not know: update it ({error})") from error
    except (UnknownOutcomeError, catch_up.GapError, NatsError) as error:
        raise _unreachable("NATS", session.settings.nats_url, "WAYMARK_NATS_URL", error) from error
    except (*CONNECTION_LOST, TimeoutError) as error:
        raise _unreachable("PostgreSQL", session.dsn, "WAYMARK_POSTGRES_DSN", error) from error
    except StoreAwayError as error:
        address = session.settings.s3_url or "Amazon S3 (WAYMARK_S3_URL is not set)"
        raise _unreachable("the object store", address, "WAYMARK_S3_URL", error) from error
    except MissingObjectError as error:
        raise CliError(str(error), ExitCode.NOT_FOUND) from error
    finally:
        await session.close()


def _unreachable(what: str, address: str, variable: str, error: Exception) -> CliError:
    cause = str(error) or type(error).__name__
    return CliError(
        f"cannot reach {what} at {shown_address(address)}: {cause}\n"
        f"Its address comes from {variable} (or --env-file FILE). `make up` starts everything on this machine and"
        f" leaves the addresses in {UP_FILE}, which is found from the project's folder.",
        ExitCode.UNREACHABLE,
    )
