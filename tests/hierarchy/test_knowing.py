"""What screens and elements are known by."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from contracts.event import MAX_EVENT_BYTES
from services.hierarchy import traits
from services.hierarchy.guards import Found, find_guarded, judge_screen
from services.hierarchy.knowing import MAX_KEYS, MAX_TARGETS, element_seen, screen_seen
from services.hierarchy.listing import list_screen
from services.hierarchy.parse import parse
from services.hierarchy.targets import Match, Miss, Screen, find
from tests.hierarchy.seen import recorded, targets_of
from tests.hierarchy.trees import screens
from tests.screen_indexer.screens import n, xml


def screen(*windows: str) -> Screen:
    return Screen.of(parse(xml(*windows)), 1080, 2000)


def keys(*windows: str) -> tuple[str, ...]:
    return screen_seen(screen(*windows), "com.example", None).keys


def listed(*names: str) -> str:
    rows = []
    for at, name in enumerate(names):
        place = (0, 300 + 100 * at, 1080, 400 + 100 * at)
        rows.append(n("row", n("text", id="name", text=name, at=place), id="row", clickable=True, at=place))
    return n("list", *rows, id="list", at=(0, 300, 1080, 1900))


def test_targets_address_it_alone_best_first_and_the_path_from_the_top_last():
    pay = n("button", id="pay", text="Pay", at=(0, 0, 9, 9))
    page = screen(n("frame", pay, n("button", text="Pay now", at=(0, 9, 9, 19))))
    named, texted = (element_seen(page, node).targets for node in page.tree.nodes[1:])
    assert named[0].id == "com.example:id/pay"
    assert named[1].text == "Pay"
    assert texted[0].text == "Pay now"
    paths = [at for at, target in enumerate(texted) if (target.xpath or "").startswith("/hierarchy")]
    assert paths in ([], [len(texted) - 1])


def test_the_button_of_a_row_is_addressed_through_the_text_of_its_row():
    rows = []
    for at, name in enumerate(("Ann", "O'Neil", "小明")):
        top, bottom = 100 * at, 100 * at + 100
        label, call = n("text", text=name, at=(0, top, 500, bottom)), n("button", id="call", at=(500, top, 999, bottom))
        rows.append(n("row", label, call, id="row", at=(0, top, 1080, bottom)))
    page = screen(n("list", *rows))
    calls = [node for node in page.tree if node.id_name == "call"]
    for node, name in zip(calls, ("Ann", "O'Neil", "小明"), strict=True):
        seen = element_seen(page, node)
        assert name.partition("'")[0] in (seen.targets[0].xpath or "")
        assert seen.beside == (name,)


def test_what_a_password_field_holds_is_in_nothing_that_is_known():
    typed = n("edit", text="s3cret!", password=True)
    page = screen(n("frame", n("edit", id="pin", text="s3cret!", password=True), typed))
    for node in page.tree:
        assert "s3cret!" not in element_seen(page, node).model_dump_json()
    assert "s3cret!" not in "".join(list_screen(page).lines)


@pytest.mark.parametrize("kind", ["edit", "button"])
def test_a_book_on_the_screen_is_known_by_its_beginning_and_fits_into_an_event(kind: str):
    book = "很久以前," * 40_000

    def page(text: str, **given: object) -> Screen:
        save = n("button", text="Save", at=(0, 0, 300, 100))
        return screen(n("frame", save, n(kind, text=text, desc="Chapter one", at=(0, 200, 1080, 1800), **given)))

    read, of_the_web = page(book), page(book, id="w" * 100_000)
    for node in (*read.tree, *of_the_web.tree):
        shown = read if node in read.tree else of_the_web
        assert len(element_seen(shown, node).model_dump_json().encode()) < MAX_EVENT_BYTES / 4
    seen = element_seen(read, read.tree.nodes[2])
    found = find_guarded(read, None, seen)
    assert isinstance(found, Found)
    assert found.match.node is read.tree.nodes[2]
    other = find_guarded(page("x" + book), None, seen)
    assert isinstance(other, Miss) is (kind == "button"), "what is typed into a field is no name of it"


def test_contents_of_lists_counters_and_times_change_no_key():
    def page(time: str, cart: str, *names: str) -> tuple[str, ...]:
        clock = n("text", id="clock", text=time, at=(0, 0, 500, 100))
        return keys(n("frame", clock, n("button", text=cart, at=(500, 0, 999, 100)), listed(*names)))

    assert page("12:30", "Cart (3)", "Ann", "Bob") == page("08:15", "Cart (0)", "Zoe", "Max", "Liu")


def test_other_buttons_another_heading_and_a_dialog_change_keys():
    plain = keys(n("frame", n("button", id="ok", text="OK")))
    assert plain != keys(n("frame", n("button", id="no", text="No")))
    dialog = n("frame", n("button", text="Yes", at=(200, 900, 400, 1000)), at=(100, 800, 900, 1100))
    assert plain != keys(n("frame", n("button", id="ok", text="OK")), dialog)


def test_a_screen_of_a_thousand_things_alike_is_read_once_for_all_of_them(monkeypatch: pytest.MonkeyPatch):
    things = [n("view", clickable=True, at=(at % 50 * 20, at // 50 * 20, at % 50 * 20 + 20, at // 50 * 20 + 20))
              for at in range(1000)]  # fmt: skip
    page = screen(n("frame", n("frame", *things), n("text", text="Seats", at=(0, 0, 5, 5))))
    read: list[object] = []
    monkeypatch.setattr(traits, "is_fleeting", lambda node: bool(read.append(node)))
    seen = element_seen(page, page.tree.nodes[7])
    assert isinstance(find_guarded(page, None, seen), Found)
    assert seen.alike == 1000
    assert len(read) < 5 * len(page.tree)


@pytest.mark.thorough
@given(screens())
@settings(max_examples=100, deadline=None)
def test_on_every_hierarchy_targets_address_their_element_alone_and_guards_take_nothing_else_for_it(shown: Screen):
    known = screen_seen(shown, "com.example", None)
    assert len(known.keys) <= MAX_KEYS
    assert list(known.keys) == sorted(set(known.keys))
    judge_screen(known, shown, "com.example", None)
    for node in list(shown.tree)[:12]:
        seen = element_seen(shown, node)
        assert len(seen.targets) <= MAX_TARGETS
        for target in seen.targets:
            match = find(shown, target)
            assert isinstance(match, Match)
            assert match.node is node
        found = find_guarded(shown, None, seen)
        assert not isinstance(found, Found) or found.match.node is node


@pytest.mark.thorough
def test_on_recorded_screens_nearly_everything_has_a_target_and_a_screen_is_itself():
    without, there = 0, 0
    for sight in recorded():
        shown = sight.screen
        known = screen_seen(shown, sight.package, sight.activity)
        assert judge_screen(known, shown, sight.package, sight.activity).score == 1.0, sight.name
        for node in targets_of(shown):
            there += 1
            without += not element_seen(shown, node).targets
    assert without <= 0.01 * there
