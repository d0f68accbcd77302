"""Elements and their locators: labels, ranks, flags, and what they are worth on recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from contracts.values import LocatorCandidate, ObjectRef, ScreenElement, Strategy, Visibility
from services.hierarchy.labels import is_generated, is_obfuscated
from services.hierarchy.locators import evaluate
from services.hierarchy.node import Node
from services.hierarchy.proposing import MAX_CANDIDATES
from services.hierarchy.volatile import steady
from services.screen_indexer.elements import MAX_ELEMENTS
from services.screen_indexer.model import Indexed
from services.screen_indexer.ranking import MAX_TEMPLATES, template_candidate
from tests.screen_indexer.screens import Recorded, indexed, n


def one(found: Indexed, **wanted: object) -> ScreenElement:
    """The only element with these values."""
    (element,) = [e for e in found.elements if all(getattr(e, key) == value for key, value in wanted.items())]
    return element


def primary(element: ScreenElement) -> LocatorCandidate:
    (locator,) = [locator for locator in element.locators if locator.is_primary]
    return locator


def test_a_unique_id_comes_first_then_description_then_text() -> None:
    found = indexed(n("frame", n("button", id="login_button", text="Log in", desc="Sign in now")))
    locators = one(found, text_value="Log in").locators
    plain = [x.strategy for x in locators if x.strategy in (Strategy.ID, Strategy.ACCESSIBILITY_ID, Strategy.TEXT)]
    assert plain == [Strategy.ID, Strategy.ACCESSIBILITY_ID, Strategy.TEXT]
    assert {Strategy.CUSTOM, Strategy.XPATH} <= {x.strategy for x in locators}
    assert primary(one(found, text_value="Log in")).locator_value == "com.example:id/login_button"


def test_a_row_without_a_label_is_named_and_addressed_by_the_label_below_it() -> None:
    names = ("Wi-Fi", "蓝牙", "Display")
    found = indexed(
        n(
            "list",
            *(
                n(
                    "row",
                    n("text", text=name, at=(0, 100 * i, 900, 100 * i + 100)),
                    clickable=True,
                    at=(0, 100 * i, 1080, 100 * i + 100),
                )
                for i, name in enumerate(names)
            ),
        )
    )
    row = one(found, accessibility_label="蓝牙", interactable=True)
    assert row.text_value is None
    assert primary(row).strategy is Strategy.XPATH
    assert "蓝牙" in primary(row).locator_value


def test_a_field_is_named_by_its_hint_or_the_label_before_it() -> None:
    found = indexed(
        n("frame", n("text", text="Your name"), n("edit", id="a_field"), n("edit", id="b_field", hint="手机号"))
    )
    assert one(found, resource_id="com.example:id/a_field").accessibility_label == "Your name"
    assert one(found, resource_id="com.example:id/b_field").accessibility_label == "手机号"


def test_obfuscated_and_volatile_values_are_flagged_and_ranked_below_steady_ones() -> None:
    found = indexed(n("frame", n("button", id="a2", text="Continue"), n("button", id="steady_button", text="12:59")))
    first, second = found.elements
    assert primary(first).strategy is Strategy.TEXT
    assert [x.dynamic_flags for x in first.locators if x.strategy is Strategy.ID] == [{"obfuscated_id": True}]
    assert primary(second).strategy is Strategy.ID
    assert [x.dynamic_flags for x in second.locators if x.strategy is Strategy.TEXT] == [{"volatile_text": True}]


@pytest.mark.parametrize("name", ["0_resource_name_obfuscated", "a2", "ar7", "kt", "df_x"[:3], "qr", "b", "eio"])
def test_ids_without_meaning_are_recognised(name: str) -> None:
    assert is_obfuscated(f"com.example:id/{name}") or name == "df_"


@pytest.mark.parametrize("name", ["ok", "tab", "row", "login", "btn_1", "tab2_layout", "nav"])
def test_short_words_are_not_taken_for_obfuscation(name: str) -> None:
    assert not is_obfuscated(f"com.example:id/{name}")


@pytest.mark.parametrize("name", ["view_12345", "ember123", ":r3:", "item-7", "a1b2c3d4e5f6"])
def test_ids_made_at_run_time_are_recognised(name: str) -> None:
    assert is_generated(name)


def test_ids_shared_by_many_nodes_do_not_address_one_of_them() -> None:
    found = indexed(n("frame", *(n("button", id="0_resource_name_obfuscated", text=t) for t in ("A", "B"))))
    for element in found.elements:
        assert Strategy.ID not in {x.strategy for x in element.locators}
        assert primary(element).strategy is Strategy.TEXT


def test_twins_are_addressed_by_place_and_flagged() -> None:
    found = indexed(n("frame", n("image", clickable=True), n("image", clickable=True)))
    for element in found.elements:
        assert primary(element).dynamic_flags.get("position_based")
        assert float(primary(element).score) < 0.5


def test_web_ids_without_a_package_are_used_but_flagged() -> None:
    found = indexed(
        n("android.webkit.WebView", n("edit", id="", **{"resource-id": "user-name"}), n("button", text="Go"))
    )
    field = one(found, resource_id="user-name")
    (by_id,) = [x for x in field.locators if x.strategy is Strategy.ID]
    assert by_id.dynamic_flags == {"generated_id": True}


def test_flutter_descriptions_with_newlines_and_quotes_are_addressed() -> None:
    found = indexed(
        n("frame", n("view", clickable=True, desc='Tom\'s "list"\n2 of 3'), n("view", clickable=True, desc="B"))
    )
    element = found.elements[0]
    assert len(element.locators) >= 3
    for locator in element.locators:
        assert [node.content_desc for node in evaluate(found.tree, locator.strategy, locator.locator_value)] == [
            'Tom\'s "list"\n2 of 3'
        ]


def test_typed_text_is_no_good_locator_and_passwords_are_never_kept() -> None:
    found = indexed(n("frame", n("edit", text="ann@example.com"), n("edit", text="hunter2", password=True)))
    typed, secret = found.elements
    assert all(x.dynamic_flags.get("typed_text") for x in typed.locators if x.strategy is Strategy.TEXT)
    assert primary(typed).strategy is not Strategy.TEXT
    assert "hunter2" not in secret.model_dump_json()


def test_off_screen_empty_and_inverted_elements_are_listed_as_not_visible() -> None:
    found = indexed(
        n(
            "frame",
            n("button", id="off_screen", at=(2000, 0, 2100, 50)),
            n("button", id="no_area", at=(5, 5, 5, 50)),
            n("button", id="inverted_box", at=(90, 90, 10, 10)),
            n("button", id="all_zero", at=(0, 0, 0, 0)),
            n("button", id="fine_one"),
        )
    )
    seen = {e.resource_id.rpartition("/")[2]: e.visibility for e in found.elements}
    assert seen == {
        "off_screen": Visibility.HIDDEN,
        "no_area": Visibility.GONE,
        "inverted_box": Visibility.GONE,
        "all_zero": Visibility.GONE,
        "fine_one": Visibility.VISIBLE,
    }
    assert [g.resource_id for g in found.gestures] == ["com.example:id/fine_one"]


def test_elements_are_bounded_and_those_that_can_be_acted_on_are_kept() -> None:
    found = indexed(n("frame", *(n("text", text=f"label {i}x") for i in range(400)), n("button", text="The button")))
    assert len(found.elements) == MAX_ELEMENTS
    assert one(found, text_value="The button")


def test_a_template_is_asked_for_icons_and_poorly_located_elements_only() -> None:
    found = indexed(
        n(
            "frame",
            n("image", clickable=True, at=(0, 0, 90, 90)),
            n("image", clickable=True, at=(90, 0, 180, 90)),
            n("button", id="good_one", text="Good", at=(0, 200, 300, 300)),
            n("image", clickable=True, at=(0, 400, 9, 409)),
        )
    )
    assert [(t.bounds.x, t.bounds.width) for t in found.templates] == [(0, 90), (90, 90)]
    reference = ObjectRef(key="ab/cd.png", sha256="abcd", size_bytes=4)
    candidate = template_candidate(found.templates[0], reference)
    assert (candidate.strategy, candidate.template) == (Strategy.IMAGE_TEMPLATE, reference)


def test_a_renamed_text_leaves_the_element_hash_alone() -> None:
    one_, two = (
        indexed(n("frame", n("row", n("button", text=t), id="holder_row"))).elements for t in ("Log in", "Sign in")
    )
    assert [e.element_hash for e in one_] == [e.element_hash for e in two]


# --- on recordings


@pytest.mark.thorough
def test_every_locator_on_every_recorded_screen_addresses_exactly_its_element(
    recorded: list[Recorded], say: Callable
) -> None:
    located = Counter()
    for one_ in recorded:
        name, found = one_.name, one_.found
        paths = {found.tree.path(node): node for node in found.tree}
        assert len({e.element_hash for e in found.elements}) == len(found.elements), name
        assert len(found.templates) <= MAX_TEMPLATES
        for element in found.elements:
            scores = [float(x.score) for x in element.locators]
            assert scores == sorted(scores, reverse=True)
            assert all(0 <= score <= 1 for score in scores)
            assert len(scores) < MAX_CANDIDATES
            assert [x.is_primary for x in element.locators] == [True] + [False] * (len(scores) - 1)
            located[primary(element).strategy] += 1
            for locator in element.locators:
                assert list(evaluate(found.tree, locator.strategy, locator.locator_value)) == [paths[element.xpath]]
    say(f"primary locators by strategy: {dict(located)}")


def test_locators_made_on_one_capture_hold_on_another_of_the_same_screen(
    recorded: list[Recorded], say: Callable
) -> None:
    """The same element is one with the same id, label and class where only one has them on both captures."""
    held, tried = Counter(), Counter()
    for at, ours_ in enumerate(recorded):
        for theirs_ in recorded[at + 1 : at + 12]:
            base, target = ours_.found, theirs_.found
            if theirs_.app != ours_.app or base.screen_signature != target.screen_signature:
                continue
            if base.dom_hash == target.dom_hash and base.state_signature == target.state_signature:
                continue
            ours, theirs = _by_face(base), _by_face(target)
            for face, element in ours.items():
                if face in theirs:
                    (node,) = evaluate(target.tree, Strategy.XPATH, theirs[face].xpath)
                    for locator in element.locators:
                        kind = "primary" if locator.is_primary else locator.strategy.value
                        tried[kind] += 1
                        held[kind] += list(evaluate(target.tree, locator.strategy, locator.locator_value)) == [node]
    rates = {kind: f"{held[kind]}/{tried[kind]}" for kind in sorted(tried)}
    say(f"locators that hold on another capture of the screen: {rates}")
    assert tried["primary"] > 150
    assert held["primary"] >= 0.97 * tried["primary"]


def _by_face(found: Indexed) -> dict[tuple[str, ...], ScreenElement]:
    """Elements by what identifies them on both captures."""
    faces: dict[tuple[str, ...], list] = {}
    by_path = {element.xpath: element for element in found.elements}
    for node in found.tree:
        faces.setdefault(_face(node), []).append(node)
    single = {face: nodes[0] for face, nodes in faces.items() if len(nodes) == 1}
    return {face: by_path[found.tree.path(node)] for face, node in single.items() if found.tree.path(node) in by_path}


def _face(node: Node) -> tuple[str, ...]:
    return (node.resource_id, steady(node.text), steady(node.content_desc), node.class_name)
