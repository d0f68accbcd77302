"""What is told of a capture."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.device_agent import ActionFinished, Capture
from contracts.screen_indexer import CaptureIndexed
from contracts.values import ActionStatus, ActionType, Bounds, Foreground, ObjectRef, Point, Sighting, Target
from services.runtime.reactor import Trigger
from services.screen_indexer.captures import Understood, decide_capture
from services.screen_indexer.model import Indexed
from tests.screen_indexer.screens import indexed, n

AT = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
PICTURE = ObjectRef(key="aa/picture.png", sha256="aa", size_bytes=10)
HIERARCHY = ObjectRef(key="bb/hierarchy.xml", sha256="bb", size_bytes=20)
SEEN = Sighting(
    found=True,
    bounds=Bounds(x=1, y=2, width=30, height=40),
    point=Point(x=16, y=22),
    waited_ms=120,
    healed_by=Target(text="登录"),
    score="0.934",
)


def told(shown: Indexed | None, **changes: object) -> CaptureIndexed:
    capture = Capture.model_validate(
        {
            "capture_id": UUID(int=1),
            "foreground": Foreground(package="com.example", activity=".Main"),
            "width": 1080,
            "height": 2000,
            "captured_at": AT,
            **changes,
        }
    )
    finished = ActionFinished(
        action_id=UUID(int=2), run_id=UUID(int=3), device_id=UUID(int=4), sequence=5, action_type=ActionType.CUSTOM,
        status=ActionStatus.SUCCESS, started_at=AT, completed_at=AT, duration_ms=9, adb_ms=7, capture=capture,
        sighting=SEEN,
    )  # fmt: skip
    understood = Understood(finished, shown, None if shown else "NOT_IDLE", known=True)
    (event,) = decide_capture(False, Trigger(UUID(int=6), understood, AT), AT).events
    assert isinstance(event, CaptureIndexed)
    return event


SHOWN = [indexed(n("text", text="Hi")), None]


@pytest.mark.parametrize("shown", SHOWN, ids=["recognised", "not recognised"])
def test_a_capture_is_told_with_where_its_parts_lie(shown: Indexed | None) -> None:
    event = told(shown, screenshot=PICTURE, hierarchy=HIERARCHY)
    assert (event.screen_id is None) == (shown is None)
    assert (event.screenshot, event.hierarchy) == (PICTURE, HIERARCHY)
    assert (event.screenshot_absent, event.hierarchy_absent) == (None, None)
    assert (event.width, event.height) == (1080, 2000)
    assert (event.found, event.sighting) == (True, SEEN)


@pytest.mark.parametrize("shown", SHOWN, ids=["recognised", "not recognised"])
def test_a_part_that_is_missing_says_why(shown: Indexed | None) -> None:
    event = told(shown, screenshot_absent="SECURE", hierarchy_absent="NOT_IDLE")
    assert (event.screenshot, event.hierarchy) == (None, None)
    assert (event.screenshot_absent, event.hierarchy_absent) == ("SECURE", "NOT_IDLE")
