"""Names that a person recognises."""

from __future__ import annotations

import pytest

from services.screen_indexer.naming import unique_name
from tests.screen_indexer.screens import Recorded, indexed, n


def test_the_title_in_the_bar_names_the_screen() -> None:
    bar = n("toolbar", n("text", text="设置", at=(40, 60, 400, 140)), id="toolbar", at=(0, 60, 1080, 180))
    found = indexed(n("frame", bar, n("text", text="Body", at=(0, 700, 500, 800))), activity=".SettingsActivity")
    assert (found.name, found.primary_text) == ("设置", "设置 · Body")


def test_without_a_title_the_activity_names_the_screen() -> None:
    found = indexed(n("frame", n("image", clickable=True)), activity=".ui.SearchBusinessesByListActivity")
    assert (found.name, found.activity) == ("Search Businesses By List", ".ui.SearchBusinessesByListActivity")


def test_without_both_a_text_or_the_package_names_it() -> None:
    assert indexed(n("frame", n("image", clickable=True, desc="Map"))).name == "Map"
    assert indexed(n("frame", n("image"))).name == "example"


def test_an_activity_of_another_package_is_not_believed() -> None:
    found = indexed(
        n("frame", n("image", clickable=True), package="com.other").replace("com.example", "com.other"),
        activity=".Main",
    )
    assert (found.package, found.activity) == ("com.other", None)


def test_names_do_not_tick() -> None:
    one, two = (indexed(n("frame", n("text", text=f"Inbox ({count})", at=(0, 50, 500, 150)))).name for count in (3, 4))
    assert one == two == "Inbox"


@pytest.mark.parametrize(("taken", "name"), [((), "A"), (("A",), "A (2)"), (("A", "A (2)"), "A (3)"), (("B",), "A")])
def test_a_taken_name_gets_a_number(taken: tuple, name: str) -> None:
    assert unique_name("A", taken) == name


def test_recorded_screens_get_short_plain_names(recorded: list[Recorded]) -> None:
    for one in recorded:
        name = one.found.name
        assert 0 < len(name) <= 60, one.name
        assert "<" not in name, one.name
        assert name == name.strip()
