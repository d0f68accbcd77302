"""Trying locators on a captured screen, and finding those of what is at a point."""

from __future__ import annotations

import pytest

from contracts.device_agent import Capture
from contracts.subjects import derived_id
from contracts.values import Foreground, Point
from services.cli import locating
from services.cli.errors import CliError, ExitCode
from tests.orchestrator.stories import BEGIN

XML = """<hierarchy rotation="0">
  <node class="android.widget.FrameLayout" package="com.example" bounds="[0,0][1080,1920]">
    <node class="android.widget.LinearLayout" resource-id="com.example:id/row" clickable="true" package="com.example"
          bounds="[0,0][1080,200]">
      <node class="android.widget.TextView" text="设置" package="com.example" bounds="[40,40][400,160]"/>
    </node>
    <node class="android.widget.Button" text="OK" package="com.example" clickable="true" bounds="[0,300][300,400]"/>
    <node class="android.widget.Button" text="OK" package="com.example" clickable="true" bounds="[400,300][700,400]"/>
    <node class="android.widget.Button" text="Far" package="com.example" clickable="true" bounds="[0,2300][300,2400]"/>
  </node></hierarchy>""".encode()
CAPTURE = Capture(
    capture_id=derived_id("capture", "x"), foreground=Foreground(package="com.example", activity=None), width=1080,
    height=1920, captured_at=BEGIN,
)  # fmt: skip
SCREEN = locating.read_screen(XML, CAPTURE)


def test_a_locator_is_shown_with_everything_that_it_addresses() -> None:
    _, found = locating.locate(SCREEN, "text=OK")
    assert [one.as_row()["bounds"] for one in found] == ["[0,300][300,400]", "[400,300][700,400]"]
    _, [far] = locating.locate(SCREEN, "Far")
    assert (far.seen, far.reached) == (False, False)


@pytest.mark.parametrize("locator", ["//[", "new UiSelector().nonsense(1)", "point=1,2", ""])
def test_what_is_no_locator_is_told(locator: str) -> None:
    with pytest.raises(CliError) as caught:
        locating.locate(SCREEN, locator)
    assert caught.value.code is ExitCode.USAGE


def test_a_point_is_the_smallest_element_and_what_takes_its_taps_and_each_locator_addresses_it_alone() -> None:
    label, row = locating.at_point(SCREEN, Point(x=100, y=100))
    assert (label.text, row.id_name) == ("设置", "row")
    for node in (label, row):
        written = [locating.as_written(one) for one in locating.proposals(SCREEN, node, CAPTURE)]
        assert written
        for locator in written:
            _, [found] = locating.locate(SCREEN, locator)
            assert found.node is node, locator
    assert locating.as_written(locating.proposals(SCREEN, row, CAPTURE)[0]) == "id=com.example:id/row"
    [button] = locating.at_point(SCREEN, Point(x=10, y=310))
    assert button.text == "OK"


def test_nothing_at_a_point_and_nothing_that_matches_are_told() -> None:
    with pytest.raises(CliError, match="nothing is at 2000,1"):
        locating.at_point(SCREEN, Point(x=2000, y=1))
    target, found = locating.locate(SCREEN, "登录")
    assert found == []
    assert locating.nothing(SCREEN, target) == 'nothing matches text=登录; there is "设置", "OK"'


def test_the_tree_is_a_line_a_node() -> None:
    lines = list(locating.tree_lines(SCREEN.tree))
    assert lines[2] == '    TextView "设置" [40,40][400,160]'
    assert lines[1].strip() == "LinearLayout #row [0,0][1080,200] clickable"
