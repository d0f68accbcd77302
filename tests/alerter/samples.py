"""Events of other services as the alerter gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.device_agent import CrashSeen, DeviceReady
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    BudgetCrossed,
    CrashTraced,
    PersonAnswered,
    PersonAsked,
    PhoneMissed,
    PhoneQuarantined,
    PhoneRetired,
    PhoneUnquarantined,
    RunFinished,
)
from contracts.screen_indexer import VersionsCompared
from contracts.subjects import derived_id
from contracts.values import (
    Click,
    CoverageProfile,
    CrashPicture,
    CrashStep,
    ObjectRef,
    Point,
    ResolvedApp,
    RunStatus,
    Strategy,
    ValidationStatus,
    ValidationType,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PACKAGE = "com.example.shop"
FLEET = derived_id("fleet", "default")
DEVICE = derived_id("device", "emulator-5554")
RUN = derived_id("run", "1")
SCREEN, ELEMENT = derived_id("screen", "cart"), derived_id("element", "pay")

STACK = """java.lang.RuntimeException: Unable to start activity
\tat android.app.ActivityThread.performLaunchActivity(ActivityThread.java:3449)
Caused by: java.lang.IllegalStateException: 购物车是空的
\tat java.util.ArrayList.get(ArrayList.java:437)
\tat com.example.shop.CartActivity.pay(CartActivity.java:42)
\tat com.example.shop.CartActivity.onClick(CartActivity.java:17)
"""


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def crash(number: int = 1, **changes: Any) -> CrashSeen:
    fields: dict[str, Any] = {
        "occurrence_id": derived_id("crash", number),
        "device_id": DEVICE,
        "run_id": RUN,
        "package": PACKAGE,
        "version_name": "1.0",
        "kind": "CRASH",
        "process": PACKAGE,
        "exception": "java.lang.IllegalStateException",
        "message": "购物车是空的",
        "stack": STACK,
        "stack_key": "abc123",
        "seen_at": after(number),
    }
    return CrashSeen(**(fields | changes))


OBJECT = ObjectRef(key="ab/abc.txt", sha256="abc", size_bytes=3)


def traced(number: int, verdict: str, **changes: Any) -> CrashTraced:
    """What a run says of crash `number`."""
    tap = CrashStep(action=Click(point=Point(x=5, y=6)), words="tap “导出” at 5,6 on 首页")
    seen = CrashPicture(sequence=4, screenshot=OBJECT, screen_name="首页", point=Point(x=5, y=6))
    fields: dict[str, Any] = {
        "run_id": derived_id("run", number),
        "occurrence_id": derived_id("crash", number),
        "crashed_by": 4,
        "package": PACKAGE,
        "version_name": "1.0",
        "kind": "CRASH",
        "stack_key": "abc123",
        "verdict": verdict,
        "way": (tap,),
        "pictures": (seen,),
    }
    return CrashTraced(**(fields | changes))


def lost(session: int = 1) -> PhoneMissed:
    """The fleet has waited: the phone is not back."""
    return PhoneMissed(
        fleet_id=FLEET, device_id=DEVICE, session=session, serial="emulator-5554", reason="the cable was pulled",
        lost_at=NOON,
    )  # fmt: skip


def quarantined(order: int = 1, by: str | None = None) -> PhoneQuarantined:
    return PhoneQuarantined(
        fleet_id=FLEET, device_id=DEVICE, serial="emulator-5554", why="3 runs failed here and passed on other phones",
        by=by, order=order, runs=(RUN,),
    )  # fmt: skip


def unquarantined(order: int = 2) -> PhoneUnquarantined:
    return PhoneUnquarantined(
        fleet_id=FLEET, device_id=DEVICE, serial="emulator-5554", why="a probe passed", by=None, order=order
    )


def retired(session: int = 1) -> PhoneRetired:
    return PhoneRetired(
        fleet_id=FLEET, device_id=DEVICE, serial="emulator-5554", session=session, by="alice", why="sold"
    )


def ready(session: int = 2) -> DeviceReady:
    return DeviceReady(
        device_id=DEVICE, session=session, serial="emulator-5554", model="Pixel", api_level=33, pool="default"
    )


def checked(attempts: int, passes: int, in_a_row: int, candidate: str = "id", **changes: Any) -> LocatorChecked:
    failed = in_a_row > 0
    fields: dict[str, Any] = {
        "candidate_id": derived_id("candidate", candidate),
        "element_id": ELEMENT,
        "screen_id": SCREEN,
        "run_id": RUN,
        "validation_id": derived_id("validation", candidate, attempts),
        "strategy": Strategy.ID,
        "locator_value": "com.example.shop:id/pay",
        "validation_type": ValidationType.EXISTENCE,
        "status": ValidationStatus.FAILED if failed else ValidationStatus.PASSED,
        "attempt_at": after(attempts),
        "attempts": attempts,
        "passes": passes,
        "consecutive_failures": in_a_row,
        "success_rate": "50.00",
    }
    return LocatorChecked(**(fields | changes))


def compared(**changes: Any) -> VersionsCompared:
    fields: dict[str, Any] = {
        "app_id": derived_id("app", PACKAGE),
        "run_id": RUN,
        "package": PACKAGE,
        "base_version_id": derived_id("app-version", PACKAGE, "1.0"),
        "target_version_id": derived_id("app-version", PACKAGE, "2.0"),
        "base_version": "1.0",
        "target_version": "2.0",
        "pairs": 14,
        "changed": 3,
        "dropped": ("帮助",),
        "added": ("Coupons", "Chat"),
        "broken": 5,
        "at_risk": 2,
    }
    return VersionsCompared(**(fields | changes))


def crossed(percent: int) -> BudgetCrossed:
    return BudgetCrossed(
        crossing_id=derived_id("budget", "1", percent),
        task_id=derived_id("task", "1"),
        run_id=RUN,
        budget="TOKENS",
        percent=percent,
        used=f"{percent}0",
        limit="1000",
    )


def person_asked(number: int = 1, **changes: Any) -> PersonAsked:
    fields: dict[str, Any] = {
        "run_id": RUN,
        "task_id": derived_id("task", "1"),
        "ask_id": derived_id("ask", number),
        "turn": number,
        "question": "CONFIRM",
        "words": 'tap "发送": it sends or publishes something ("发送")',
        "asked_at": after(number),
        "until": after(number + 10),
    }
    return PersonAsked(**(fields | changes))


def person_answered(number: int = 1) -> PersonAnswered:
    task_id, ask_id = derived_id("task", "1"), derived_id("ask", number)
    return PersonAnswered(run_id=RUN, task_id=task_id, ask_id=ask_id, verdict="CONFIRMED", by="bob")


def finished(status: RunStatus, reason: str | None, run_id: UUID = RUN) -> RunFinished:
    return RunFinished(
        run_id=run_id,
        task_id=derived_id("task", "1"),
        fleet_id=derived_id("fleet", "default"),
        device_id=DEVICE,
        lease_token=1,
        app=ResolvedApp(
            app_id=derived_id("app", PACKAGE),
            app_version_id=derived_id("app-version", PACKAGE, "1.0"),
            package=PACKAGE,
            name="Shop",
            version_name="1.0",
        ),
        profile=CoverageProfile.FULL,
        status=status,
        failure_reason=reason,
        total_actions=10,
        successful_actions=9,
        screens=(SCREEN,),
        states=3,
        activities_reached=(),
        activities_declared=(),
        metrics={},
        started_at=NOON,
        ended_at=after(5),
    )
