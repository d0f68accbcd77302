"""What tests share: one embedded stack a session, a database of its own for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.embedded.databases import create_database, drop_database, ensure_database
from deploy.embedded.stack import Stack
from services.runtime.migrations import ensure_extensions, folders, migrate

SERVICES = Path(__file__).parent.parent / "services"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole platforms first: files with few and long tests at the end would keep one worker waiting for the other."""
    items.sort(key=lambda item: "system" not in item.path.parent.name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, NATS and S3 for the whole session: share it, and do not stop its servers (boot your own for that)."""
    with Stack(tmp_path_factory.mktemp("stack")) as booted:
        yield booted


@pytest.fixture(scope="session")
def templates(stack: Stack) -> dict[str, str]:
    """Template databases: `empty` has the extensions, `migrated` the tables of all services too. Name by kind."""
    names = {kind: f"template_{kind}_{uuid.uuid4().hex[:8]}" for kind in ("empty", "migrated")}

    async def make() -> None:
        for kind, name in names.items():
            dsn = await ensure_database(stack.postgres_dsn, name)
            await ensure_extensions(dsn)
            if kind == "migrated":
                for schema, folder in folders(SERVICES).items():
                    await migrate(dsn, schema, folder)

    asyncio.run(make())
    return names


async def _copy(stack: Stack, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    dsn = await create_database(stack.postgres_dsn, name, template)
    yield dsn
    await drop_database(stack.postgres_dsn, name)


@pytest.fixture
async def database(stack: Stack, templates: dict[str, str]) -> AsyncIterator[str]:
    """DSN of a fresh database without tables (pg_trgm is there)."""
    async for dsn in _copy(stack, templates["empty"]):
        yield dsn


@pytest.fixture
async def migrated_database(stack: Stack, templates: dict[str, str]) -> AsyncIterator[str]:
    """DSN of a fresh database with the schemas of all services, migrated."""
    async for dsn in _copy(stack, templates["migrated"]):
        yield dsn
