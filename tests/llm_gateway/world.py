"""What the tests of the llm-gateway ask about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.sax.saxutils import quoteattr

from contracts.configs import LlmConfig
from contracts.orchestrator import AdviceRequested, ApiCallRequested, ConfigChanged, TurnRequested
from contracts.orchestrator.turns import ScreenAsked
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import ActionType, ApiName, Bounds, ConfigType, Gesture, TurnContext
from services.hierarchy.listing import list_screen
from services.hierarchy.parse import parse
from services.hierarchy.targets import Screen
from services.llm_gateway.decisions.observation import LISTED, Sight, possible, words_of_absence

NOW = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
RUN = derived_id("run", "one")
SECRET = "sk-test-secret"
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


def api_call_requested(
    number: int = 1,
    *,
    name: str = "notify",
    run_id: UUID = RUN,
    now: datetime = NOW,
    instruction: str = "",
    notes: dict[str, str] | None = None,
    config_id: UUID = CONFIG_ID,
    **parameters: str,
) -> ApiCallRequested:
    return ApiCallRequested(
        run_id=run_id,
        task_id=derived_id("task", "one"),
        call_id=derived_id("api-call", run_id, number),
        turn=3,
        call=ApiName(name=name, parameters=parameters),
        instruction=Sealed[str].of(instruction),
        notes=None if notes is None else Sealed[dict[str, str]].of(notes),
        config_id=config_id,
        config_version=1,
        expires_at=now + timedelta(seconds=60),
    )


SIZE = (1080, 2400)
PACKAGE = "com.example.shop"


@dataclass(frozen=True)
class Box:
    """A node of a screen: its class, what it says, where it is. `flags` are attributes that are true."""

    kind: str
    text: str = ""
    at: tuple[int, int, int, int] = (0, 0, 100, 100)
    id: str = ""
    flags: str = "clickable"
    desc: str = ""
    inside: tuple[Box, ...] = ()

    def xml(self) -> str:
        left, top, right, bottom = self.at
        given = {
            "class": f"android.widget.{self.kind}" if "." not in self.kind else self.kind,
            "package": PACKAGE,
            "text": self.text,
            "content-desc": self.desc,
            "resource-id": f"{PACKAGE}:id/{self.id}" if self.id else "",
            "bounds": f"[{left},{top}][{right},{bottom}]",
            **dict.fromkeys(self.flags.split(), "true"),
        }
        attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in given.items())
        return f"<node {attributes}>{''.join(box.xml() for box in self.inside)}</node>"


SEARCH = Box("EditText", "", (40, 200, 1040, 320), "query", "clickable focusable focused", desc="搜索")
PAY = Box("Button", "支付 ¥3", (40, 2200, 500, 2340), "pay")
CART = Box("Button", "购物车", (580, 2200, 1040, 2340), "cart")
ROWS = Box(
    "ScrollView",
    at=(0, 400, 1080, 2100),
    id="rows",
    flags="scrollable",
    inside=tuple(
        Box("LinearLayout", at=(0, 400 + 300 * n, 1080, 680 + 300 * n), inside=(
            Box("TextView", f"商品 {n}", (40, 420 + 300 * n, 800, 500 + 300 * n), "title", flags=""),
        ))
        for n in range(5)
    ),
)  # fmt: skip
SHOP = (SEARCH, ROWS, PAY, CART)


def hierarchy(*boxes: Box) -> bytes:
    """A screen of `SIZE` as `uiautomator dump` writes it."""
    root = Box("FrameLayout", at=(0, 0, *SIZE), flags="", inside=boxes)
    return f"<?xml version='1.0' encoding='UTF-8'?><hierarchy rotation=\"0\">{root.xml()}</hierarchy>".encode()


def sight_of(
    *boxes: Box, llm: LlmConfig, picture_absent: str | None = None, hierarchy_absent: str | None = None
) -> Sight:
    """What a model with this configuration is shown of a screen."""
    parts = possible(llm, picture_absent, hierarchy_absent)
    screen = None if hierarchy_absent else Screen.of(parse(hierarchy(*boxes)), *SIZE)
    return Sight(
        screen=screen,
        listing=None if screen is None else list_screen(screen, limit=LISTED),
        picture=(461, 1024) if parts.picture else None,
        shows_listing=parts.listing,
        absent=words_of_absence(llm, picture_absent, hierarchy_absent),
    )


def turn_requested(
    number: int = 1,
    *,
    run_id: UUID = RUN,
    now: datetime = NOW,
    patience_s: float = 60.0,
    goal: str = "买一包咖啡",
    context: TurnContext | None = None,
    screen: ScreenAsked | None = None,
    **changes: Any,
) -> TurnRequested:
    given: dict[str, Any] = {
        "run_id": run_id,
        "task_id": derived_id("task", "one"),
        "call_id": derived_id("call", run_id, "turn", number),
        "turn": number,
        "goal": Sealed[str].of(goal),
        "context": Sealed[dict[str, Any]].of((context or TurnContext()).model_dump(mode="json")),
        "screen": screen
        or ScreenAsked(
            package=PACKAGE,
            app_name="示例商店",
            activity=".MainActivity",
            screen_id=derived_id("screen", number),
            screen_name="商店",
            state_id=f"state-{number}",
            width=SIZE[0],
            height=SIZE[1],
        ),
        "config_version": 1,
        "expires_at": now + timedelta(seconds=patience_s),
    }
    return TurnRequested(**given | changes)
