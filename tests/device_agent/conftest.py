from __future__ import annotations

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from deploy.embedded.stack import Stack
from tests.device_agent import driving
from tests.device_agent.real_shell import RealShell

# These tests start shells and share the machine: how long an example takes proves nothing.
settings.register_profile("device-agent", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("device-agent")


@pytest.fixture
def real_shell(tmp_path: Path) -> RealShell:
    return RealShell(tmp_path)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real outputs of real phones."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("WAYMARK_CORPUS", root / "../shared/corpus")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}: set WAYMARK_CORPUS to run this test")
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def adb_port() -> AsyncIterator[int]:
    """One real adb server for all tests; each test has phones of its own on it."""
    from deploy.embedded.adb import AdbServer

    async with AdbServer() as server:
        yield server.port


@pytest.fixture
def bench(adb_port: int) -> partial:
    """`async with bench("bare") as b`: simulated phones, connected."""
    from tests.device_agent import bench as benches

    return partial(benches.bench, adb_port)


@pytest.fixture
def drive(adb_port: int, stack: Stack) -> partial:
    """`async with drive("demo@1") as d`: a simulated phone with the driver of an agent."""
    return partial(driving.driven, adb_port, stack)
