"""Screens and states: what is the same, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.hierarchy.labels import is_editable
from services.hierarchy.node import Tree
from services.hierarchy.volatile import steady
from services.screen_indexer.model import Indexed, Owner
from tests.screen_indexer.screens import Recorded, changed, indexed, n, of_tree, with_window

KEYBOARD = n(
    "frame",
    *(n("button", text=letter, package="com.google.android.inputmethod.latin") for letter in "qwertyuiop"),
    package="com.google.android.inputmethod.latin",
    at=(0, 1300, 1080, 2000),
)
STATUS_BAR = n(
    "frame",
    n("text", text="12:59", package="com.android.systemui", at=(0, 0, 100, 60)),
    package="com.android.systemui",
    at=(0, 0, 1080, 60),
)


def page(*content: str, title: str = "Inbox", body: str = "") -> str:
    return n(
        "frame",
        n("toolbar", n("text", id="title", text=title, at=(40, 60, 500, 140)), id="toolbar", at=(0, 60, 1080, 180)),
        n("frame", *content, id="content_area"),
        body,
        n("frame", id="bottom", at=(0, 1900, 1080, 2000)),
        n("row", n("view"), id="frame_one"),
        n("row", n("view"), id="frame_two"),
    )


def rows(*names: str, kind: str = "text") -> str:
    return n(
        "list",
        *(
            n(
                "row",
                n(kind, id="name", text=name, at=(0, 200 + 100 * i, 1080, 300 + 100 * i)),
                id="row",
                clickable=True,
                at=(0, 200 + 100 * i, 1080, 300 + 100 * i),
            )
            for i, name in enumerate(names)
        ),
        id="list",
        at=(0, 200, 1080, 1900),
    )


def check_same_screen(one: Indexed, other: Indexed, *, same_state: bool) -> None:
    assert one.screen_signature == other.screen_signature
    assert (one.state_signature == other.state_signature) is same_state


def test_a_ticking_clock_changes_nothing() -> None:
    one, other = (indexed(page(n("text", text=time, at=(0, 300, 500, 400)))) for time in ("12:59:01", "12:59:02"))
    check_same_screen(one, other, same_state=True)


def test_a_battery_reading_changes_nothing() -> None:
    one, other = (indexed(page(n("text", text=amps, at=(0, 300, 500, 400)))) for amps in ("-312 mA", "-87 mA"))
    check_same_screen(one, other, same_state=True)


def test_a_list_of_another_length_is_the_same_screen() -> None:
    one, other = indexed(page(rows("a", "b", "c"))), indexed(page(rows("a", "b", "c", "d", "e", "f")))
    check_same_screen(one, other, same_state=True)


def test_an_empty_list_is_the_same_screen_in_another_state() -> None:
    full, empty = indexed(page(rows("a", "b"))), indexed(page(n("text", id="empty_view", text="Nothing here")))
    check_same_screen(full, empty, same_state=False)


def test_a_scrolled_list_is_another_state_of_the_same_screen() -> None:
    check_same_screen(indexed(page(rows("a", "b", "c"))), indexed(page(rows("d", "e", "f"))), same_state=False)


@pytest.mark.parametrize("where", ["enabled", "selected"])
def test_a_flag_that_is_set_makes_another_state(where: str) -> None:
    one, other = (indexed(page(n("button", text="Go", **{where: value}))) for value in (False, True))
    check_same_screen(one, other, same_state=False)


def test_typed_text_makes_another_state() -> None:
    one, other = (indexed(page(n("edit", id="who", text=text))) for text in ("", "Ann"))
    check_same_screen(one, other, same_state=False)


def test_a_password_makes_another_state_by_its_length_only() -> None:
    one, two, six = (indexed(page(n("edit", id="pw", text=text, password=True))) for text in ("••", "••", "••••••"))
    check_same_screen(one, two, same_state=True)
    check_same_screen(one, six, same_state=False)


def test_each_single_check_makes_another_state_but_many_do_not_explode() -> None:
    states = {
        indexed(page(*(n("check", id=f"c{i}x", checked=bool(bits >> i & 1)) for i in range(6)))).state_signature
        for bits in range(64)
    }
    assert len(states) == 7
    exact = {
        indexed(page(*(n("check", id=f"c{i}x", checked=bool(bits >> i & 1)) for i in range(3)))).state_signature
        for bits in range(8)
    }
    assert len(exact) == 8


def test_nothing_chosen_and_something_chosen_are_two_states() -> None:
    nothing, one, two = (indexed(page(n("button", text=f"{count}/9"))) for count in (0, 1, 2))
    check_same_screen(nothing, one, same_state=False)
    check_same_screen(one, two, same_state=True)


def test_badges_spinners_and_snackbars_do_not_make_another_screen() -> None:
    plain = indexed(page(n("button", text="Go")))
    for extra in (
        n("text", id="badge_count", text="3"),
        n("bar", id="loading"),
        n("row", n("button", text="Undo"), id="snackbar_layout"),
        n("text", id="textinput_error", text="Too short"),
    ):
        check_same_screen(
            plain, indexed(page(n("button", text="Go"), extra)), same_state=True
        ) if "Undo" not in extra else (
            check_same_screen(plain, indexed(page(n("button", text="Go"), extra)), same_state=False)
        )


def test_keyboard_and_status_bar_are_no_part_of_the_screen() -> None:
    plain = indexed(page(n("edit", id="who", text="A")))
    beside = indexed(STATUS_BAR, page(n("edit", id="who", text="A")), KEYBOARD)
    check_same_screen(plain, beside, same_state=True)
    assert [g.label for g in beside.gestures] == [g.label for g in plain.gestures]
    assert beside.package == "com.example"


def test_a_dialog_above_is_another_screen_and_only_it_can_be_touched() -> None:
    behind = page(n("button", text="Behind", at=(0, 300, 400, 400)))
    dialog = n(
        "frame",
        n("text", text="Delete file?", at=(200, 700, 800, 800)),
        n("button", text="Cancel", at=(200, 1100, 500, 1200)),
        n("button", text="Delete", at=(500, 1100, 800, 1200)),
        at=(140, 600, 940, 1300),
    )
    above = indexed(behind, dialog)
    assert above.screen_signature != indexed(behind).screen_signature
    assert {gesture.label for gesture in above.gestures} == {"Cancel", "Delete"}
    assert above.gestures[-1].label == "Delete"
    assert above.name == "Delete file?"


def test_dialogs_with_other_words_are_other_screens() -> None:
    def dialog(question: str) -> Indexed:
        return indexed(
            n(
                "frame",
                n("text", id="android:id/alertTitle", text=question, at=(200, 700, 800, 800)),
                n("button", id="android:id/button1", text="OK", at=(500, 1100, 800, 1200)),
                at=(140, 600, 940, 1300),
            )
        )

    assert dialog("Access to failure").screen_signature != dialog("Tips").screen_signature


def test_the_chosen_tab_tells_screens_apart() -> None:
    def tabbed(chosen: str) -> Indexed:
        tabs = [
            n("view", text=name, clickable=True, selected=name == chosen, at=(360 * i, 1900, 360 * i + 360, 2000))
            for i, name in enumerate(("首页", "发现", "我的"))
        ]
        return indexed(page(body=n("row", *tabs, id="tab_bar", at=(0, 1900, 1080, 2000))))

    assert len({tabbed(name).screen_signature for name in ("首页", "发现", "我的")}) == 3
    assert "发现" in tabbed("发现").name


def test_wrapping_a_view_changes_the_structure_but_not_the_screen() -> None:
    plain, wrapped = indexed(page(n("button", text="Go"))), indexed(page(n("frame", n("button", text="Go"))))
    assert plain.screen_signature == wrapped.screen_signature
    assert plain.dom_hash != wrapped.dom_hash


def test_the_structure_does_not_depend_on_texts_or_list_length() -> None:
    assert indexed(page(rows("a", "b"))).dom_hash == indexed(page(rows("x", "y", "z"))).dom_hash


def test_without_ids_fixed_labels_tell_screens_apart() -> None:
    def compose(title: str, button: str) -> Indexed:
        return indexed(
            n(
                "androidx.compose.ui.platform.ComposeView",
                n("text", text=title, at=(40, 100, 600, 200)),
                n("view", n("text", text=button), clickable=True, focusable=True, desc=button, at=(40, 300, 600, 400)),
                id="android:id/content",
            )
        )

    assert compose("Skip", "Next").screen_signature != compose("Set up", "Allow").screen_signature
    assert compose("Skip", "Next").screen_signature == compose("Skip", "Next").screen_signature


def test_the_owner_of_the_screen_is_recognised() -> None:
    ask = n(
        "frame",
        n("button", text="Allow", package="com.google.android.permissioncontroller"),
        package="com.google.android.permissioncontroller",
        at=(100, 700, 980, 1300),
    )
    assert indexed(page(), ask).owner is Owner.PERMISSION
    home = n("frame", n("text", text="Apps", package="com.miui.home"), package="com.miui.home")
    assert indexed(home).owner is Owner.LAUNCHER
    crash = n(
        "frame",
        n("text", text="Example isn't responding", package="android"),
        package="android",
        at=(100, 700, 980, 1300),
    )
    assert (indexed(page(), crash).owner, indexed(page(), crash).package) == (Owner.SYSTEM, "android")
    assert indexed(page()).owner is Owner.APP


def test_a_dump_without_packages_belongs_to_whom_its_ids_name() -> None:
    assert indexed(page().replace('package="com.example"', "")).package == "com.example"


# --- the same on every recorded screen


def parts(one: Recorded) -> tuple[str, Tree, int, int, Indexed]:
    return one.name, one.tree, one.width, one.height, one.found


@pytest.mark.thorough
def test_recorded_screens_stay_themselves_when_keyboard_and_status_bar_appear(recorded: list[Recorded]) -> None:
    for name, tree, width, height, before in map(parts, recorded[::2]):
        beside = of_tree(with_window(with_window(tree, STATUS_BAR), KEYBOARD), width, height)
        assert (before.screen_signature, before.state_signature) == (beside.screen_signature, beside.state_signature), (
            name
        )


@pytest.mark.thorough
def test_recorded_screens_stay_themselves_while_their_clocks_and_counters_run(recorded: list[Recorded]) -> None:
    later = {"12:59": "13:07", "15:55": "16:02"}
    for name, tree, width, height, before in map(parts, recorded[::2]):
        texts = {
            node.text: node.text.replace("1", "7").replace("2", "8").replace("3", "4")
            for node in tree
            if not is_editable(node)
        } | later
        texts = {one: two for one, two in texts.items() if steady(one) == steady(two)}
        moved = changed(tree, lambda e, t=texts: e.set("text", t[e.get("text")]), lambda x, t=texts: x.text in t)
        after = of_tree(moved, width, height)
        assert (before.screen_signature, before.state_signature) == (after.screen_signature, after.state_signature), (
            name
        )


def test_checking_or_typing_on_recorded_screens_makes_another_state_of_the_same_screen(
    recorded: list[Recorded],
) -> None:
    tried = 0
    for name, tree, width, height, before in map(parts, recorded[::2]):
        reached = {element.xpath for element in before.elements if element.visibility == "VISIBLE"}
        for node in tree:
            if tree.path(node) not in reached or not (node.checkable or is_editable(node)) or node.password:
                continue

            def set_it(e, node=node):
                e.set("checked", "false" if node.checked else "true") if node.checkable else e.set(
                    "text", "typed by a test"
                )

            after = of_tree(changed(tree, set_it, lambda one, node=node: one is node), width, height)
            assert before.screen_signature == after.screen_signature, (name, node.resource_id)
            assert before.state_signature != after.state_signature, (name, node.resource_id)
            tried += 1
            break
    assert tried > 20


def test_recorded_graphs_have_few_screens_and_keep_their_states(recorded: list[Recorded], say: Callable) -> None:
    measured = {}
    for app in ("com.yelp.android", "com.yanzhenjie.album.sample"):
        found = [one.found for one in recorded if one.app == app]
        measured[app] = (len(found), len({x.screen_signature for x in found}), len({x.state_signature for x in found}))
    say(f"recorded states, screens, states: {measured}")
    assert measured == {"com.yelp.android": (16, 12, 16), "com.yanzhenjie.album.sample": (21, 10, 19)}


def test_album_states_with_nothing_and_with_something_chosen_differ(recorded: list[Recorded]) -> None:
    states = {one.name[-22:-5]: one.found for one in recorded if one.app == "com.yanzhenjie.album.sample"}
    nothing, one = states["2017-08-11_155448"], states["2017-08-11_155458"]
    check_same_screen(nothing, one, same_state=False)
