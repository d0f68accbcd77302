"""What the tests of the llm-gateway ask about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.configs import LlmConfig
from contracts.orchestrator import AdviceRequested, ConfigChanged
from contracts.subjects import derived_id
from contracts.values import ActionType, Bounds, ConfigType, Gesture

NOW = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
RUN = derived_id("run", "one")
CONFIG_ID = derived_id("config", "LLM", "main")

FIELD = Gesture(
    gesture_id="field",
    action_type=ActionType.INPUT,
    label="邮箱",
    resource_id="com.example:id/email",
    input_kind="EMAIL",
    bounds=Bounds(x=0, y=0, width=100, height=50),
    weight=75,
)
LOGIN = Gesture(gesture_id="login", action_type=ActionType.CLICK, label="Log in", weight=60)
HELP = Gesture(gesture_id="help", action_type=ActionType.CLICK, label="Help", weight=50)
LIST = Gesture(gesture_id="list", action_type=ActionType.SCROLL, direction="DOWN", weight=40)
GESTURES = (LOGIN, HELP, FIELD, LIST)
"""Numbered in a question: 1 the field, 2 the login, 3 the help; scrolling is not asked about."""


def config(**changes: Any) -> LlmConfig:
    given = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "timeout_s": 5, "max_tokens": 100}
    return LlmConfig.model_validate(given | changes)


def config_changed(
    llm: LlmConfig, *, version: int = 1, secret_ref: str = "none", config_id: UUID = CONFIG_ID
) -> ConfigChanged:
    return ConfigChanged(
        config_id=config_id,
        version=version,
        config_type=ConfigType.LLM,
        name=f"model {config_id}",
        secret_ref=secret_ref,
        config=llm.model_dump(mode="json"),
        enabled=True,
        changed_by="alice",
    )


def advice_requested(
    number: int = 1, *, run_id: UUID = RUN, now: datetime = NOW, patience_s: float = 30.0, **changes: Any
) -> AdviceRequested:
    screen_id = derived_id("screen", number)
    given: dict[str, Any] = {
        "run_id": run_id,
        "task_id": derived_id("task", "one"),
        "call_id": derived_id("call", run_id, screen_id),
        "question": "SCREEN",
        "state_id": f"state-{number}",
        "screen_id": screen_id,
        "screen_name": "Login",
        "package": "com.example",
        "gestures": GESTURES,
        "screenshot": None,
        "config_version": 1,
        "expires_at": now + timedelta(seconds=patience_s),
    }
    return AdviceRequested(**given | changes)
