"""One NATS server for the runtime's tests; each test has keys, scopes and durables of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from deploy.embedded.nats import Nats
from deploy.embedded.stack import Stack
from services.runtime.log import Log
from services.runtime.provision import key_bucket, provision
from services.runtime.sealing import BucketKeyStore, Sealer

LIMIT_S = 15.0


async def until(condition: Callable[[], Any], what: str = "what was waited for", limit_s: float = LIMIT_S) -> Any:
    """Waits until the condition (plain or a coroutine function) holds; its value."""
    deadline_s = time.monotonic() + limit_s
    while True:
        seen = condition()
        if asyncio.iscoroutine(seen):
            seen = await seen
        if seen:
            return seen
        assert time.monotonic() < deadline_s, f"{what} did not happen within {limit_s} s"
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Without the coloured tracebacks with all local variables, which take longer than what is tested."""
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=False)])
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def provisioned(stack: Stack) -> str:
    """Address of the session's server with its streams."""

    async def make() -> None:
        client = await nats.connect(stack.nats_url)
        await provision(client.jetstream(timeout=10))
        await client.close()

    asyncio.run(make())
    return stack.nats_url


@pytest.fixture
async def client(provisioned: str) -> AsyncIterator[Client]:
    connected = await nats.connect(provisioned)
    yield connected
    await connected.close()


@pytest.fixture
def js(client: Client) -> JetStreamContext:
    return client.jetstream(timeout=10)


@pytest.fixture
async def sealer(js: JetStreamContext) -> Sealer:
    return Sealer(BucketKeyStore(await key_bucket(js)))


@pytest.fixture
def log(client: Client, sealer: Sealer) -> Log:
    return Log(client, sealer)


@pytest.fixture
def key() -> UUID:
    return uuid4()


@pytest.fixture
def scope() -> UUID:
    return uuid4()


@pytest.fixture
async def own_nats(tmp_path: Path) -> AsyncIterator[Nats]:
    """A server that a test may stop, provisioned."""
    server = Nats(tmp_path / "own-nats")
    await asyncio.to_thread(server.start)
    client = await nats.connect(server.url)
    await provision(client.jetstream(timeout=10))
    await client.close()
    yield server
    await asyncio.to_thread(server.stop)
