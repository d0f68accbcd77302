from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.device_agent.real_shell import RealShell


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
