"""What the truth says is what the engine shows, in both versions."""

from __future__ import annotations

import pytest

from deploy.simulator.apps.catalog import app
from deploy.simulator.apps.truth import (
    changes,
    nodes,
    reachable_activities,
    reachable_screens,
    transient_screens,
)
from tests.simulator_apps.driving import PACKAGE, phone, signed_in
from tests.simulator_apps.walk import reached


@pytest.fixture(scope="module", params=["1", "2"])
def walked(request):
    return request.param, reached(request.param)


@pytest.mark.thorough
def test_a_walk_over_gestures_reaches_exactly_the_declared_screens(walked):
    version, found = walked
    assert set(found) == {screen.name for screen in reachable_screens(version)}


def test_a_mark_stands_on_its_screen_and_on_no_other(walked):
    version, found = walked
    for screen in reachable_screens(version):
        assert [name for name, values in found.items() if screen.mark in values] == [screen.name]


def test_the_demo_is_as_large_as_it_should_be():
    assert len(reachable_screens("1")) >= 15
    assert transient_screens("1") == ("splash",)
    declared = app("demo", "1").activities
    assert 12 <= len(declared) <= 16
    assert set(declared) - set(reachable_activities("1")) == {f"{PACKAGE}.DebugMenuActivity"}
    assert [screen.name for screen in reachable_screens("1") if screen.secure] == ["payment"]


def test_version_2_drops_one_screen_and_adds_two():
    one, two = ({screen.name for screen in reachable_screens(version)} for version in "12")
    made = changes("1", "2")
    assert one - two == set(made.dropped_screens) == {"order_detail"}
    assert two - one == set(made.added_screens) == {"coupons", "receipt"}


def test_every_declared_change_is_in_version_2_and_nothing_else_is():
    made = changes("1", "2")
    touched = {
        each.screen
        for kind in (made.renamed, made.retexted, made.wrapped, made.moved, made.redirected, made.added_elements)
        for each in kind
    }
    one, two = app("demo", "1").screens, app("demo", "2").screens
    for name in one.keys() & two.keys():
        if name in touched:
            assert one[name] != two[name], name
        elif name != "orders":  # its rows no longer open the dropped screen
            assert one[name] == two[name], name
    for each in made.renamed:
        assert each.before in _ids(one[each.screen])
        assert each.before not in _ids(two[each.screen])
        assert each.after in _ids(two[each.screen])
    for each in made.retexted:
        assert each.before in _texts(one[each.screen])
        assert each.after in _texts(two[each.screen])
    for each in made.wrapped:
        assert each.after in _ids(two[each.screen]) - _ids(one[each.screen])


def _ids(screen):
    return {node.id for node in nodes(screen.root)}


def _texts(screen):
    return {node.text for node in nodes(screen.root)}


def test_a_moved_tile_stands_first_on_the_phone():
    def tiles(version):
        grid = signed_in(version).find("Synchronise").getparent().getparent()
        return [node.get("resource-id").rpartition("/")[2] for node in grid]

    assert tiles("1").index("tile_sync") == 5
    assert tiles("2").index("tile_sync") == 0


def test_orders_lead_nowhere_in_version_2():
    finger = signed_in("2").tap("tab_orders")
    assert finger.find("order_row").get("clickable") == "false"
    assert finger.tap("双人帐篷、营地灯").activity == "MainActivity"


def test_paying_leads_to_the_receipt_in_version_2():
    finger = phone("2")
    finger.world.deep_link("waymarkdemo://detail/3", None, finger.now_s)
    finger.tap("buy_now")
    for field, text in (("name", "Li"), ("email", "a@b.cn"), ("phone", "13800000000"), ("date", "2026-03-31")):
        finger.type(field, text)
    assert finger.tap("place_order").tap("Place order").tap("pay").has("receipt_title")


def test_an_unknown_version_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="demo 1, demo 2"):
        app("demo", "9")
    with pytest.raises(ValueError, match="1 to 2"):
        changes("2", "1")
