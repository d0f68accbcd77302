"""One gateway a file, as a process: each test has a run and a model configuration of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from deploy.embedded.databases import create_database, drop_database
from deploy.embedded.stack import Stack
from tests.llm_gateway.world import SECRET
from tests.one_service import OneService


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    stack: Stack, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OneService]:
    name = f"test_{uuid4().hex[:12]}"
    database = await create_database(stack.postgres_dsn, name, templates["empty"])
    folder = tmp_path_factory.mktemp("gateway")
    environ = {"MODEL_KEY": SECRET, "HOOK_KEY": SECRET}
    async with OneService.running("llm_gateway", stack, database, folder, environ) as service:
        yield service
    await drop_database(stack.postgres_dsn, name)
