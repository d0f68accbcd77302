"""Two versions of a screen: what changed, and which locators do not survive."""

from __future__ import annotations

import pytest

from contracts.values import Strategy
from services.screen_indexer.diff import diff
from services.screen_indexer.model import Indexed, Risk
from services.screen_indexer.pairing import pair_screens, sketch
from tests.screen_indexer.screens import Recorded, indexed, n


def form(*middle: str, save: dict | None = None, name_id: str = "name_field") -> Indexed:
    save = {"id": "save_button", "text": "Save", "at": (700, 1800, 1060, 1900)} | (save or {})
    return indexed(
        n(
            "frame",
            n(
                "toolbar",
                n("text", id="title", text="Profile", at=(40, 60, 400, 140)),
                id="toolbar",
                at=(0, 60, 1080, 180),
            ),
            n("text", id="name_label", text="Name", at=(40, 300, 400, 360)),
            n("edit", id=name_id, at=(40, 370, 1040, 470)),
            *middle,
            n("button", **save),
            id="form_root",
        )
    )


CHECK = {"at": (40, 800, 1040, 900)}


def fields(found: object) -> dict[str, dict[str, tuple]]:
    return {c.label: {f.field: (f.before, f.after) for f in c.fields} for c in found.changed}


def test_two_captures_of_one_version_do_not_differ() -> None:
    found = diff(form(), form())
    assert (found.added, found.removed, found.changed, found.ambiguous, found.fates) == ((), (), (), (), ())
    assert found.summary["unchanged"] == len(form().elements)


def test_added_and_removed_elements_are_named() -> None:
    check, phone = (
        n("check", id="agree_check", text="I agree", **CHECK),
        n("edit", id="phone_field", hint="Phone", at=(40, 600, 1040, 700)),
    )
    found = diff(form(check), form(phone))
    assert [e.resource_id for e in found.removed] == ["com.example:id/agree_check"]
    assert [e.resource_id for e in found.added] == ["com.example:id/phone_field"]
    assert {f.why for f in found.fates if f.risk is Risk.BROKEN} == {"it addresses nothing any more"}


def test_a_changed_text_is_a_change_and_breaks_the_locators_that_use_it() -> None:
    found = diff(form(), form(save={"text": "Save changes"}))
    assert fields(found) == {"Save": {"text": ("Save", "Save changes")}}
    assert {(f.strategy, f.risk) for f in found.fates} == {(Strategy.TEXT, Risk.BROKEN)}
    assert not found.added


def test_a_renamed_id_is_a_change_and_breaks_the_id() -> None:
    found = diff(form(), form(save={"id": "btn_submit"}))
    assert fields(found) == {"Save": {"resource_id": ("com.example:id/save_button", "com.example:id/btn_submit")}}
    assert {f.strategy for f in found.fates if f.is_primary} == {Strategy.ID}
    assert Strategy.TEXT not in {f.strategy for f in found.fates}


def test_a_moved_and_retyped_element_is_still_itself() -> None:
    found = diff(form(), form(save={"at": (20, 1500, 400, 1600), "class": "android.widget.ImageButton"}))
    assert set(fields(found)["Save"]) == {"bounds", "type"}


def test_a_wrapped_element_breaks_paths_but_not_names() -> None:
    plain = n("image", clickable=True, at=(40, 900, 140, 1000))
    found = diff(form(plain), form(n("frame", plain, at=(40, 900, 140, 1000))))
    assert not found.removed
    assert {f.strategy for f in found.fates} <= {Strategy.XPATH, Strategy.CUSTOM}


def test_a_ticking_clock_is_no_change() -> None:
    one, two = (form(n("text", id="clock_text", text=t, at=(40, 900, 400, 960))) for t in ("12:59", "13:00"))
    assert diff(one, two).changed == ()


def test_it_does_not_heal_to_the_next_button() -> None:
    """Buttons that differ in id and label are two buttons, however alike they look and stand."""
    one = form(n("button", id="archive_mail", text="Archive", **CHECK))
    two = form(n("button", id="delete_forever", text="Erase all", **CHECK))
    found = diff(one, two)
    assert [e.text_value for e in found.removed] == ["Archive"]
    assert [e.text_value for e in found.added] == ["Erase all"]


def test_twins_that_cannot_be_told_apart_are_left_open() -> None:
    one = form(n("image", clickable=True, at=(500, 900, 600, 1000)))
    two = form(
        n("image", clickable=True, at=(470, 900, 570, 1000)), n("image", clickable=True, at=(530, 900, 630, 1000))
    )
    found = diff(one, two)
    assert len(found.ambiguous) == 1
    assert {f.risk for f in found.fates} == {Risk.AT_RISK} or not found.fates


def test_a_locator_that_finds_more_than_before_is_at_risk() -> None:
    one = form(n("button", id="help_link", text="Help", **CHECK))
    two = form(
        n("button", id="help_link", text="Help", **CHECK),
        n("text", id="help_text", text="Help", at=(40, 1000, 300, 1060)),
    )
    assert ("TEXT", "AT_RISK", "it addresses 2 elements") in {(f.strategy, f.risk, f.why) for f in diff(one, two).fates}


def test_other_content_in_a_list_is_no_change_but_a_menu_is_compared() -> None:
    def listed(*names: str) -> Indexed:
        rows = [
            n(
                "row",
                n("text", id="row_text", text=x, at=(0, 500 + 100 * i, 900, 590 + 100 * i)),
                clickable=True,
                at=(0, 500 + 100 * i, 1080, 590 + 100 * i),
            )
            for i, x in enumerate(names)
        ]
        return form(n("list", *rows, id="main_list", at=(0, 500, 1080, 1500)))

    news = diff(listed("Storm", "Election", "Football"), listed("Recipe", "Tennis", "Weather"))
    assert (news.added, news.removed, news.changed) == ((), (), ())
    assert news.list_items > 0
    menu = diff(listed("Account", "Sound", "About"), listed("Account", "Sound", "About", "Privacy"))
    assert [e.text_value for e in menu.added if e.text_value] == ["Privacy"]


@pytest.mark.parametrize("app", ["com.yelp.android", "Instagram", "AutoScout24_Buy_sell_cars"])
def test_recorded_screens_pair_with_themselves_and_do_not_differ(app: str, recorded: list[Recorded]) -> None:
    found = [one.found for one in recorded if one.app == app]
    single = list({x.screen_signature: x for x in found}.values())
    sketches = [sketch(str(i), x) for i, x in enumerate(single)]
    pairing = pair_screens(sketches, sketches[::-1])
    assert sorted(pairing.pairs) == sorted((s.key, s.key, 1.0) for s in sketches)
    for one in single:
        again = diff(one, one)
        assert (again.added, again.removed, again.changed, again.fates) == ((), (), (), ())


def test_screens_pair_by_likeness_where_signatures_differ_and_the_rest_is_dropped_or_added() -> None:
    old, new = form(), form(name_id="full_name_input")
    gone = indexed(
        n("frame", n("text", text="Coupons", at=(0, 60, 400, 150)), n("row", n("button", text="Use"), id="coupon_area"))
    )
    fresh = indexed(
        n("frame", n("text", text="Map", at=(0, 60, 400, 150)), n("row", n("button", text="Route"), id="map_area"))
    )
    assert old.screen_signature != new.screen_signature
    pairing = pair_screens([sketch("gone", gone), sketch("old", old)], [sketch("new", new), sketch("fresh", fresh)])
    assert [pair[:2] for pair in pairing.pairs] == [("old", "new")]
    assert (pairing.dropped, pairing.added) == (("gone",), ("fresh",))
