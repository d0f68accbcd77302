"""What exploration is offered, and in which order."""

from __future__ import annotations

import json

import pytest

from contracts.values import ActionType, Gesture
from services.hierarchy.geometry import Rect, from_bounds
from services.screen_indexer.model import Indexed
from tests.hierarchy import corpus
from tests.screen_indexer.screens import Recorded, indexed, n


def labels(found: Indexed, action: ActionType = ActionType.CLICK, press: str = "TAP") -> list[str]:
    return [g.label for g in found.gestures if g.action_type is action and g.press == press]


def test_what_destroys_comes_last_and_leaving_late() -> None:
    words = ["退出登录", "Navigate up", "Delete account", "Open", "Log out", "Details"]
    found = indexed(n("frame", *(n("button", text=w, at=(0, 100 * i, 500, 100 * i + 90)) for i, w in enumerate(words))))
    order = labels(found)
    assert set(order[:2]) == {"Open", "Details"}
    assert order[2] == "Navigate up"
    assert set(order[3:]) == {"退出登录", "Delete account", "Log out"}


def test_one_row_of_a_list_comes_before_its_equals() -> None:
    rows = [
        n(
            "row",
            n("text", text=f"Row {c}", at=(0, y, 900, y + 90)),
            clickable=True,
            id="row_item",
            at=(0, y, 1080, y + 90),
        )
        for c, y in (("A", 100), ("B", 200), ("C", 300))
    ]
    found = indexed(
        n("frame", n("list", *rows, at=(0, 100, 1080, 400)), n("button", text="Filter", at=(0, 0, 300, 90)))
    )
    assert labels(found) == ["Row A", "Filter", "Row B", "Row C"] or labels(found) == [
        "Filter",
        "Row A",
        "Row B",
        "Row C",
    ]
    groups = {g.label: g.group for g in found.gestures if g.action_type is ActionType.CLICK}
    assert groups["Row A"] == groups["Row B"] == groups["Row C"] is not None
    assert groups["Filter"] is None


def test_a_field_is_typed_into_first_and_tapped_late() -> None:
    found = indexed(
        n("frame", n("button", text="Send", at=(0, 200, 300, 300)), n("edit", id="message_field", at=(0, 0, 900, 100)))
    )
    assert [g.action_type for g in found.gestures] == [ActionType.INPUT, ActionType.CLICK, ActionType.CLICK]
    assert found.gestures[-1].label == "message_field"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"password": True}, "PASSWORD"),
        ({"hint": "请输入密码"}, "PASSWORD"),
        ({"hint": "手机号"}, "PHONE"),
        ({"hint": "搜索"}, "SEARCH"),
        ({"id": "et_email"}, "EMAIL"),
        ({"text": "name@example.com"}, "EMAIL"),
        ({"desc": "Search Yelp"}, "SEARCH"),
        ({"hint": "验证码"}, "NUMBER"),
        ({"id": "amount_field"}, "NUMBER"),
        ({"hint": "Date of birth"}, "DATE"),
        ({"hint": "https://"}, "URL"),
        ({"hint": "出生日期"}, "DATE"),
        ({"hint": "Your name"}, "TEXT"),
        ({}, "TEXT"),
    ],
)
def test_a_field_says_what_it_wants(given: dict, kind: str) -> None:
    (gesture,) = [g for g in indexed(n("frame", n("edit", **given))).gestures if g.action_type is ActionType.INPUT]
    assert gesture.input_kind == kind


def test_the_label_before_a_field_counts() -> None:
    found = indexed(n("frame", n("text", text="电话"), n("edit", id="field_one")))
    assert found.gestures[0].input_kind == "PHONE"


def test_nested_elements_with_the_same_box_are_tapped_once() -> None:
    inner = n("button", text="Go", at=(0, 0, 500, 100))
    found = indexed(n("frame", n("frame", inner, clickable=True, at=(0, 0, 500, 100))))
    assert labels(found) == ["Go"]


def test_a_row_with_a_switch_is_tapped_beside_the_switch() -> None:
    switch = n("switch", id="row_switch", at=(300, 0, 1080, 100))
    found = indexed(
        n("frame", n("row", n("text", text="Sound", at=(0, 0, 300, 100)), switch, clickable=True, at=(0, 0, 1080, 100)))
    )
    by_label = {g.label: from_bounds(g.bounds) for g in found.gestures if g.action_type is ActionType.CLICK}
    assert by_label["Sound"] == Rect(0, 0, 300, 100)
    assert by_label["row_switch"] == Rect(300, 0, 1080, 100)


