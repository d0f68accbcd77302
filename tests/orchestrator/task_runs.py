"""A task in plain language as its events tell it, made up: for tables, for those who watch, for reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    ApiCallTaken,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    RunStarted,
    RunUsage,
    ScriptDrafted,
    ScriptRecorded,
    ScriptReplayed,
    ScriptSwitched,
    StepFinished,
    StepRef,
    TaskRules,
    TaskSpec,
    TurnTaken,
)
from contracts.orchestrator.tasks import ReplayOf
from contracts.requests import CoverageConfig, Limits
from contracts.scripts import ScriptData
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    Action,
    ActionType,
    AnyIntent,
    ApiName,
    Bounds,
    CoverageProfile,
    ElementSeen,
    Finish,
    Guard,
    ObjectRef,
    Observe,
    Point,
    RunStatus,
    Sighting,
    TapAt,
    Target,
    Touch,
    TurnRead,
    TypeText,
)
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, resolved_app, run_of
from tests.orchestrator.stories import BEGIN

TASK_ID = derived_id("task", "in plain language")
RUN_ID = run_of(TASK_ID)
DEVICE_ID = derived_id("device", "p1")
SCRIPT_ID = derived_id("script", "order a tent")
APP = "com.example.shop"
GOAL = "买一顶帐篷"
PASSWORD = "hunter2-\u5bc6"


def picture(name: str) -> ObjectRef:
    digest = derived_id("picture", name).hex * 2
    return ObjectRef(key=f"{digest[:2]}/{digest}.png", sha256=digest, size_bytes=1234)


def element(label: str, **changes: Any) -> ElementSeen:
    box = Bounds(x=100, y=200, width=200, height=80)
    return ElementSeen(**{"element_type": "android.widget.Button", "label": label, "bounds": box, **changes})


PASSWORD_FIELD = element("密码", element_type="android.widget.EditText", editable=True, password=True)


def started(*, kind: str = "task", task_id: UUID = TASK_ID, **changes: Any) -> RunStarted:
    spec = TaskSpec(
        task_id=task_id, name="told", user="alice", user_id=derived_id("user", "alice"), kind=kind, package=APP,
        profile=CoverageProfile.CUSTOM, coverage=CoverageConfig(), priority=3, limits=Limits(max_steps=100),
        accepted_at=BEGIN, goal=Sealed[str].of(GOAL) if kind == "task" else None,
        rules=TaskRules(token_budget=9_000, deny_packages=("com.bank.*",)), **changes,
    )  # fmt: skip
    return RunStarted(
        run_id=run_of(task_id), task_id=task_id, fleet_id=DEFAULT_FLEET, device_id=DEVICE_ID, serial="p1",
        lease_token=1, spec=spec, app=resolved_app(APP, "1.0", 1), orchestrator_version="1", llm_config_version=3,
        llm_config_id=derived_id("config", "m"), started_at=BEGIN, ends_at=BEGIN + timedelta(hours=1),
        watch_at=BEGIN + timedelta(minutes=1),
    )  # fmt: skip


def replay_started(**changes: Any) -> RunStarted:
    replay = ReplayOf(script_id=SCRIPT_ID, version=1, version_id=version_id(1), checksum="c", name="order a tent")
    return started(kind="replay", replay=replay, **changes)


def took(
    turn: int, intent: AnyIntent | None = None, thinking: str = "", verdict: str = "ACT", **changes: Any
) -> TurnTaken:
    read = TurnRead(thinking=thinking, intent=intent, **changes.pop("read", {}))
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "turn": turn, "call_id": derived_id("call", turn), "verdict": verdict,
        "words": f"turn {turn}", "read": Sealed[dict[str, Any]].of(read.model_dump(mode="json")), "model_name": "m",
        "prompt_tokens": 1000, "completion_tokens": 50, "cost": "0.0105", "latency_ms": 900, "attempts": 1,
    }  # fmt: skip
    return TurnTaken(**{**values, **changes})


def asked(sequence: int, action: Action, purpose: str = "TURN", turn: int | None = None, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "device_id": DEVICE_ID, "serial": "p1",
        "action_id": derived_id("action", RUN_ID, sequence), "sequence": sequence, "lease_token": 1, "package": APP,
        "purpose": purpose, "action": action, "turn": turn, "expires_at": BEGIN, "requested_at": BEGIN,
    }  # fmt: skip
    return ActionRequested(**{**values, **changes})


def finished(sequence: int, purpose: str = "TURN", turn: int | None = None, **changes: Any) -> StepFinished:
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "sequence": sequence,
        "action_id": derived_id("action", RUN_ID, sequence), "purpose": purpose, "action_type": ActionType.CUSTOM,
        "outcome": "NEW_SCREEN", "from_state": None, "to_state": None, "screen_id": None, "gesture_id": None,
        "succeeded": True, "successful": sequence, "duration_ms": 310, "screens": 1, "states": 1, "turn": turn,
        "screenshot": picture(f"after {sequence}"),
    }  # fmt: skip
    return StepFinished(**{**values, **changes})


def person_asked(turn: int, question: str = "CONFIRM", **changes: Any) -> PersonAsked:
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "ask_id": derived_id("ask", turn), "turn": turn, "question": question,
        "words": "tap “支付 ¥12”", "asked_at": BEGIN, "until": BEGIN + timedelta(minutes=10), "point": Point(x=5, y=6),
    }  # fmt: skip
    return PersonAsked(**{**values, **changes})


def person_answered(turn: int, verdict: str = "CONFIRMED", **changes: Any) -> PersonAnswered:
    values = {"run_id": RUN_ID, "task_id": TASK_ID, "ask_id": derived_id("ask", turn), "verdict": verdict, "by": "bob"}
    return PersonAnswered(**{**values, **changes})


def ended(status: RunStatus = RunStatus.SUCCEEDED, **changes: Any) -> RunFinished:
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "fleet_id": DEFAULT_FLEET, "device_id": DEVICE_ID, "lease_token": 1,
        "app": resolved_app(APP, "1.0", 1), "profile": CoverageProfile.CUSTOM, "status": status,
        "failure_reason": None, "total_actions": 3, "successful_actions": 3, "screens": (), "states": 2,
        "activities_reached": (), "activities_declared": (), "metrics": {}, "started_at": BEGIN,
        "ended_at": BEGIN + timedelta(seconds=42), "kind": "task", "result": Sealed[str].of("订好了"),
        "usage": RunUsage(turns=4, prompt_tokens=4000, completion_tokens=200, cost="0.042", model_ms=3600),
    }  # fmt: skip
    return RunFinished(**{**values, **changes})


DATA = ScriptData.model_validate(
    {"name": "order a tent", "description": GOAL, "app": APP, "parameters": ({"name": "query"},),
     "steps": ({"step": {"tap": "id=search"}, "words": "tap id=search"},)}
)  # fmt: skip


def version_id(version: int) -> UUID:
    return derived_id("script-version", SCRIPT_ID, version)


def drafted(**changes: Any) -> ScriptDrafted:
    values: dict[str, Any] = {"run_id": RUN_ID, "task_id": TASK_ID, "script_id": SCRIPT_ID, "origin": "RECORDED",
                              "user": "alice", "data": DATA}  # fmt: skip
    return ScriptDrafted(**{**values, **changes})


def scripted(version: int = 1, **changes: Any) -> ScriptRecorded:
    values: dict[str, Any] = {
        "script_id": SCRIPT_ID, "version": version, "version_id": version_id(version), "checksum": f"sum {version}",
        "origin": "RECORDED" if version == 1 else "REPAIRED", "name": DATA.name, "user": "alice",
        "task_id": TASK_ID, "run_id": RUN_ID, "data": DATA, "defaults": Sealed[dict[str, str]].of({"query": "帐篷"}),
        "serial": "p1", "model_name": "m", "duration_ms": 42_000, "metadata": {"app_version": "1.0"},
    }  # fmt: skip
    return ScriptRecorded(**{**values, **changes})


def replayed(version: int = 1) -> ScriptReplayed:
    return ScriptReplayed(
        script_id=SCRIPT_ID, version=version, version_id=version_id(version), task_id=TASK_ID, run_id=RUN_ID,
        succeeded=False, reason="the screen is another one", duration_ms=4000, replays=3, successes=2,
        success_rate="66.67", execution_time_s="3.25",
    )  # fmt: skip


def switched(version: int, *, active: bool) -> ScriptSwitched:
    return ScriptSwitched(
        script_id=SCRIPT_ID, version=version, version_id=version_id(version), active=active, by="bob"
    )  # fmt: skip


TAP_SEARCH = TapAt(point=Point(x=150, y=240), element=element("搜索"))


def whole_task() -> list[Event]:
    """Every kind of step: looks, taps, a password, a note, a call, a person, garbage, a model that is away, the end."""
    call = derived_id("api", 1)
    return [
        started(),
        asked(1, Observe()),
        finished(1, outcome="NEW_STATE"),
        took(1, TAP_SEARCH, "先点搜索框。", screenshot=picture("after 1"), point=Point(x=150, y=240)),
        asked(2, Touch(target=Target(text="搜索")), turn=1),
        finished(2, turn=1, sighting=Sighting(found=True, point=Point(x=200, y=240))),
        took(2, None, "嗯", "MISREAD", read={"misread": "no action in it"}, screenshot=picture("after 2")),
        took(3, TypeText(text=PASSWORD, element=PASSWORD_FIELD), f"I type {PASSWORD}.",
             screenshot=picture("after 2"), point=Point(x=150, y=240)),
        asked(3, Touch(target=Target(text="密码")), turn=3),
        finished(3, turn=3, succeeded=False, outcome="FAILED", error_code="INPUT_DENIED",
                 error_message="the phone refuses input, token=abcdef123"),
        took(4, TAP_SEARCH, "", "AWAY", read={}, reason="connection refused"),
        ModelAwaited(run_id=RUN_ID, task_id=TASK_ID, turn=4, tries=1, reason="connection refused",
                     until=BEGIN + timedelta(minutes=1)),
        took(5, TAP_SEARCH, "付款", "ASK", screenshot=picture("after 3")),
        person_asked(5),
        person_answered(5),
        asked(4, Touch(target=Target(text="支付")), turn=5),
        finished(4, turn=5),
        NoteKept(run_id=RUN_ID, task_id=TASK_ID, turn=6, app=APP, screen_name="购物车",
                 text=Sealed[str].of("¥12")),
        ApiCallRequested(run_id=RUN_ID, task_id=TASK_ID, call_id=call, turn=7, call=ApiName(name="summary"),
                         instruction=Sealed[str].of("sum it up"), config_version=3, expires_at=BEGIN),
        ApiCallTaken(run_id=RUN_ID, task_id=TASK_ID, call_id=call, turn=7, name="summary", status=200,
                     answer=Sealed[str].of("12 in all")),
        took(8, Finish(message="订好了"), "完成", "FINISH", screenshot=picture("after 3")),
        ended(),
        drafted(),
        scripted(),
    ]  # fmt: skip


def whole_replay() -> list[Event]:
    """A replay whose second step is refused by its guard."""
    step = Touch(target=Target(id="search"), guard=Guard(element=element("搜索")))
    first, second = (StepRef(number=str(n), of=2, words="tap id=search") for n in (1, 2))
    return [
        replay_started(),
        asked(1, step, "STEP", step=first),
        finished(1, "STEP", step=first, sighting=Sighting(found=True, score="0.930", healed_by=Target(text="搜索"))),
        asked(2, step, "STEP", step=second),
        finished(2, "STEP", step=second, succeeded=False, outcome="FAILED", error_code="GUARD",
                 error_message="the screen is another one"),
        ended(RunStatus.FAILED, kind="replay", failure_reason="step 2: the screen is another one", result=None,
              usage=None),
        replayed(),
    ]  # fmt: skip
