"""What a guard takes for the screen and the element that were seen, on real screens changed on purpose.

Thresholds and weights were chosen on one half of the recorded apps; what is asserted here is measured on the other half
and on the demo app.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import pytest

from contracts.values import ElementSeen, ScreenSeen, Target
from services.hierarchy.guards import Found, find_guarded, judge_screen
from services.hierarchy.knowing import element_seen, screen_seen
from services.hierarchy.node import Node
from services.hierarchy.parse import parse
from services.hierarchy.targets import Miss, Screen
from services.screen_indexer.indexing import recognise_tree
from services.screen_indexer.model import CaptureInput
from tests.hierarchy.mutations import BENIGN, HOSTILE, case, changed
from tests.hierarchy.seen import Sight, demo, recorded, targets_of
from tests.screen_indexer.screens import n, xml

SEED = int(os.environ.get("WAYMARK_SEED", "20251125"))
PER_SCREEN = int(os.environ.get("WAYMARK_GUARD_ELEMENTS", "3"))
OTHERS = 4
"""Other screens of the same app that each element is looked for on."""


def is_for_choosing(app: str) -> bool:
    """The half of the apps on which thresholds were chosen."""
    return hashlib.sha256(app.encode()).digest()[0] % 2 == 0


@dataclass
class Counts:
    """What a guard did, by kind of change."""

    elements: int = 0
    unknown: int = 0
    """Elements that it refuses on the very screen where they were seen: nothing tells them from others."""
    right: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)
    """The screen was right, and another element was taken for the one that was meant."""
    other_screens: int = 0

    def say(self, what: str) -> None:
        right, wrong = sum(self.right.values()), sum(self.wrong.values())
        sys.stdout.write(
            f"\nguards on {what}, seed {SEED}: {self.elements} elements, {self.unknown} refused from the beginning; "
            f"{right} right screens, {len(self.rejected)} rejected ({100 * len(self.rejected) / max(right, 1):.2f} %), "
            f"{len(self.mistaken)} with another element taken; {wrong} wrong screens "
            f"and {self.other_screens} other screens of the app, {len(self.accepted)} accepted\n"
            + "".join(f"  rejected: {one}\n" for one in self.rejected)
            + "".join(f"  accepted: {one}\n" for one in [*self.accepted, *self.mistaken])
        )


@dataclass(frozen=True)
class Known:
    """An element as a script remembers it."""

    screen: ScreenSeen
    element: ElementSeen

    def look(self, sight: Sight, package: str | None) -> Found | str:
        """As an agent does before it acts; why not, where it does not."""
        screen = sight.screen
        verdict = judge_screen(self.screen, screen, package, sight.activity)
        if not verdict.holds:
            return verdict.reason
        found = find_guarded(screen, None, self.element)
        return found.reason if isinstance(found, Miss) else found


def measure(sights: list[Sight]) -> Counts:
    counts, chance = Counts(), random.Random(SEED)
    for sight in sights:
        screen = sight.screen
        nodes = targets_of(screen)
        for node in chance.sample(nodes, min(PER_SCREEN, len(nodes))):
            known = Known(screen_seen(screen, sight.package, sight.activity), element_seen(screen, node))
            counts.elements += 1
            if not isinstance(known.look(sight, sight.package), Found):
                counts.unknown += 1
                continue
            _changes(counts, known, sight, screen, node)
            _other_screens(counts, known, sight, sights, chance)
    return counts


def _changes(counts: Counts, known: Known, sight: Sight, screen: Screen, node: Node) -> None:
    for change in (*BENIGN, *HOSTILE):
        name = change.__name__
        made = case(sight, screen, node, f"{SEED} {sight.name} {node.position} {name}")
        if not change(made):
            continue
        after, at = changed(made)
        found = known.look(after, made.foreground)
        where = f"{name}: {sight.name} node {node.position} {known.element.label!r}"
        if change in BENIGN:
            counts.right[name] += 1
            if isinstance(found, str):
                counts.rejected.append(f"{where}: {found}")
            elif found.match.node is None or found.match.node.position != at:
                counts.mistaken.append(where)
        else:
            counts.wrong[name] += 1
            if isinstance(found, Found):
                counts.accepted.append(where)


def _other_screens(counts: Counts, known: Known, sight: Sight, sights: list[Sight], chance: random.Random) -> None:
    others = [one for one in sights if one.app == sight.app and signature(one) != signature(sight)]
    for other in chance.sample(others, min(OTHERS, len(others))):
        counts.other_screens += 1
        if isinstance(known.look(other, other.package), Found):
            counts.accepted.append(f"another screen: {sight.name} on {other.name}: {known.element.label!r}")


@cache
def signature(sight: Sight) -> str:
    """Which screen it is, as the screen-indexer says, which knows nothing of guards."""
    return recognise_tree(parse(sight.xml), CaptureInput("", sight.width, sight.height)).screen_signature


def check(counts: Counts) -> None:
    assert sum(counts.right.values()) > 100, "too few to say anything"
    assert set(counts.right) == {change.__name__ for change in BENIGN}
    assert set(counts.wrong) == {change.__name__ for change in HOSTILE}
    assert counts.accepted == []
    assert counts.mistaken == []
    assert len(counts.rejected) <= 0.02 * sum(counts.right.values())


@pytest.mark.thorough
def test_on_apps_that_no_threshold_was_chosen_on_nothing_wrong_is_accepted_and_hardly_anything_right_refused():
    counts = measure([sight for sight in recorded() if not is_for_choosing(sight.app)])
    counts.say("the half of the apps kept for judging")
    check(counts)


@pytest.mark.thorough
def test_on_the_demo_app_nothing_wrong_is_accepted_and_hardly_anything_right_refused():
    counts = measure(list(demo(SEED)))
    counts.say("the demo app")
    check(counts)


# --- one by one


def screen(*windows: str) -> Screen:
    return Screen.of(parse(xml(*windows)), 1080, 2000)


def row(at: int, *content: str) -> str:
    return n("row", *content, id="row", at=(0, 200 * at, 1080, 200 * at + 200))


def contacts(*names: str) -> Screen:
    rows = (
        row(at, n("text", id="name", text=name, at=(0, 200 * at, 700, 200 * at + 200)),
            n("button", id="call", text="Call", at=(700, 200 * at, 1080, 200 * at + 200)))
        for at, name in enumerate(names)
    )  # fmt: skip
    return screen(n("list", *rows, id="list"))


def calls(of: Screen) -> list[Node]:
    return [node for node in of.tree if node.id_name == "call"]


def test_the_button_of_a_row_follows_its_row_and_goes_with_it():
    before = contacts("Ann", "Bob", "小明")
    seen = element_seen(before, calls(before)[2])

    moved = contacts("小明", "Ann", "Bob")
    found = find_guarded(moved, None, seen)
    assert isinstance(found, Found)
    assert found.match.node is calls(moved)[0]
    assert isinstance(find_guarded(contacts("Ann", "Bob"), None, seen), Miss)


def test_a_target_that_addresses_its_neighbour_is_passed_over_for_one_that_addresses_it():
    before = screen(n("frame", n("button", id="b", text="Pay", at=(0, 0, 500, 100))))
    seen = element_seen(before, before.tree.nodes[1])
    after = screen(n("frame", n("button", id="c", text="Delete", at=(0, 0, 500, 100)),
                     n("button", id="b", text="Pay", at=(0, 200, 500, 300))))  # fmt: skip

    found = find_guarded(after, Target(xpath="//android.widget.Button[1]"), seen)

    assert isinstance(found, Found)
    assert found.match.node is after.tree.nodes[2]
    assert found.healed_by == seen.targets[0]


def test_the_first_choice_that_addresses_it_is_no_healing():
    before = screen(n("frame", n("button", id="b", text="Pay", at=(0, 0, 500, 100))))
    found = find_guarded(before, Target(text="Pay"), element_seen(before, before.tree.nodes[1]))
    assert isinstance(found, Found)
    assert found.healed_by is None


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (n("button", id="pay_now", text="Delete"), 'it says "delete", not "pay"'),
        (n("button", id="delete_it", text="Pay"), "its id is delete_it"),
        (n("edit", id="pay_now", text="Pay"), "it is a field"),
        (n("button", id="pay_now", text="Pay", clickable=False), "it takes no taps"),
        (n("button", id="pay_now", text="Pay", at=(0, 5000, 10, 5100)), "cannot be seen"),
    ],
)
def test_what_differs_is_told(after: str, why: str):
    before = screen(n("frame", n("button", id="pay_now", text="Pay")))
    found = find_guarded(screen(n("frame", after)), Target(xpath="//*[2]"), element_seen(before, before.tree.nodes[1]))
    assert isinstance(found, Miss)
    place = find_guarded(
        screen(n("frame", after)), Target(xpath="/hierarchy/*/*[1]"), element_seen(before, before.tree.nodes[1])
    )
    assert isinstance(place, Miss)
    assert why in place.reason


@pytest.mark.parametrize(
    ("words", "old", "new", "holds"),
    [
        ("Checkout", "tile_checkout", "home_checkout", True),
        ("结算", "tile_checkout", "home_checkout", True),
        ("Checkout", "tile_checkout", "delete_all", False),
        ("Send", "send", "btn_send", True),
        ("Continue", "go_on", "place", False),
        ("确定", "save_ok", "ok_button", False),
    ],
)
def test_an_id_that_a_release_renames_is_forgiven_where_the_words_say_what_it_is(
    words: str, old: str, new: str, *, holds: bool
):
    before = screen(n("frame", n("button", id=old, text=words)))
    after = screen(n("frame", n("button", id=new, text=words)))
    found = find_guarded(after, Target(id=old), element_seen(before, before.tree.nodes[1]))
    assert isinstance(found, Found) is holds
    if isinstance(found, Found):
        assert found.healed_by is not None


def test_an_id_is_not_renamed_while_something_else_has_it():
    before = screen(n("frame", n("button", id="checkout", text="Checkout", at=(0, 0, 500, 100))))
    after = screen(n("frame", n("button", id="other", text="Checkout", at=(0, 0, 500, 100)),
                     n("button", id="checkout", text="Coupons", at=(0, 200, 500, 300))))  # fmt: skip
    assert isinstance(find_guarded(after, None, element_seen(before, before.tree.nodes[1])), Miss)


def test_what_counts_is_the_same_with_another_count():
    before = screen(n("frame", n("button", id="cart", text="Cart (0)")))
    after = screen(n("frame", n("button", id="cart", text="Cart (3)")))
    assert isinstance(find_guarded(after, None, element_seen(before, before.tree.nodes[1])), Found)


def keypad(*digits: str) -> Screen:
    keys = (n("button", text=digit, at=(0, 100 * at, 500, 100 * at + 100)) for at, digit in enumerate(digits))
    return screen(n("frame", *keys))


def test_a_number_that_tells_a_key_from_the_others_is_its_name():
    before = keypad("7", "8", "9")
    seen = element_seen(before, before.tree.nodes[1])
    moved = keypad("9", "8", "7")
    found = find_guarded(moved, None, seen)
    assert isinstance(found, Found)
    assert found.match.node is moved.tree.nodes[3]
    assert isinstance(find_guarded(keypad("8", "9"), None, seen), Miss)
    assert isinstance(find_guarded(keypad("8"), None, seen), Miss)


def test_what_is_typed_is_no_name_of_a_field_and_a_password_is_kept_nowhere():
    before = screen(n("frame", n("edit", id="pin", text="1234", password=True, at=(0, 0, 500, 100))))
    seen = element_seen(before, before.tree.nodes[1])
    assert "1234" not in seen.model_dump_json()
    after = screen(n("frame", n("edit", id="pin", text="", password=True, at=(0, 0, 500, 100))))
    assert isinstance(find_guarded(after, None, seen), Found)


def test_a_finger_goes_where_nothing_else_takes_the_tap():
    middle = n("button", id="inner", text="Buy", at=(300, 80, 780, 220))
    before = screen(n("frame", n("row", middle, id="card", clickable=True, at=(0, 0, 1080, 300))))
    found = find_guarded(before, None, element_seen(before, before.tree.nodes[1]))
    assert isinstance(found, Found)
    assert not before.tree.nodes[2].bounds.holds_point(found.match.point.x, found.match.point.y)


def test_a_screen_of_which_nothing_is_known_is_taken_for_none():
    now = screen(n("frame"))
    assert not judge_screen(ScreenSeen(package="com.example"), now, "com.example", None).holds


def test_another_activity_of_a_like_screen_counts_against_it():
    now = screen(n("frame", n("button", id="b", text="Pay")))
    seen = screen_seen(now, "com.example", "com.example/.Pay")
    assert judge_screen(seen, now, "com.example", "com.example.Pay").score == 1.0
    assert judge_screen(seen, now, "com.example", "com.example/.Other").score < 1.0