def test_disabled_covered_and_off_screen_elements_are_left_alone() -> None:
    sheet = n(
        "frame", n("button", text="On the sheet", at=(0, 900, 1080, 1000)), clickable=True, at=(0, 800, 1080, 2000)
    )
    found = indexed(
        n(
            "frame",
            n("button", text="Off", enabled=False),
            n("button", text="Below", at=(0, 1000, 500, 1100)),
            n("button", text="Far", at=(1200, 0, 1300, 50)),
            sheet,
        )
    )
    assert "On the sheet" in labels(found)
    assert not {"Off", "Below", "Far"} & set(labels(found))


def test_long_presses_come_late_and_once_a_list() -> None:
    rows = [
        n("row", n("text", text=c), clickable=True, long=True, at=(0, y, 1080, y + 90))
        for c, y in (("A", 0), ("B", 100))
    ]
    found = indexed(n("list", *rows, at=(0, 0, 1080, 200)))
    assert labels(found, press="LONG") == ["A"]
    assert found.gestures[-1].press == "LONG" or found.gestures[-1].action_type is ActionType.SCROLL


def test_lists_scroll_down_and_up_pagers_sideways() -> None:
    found = indexed(
        n(
            "frame",
            n("list", n("row", n("text", text="a"), at=(0, 0, 1080, 90)), at=(0, 0, 1080, 900)),
            n("pager", n("frame", at=(0, 900, 1080, 2000)), scrollable=True, at=(0, 900, 1080, 2000)),
        )
    )
    assert [g.direction for g in found.gestures if g.action_type is ActionType.SCROLL] == [
        "DOWN",
        "RIGHT",
        "UP",
        "LEFT",
    ]


def test_where_nothing_says_that_it_takes_taps_labels_are_tried() -> None:
    found = indexed(n("frame", n("text", text="Play"), n("text", text="Options")))
    assert labels(found) == ["Play", "Options"]
    assert [gesture.guess for gesture in found.gestures] == [True, True]


def test_what_says_that_it_takes_taps_is_no_guess() -> None:
    found = indexed(n("frame", n("text", text="Play"), n("button", text="Options", clickable=True)))
    assert [(gesture.label, gesture.guess) for gesture in found.gestures] == [("Options", False)]


def test_the_same_gesture_has_the_same_id_in_every_state_and_no_other_has_it() -> None:
    def with_text(text: str) -> list[Gesture]:
        return list(
            indexed(n("frame", n("edit", id="who_field", text=text), n("button", id="send", text="Send"))).gestures
        )

    one, other = with_text(""), with_text("Ann")
    assert [g.gesture_id for g in one] == [g.gesture_id for g in other]
    assert len({g.gesture_id for g in one}) == len(one)


def test_gestures_on_recorded_screens_are_bounded_unique_and_on_the_screen(recorded: list[Recorded]) -> None:
    for one in recorded:
        found = one.found
        screen = Rect(0, 0, found.width, found.height)
        hashes = {e.element_hash for e in found.elements}
        assert len({g.gesture_id for g in found.gestures}) == len(found.gestures) <= 200
        assert [g.weight for g in found.gestures] == sorted((g.weight for g in found.gestures), reverse=True)
        for gesture in found.gestures:
            assert screen.contains(from_bounds(gesture.bounds)), one.name
            assert gesture.bounds.area > 0
            assert gesture.element_hash in hashes


def test_every_recorded_touch_and_scroll_that_led_elsewhere_is_offered(recorded: list[Recorded]) -> None:
    missed, tried = [], 0
    for app in ("com.yelp.android", "com.yanzhenjie.album.sample"):
        report = corpus.root() / "honeynet_droidbot" / f"report_{app}"
        states = {
            json.loads((corpus.root() / one.name).read_text())["state_str"]: one for one in recorded if one.app == app
        }
        for path in sorted((report / "events").glob("*.json")):
            step = json.loads(path.read_text())
            event = step["event"]
            if step["start_state"] == step["stop_state"] or event["event_type"] not in ("touch", "scroll"):
                continue
            if step["start_state"] not in states:
                continue
            tried += 1
            if not _is_offered(states[step["start_state"]].found, event):
                missed.append(path.name)
    assert (tried, missed) == (57, [])


def _is_offered(found: Indexed, event: dict) -> bool:
    box = Rect(*event["view"]["bounds"][0], *event["view"]["bounds"][1])
    for gesture in found.gestures:
        is_kind = (
            gesture.direction == event["direction"]
            if event["event_type"] == "scroll"
            else gesture.action_type is ActionType.CLICK
        )
        centre = gesture.bounds.centre
        if (
            is_kind
            and gesture.press == "TAP"
            and box.holds_point(centre.x, centre.y)
            and gesture.bounds.area <= 1.3 * box.area
        ):
            return True
    return False
