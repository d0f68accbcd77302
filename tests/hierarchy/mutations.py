"""Screens changed on purpose: so that they are still the screen that was meant, or so that they are not.

Each change gets a copy of a screen with one node of it marked, and changes it in place; False: it does not apply there.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

from lxml import etree

from services.hierarchy.kinds import family
from services.hierarchy.node import Node
from services.hierarchy.targets import Screen
from services.hierarchy.traits import known_by
from tests.hierarchy.seen import Sight

Element = etree._Element
_BOX = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")
_KEYBOARD = "com.google.android.inputmethod.latin"
_WORDS = (
    "Maple", "Quartz", "Ferry", "云杉", "Lantern", "河口", "Orbit", "Saffron", "Thistle", "Walnut", "雪山", "Indigo",
)  # fmt: skip


@dataclass
class Case:
    """A screen under change. `mine` is the element that is meant (it may be taken out), `rows` are the rows of lists,
    each with those of its list."""

    sight: Sight
    root: Element
    mine: Element
    rows: list[list[Element]]
    chance: random.Random
    foreground: str | None = None

    def all(self) -> list[Element]:
        return list(self.root.iter("node"))

    def words(self) -> str:
        return " ".join(self.chance.sample(_WORDS, 2))

    @property
    def with_mine(self) -> list[Element]:
        """The element, what is in it, and what it is in."""
        return [*self.mine.iter("node"), *self.mine.iterancestors("node")]


def case(sight: Sight, screen: Screen, node: Node, seed: str) -> Case:
    root = etree.fromstring(sight.xml.encode())
    elements = list(root.iter("node"))
    lists: dict[int, list[Element]] = {}
    for row, holder in screen.surface.lists.items():
        lists.setdefault(holder, []).append(elements[row])
    return Case(sight, root, elements[node.position], list(lists.values()), random.Random(seed), sight.package)


def changed(made: Case) -> tuple[Sight, int | None]:
    """The changed screen, and where the marked element is in it; None where it has gone."""
    for parent in [made.root, *made.all()]:
        for at, child in enumerate(parent):
            child.set("index", str(at))
    elements = made.all()
    at = elements.index(made.mine) if made.mine in elements else None
    xml = etree.tostring(made.root, encoding="unicode")
    return replace(made.sight, xml=xml), at


def box(element: Element) -> tuple[int, int, int, int]:
    found = _BOX.fullmatch(element.get("bounds"))
    assert found is not None
    left, top, right, bottom = map(int, found.groups())
    return left, top, right, bottom


def put(element: Element, left: int, top: int, right: int, bottom: int) -> None:
    element.set("bounds", f"[{left},{top}][{right},{bottom}]")


def node(package: str, class_name: str, at: tuple[int, int, int, int], **given: str) -> Element:
    values = dict.fromkeys(("text", "resource-id", "content-desc"), "") | dict.fromkeys(
        ("checkable", "checked", "clickable", "focusable", "focused", "scrollable", "long-clickable", "password",
         "selected"), "false")  # fmt: skip
    values |= {"class": class_name, "package": package, "enabled": "true", "index": "0"}
    values |= {name.replace("_", "-"): value for name, value in given.items()}
    made = etree.Element("node", {**values, "bounds": ""})
    put(made, *at)
    return made


# --- still the screen that was meant


def other_list_contents(made: Case) -> bool:
    kept = set(made.with_mine)
    contents = [rows for rows in made.rows if not any(_is_chosen(row) for row in rows)]
    others = [row for rows in contents for row in rows if row not in kept]
    for element in [one for row in others for one in row.iter("node")]:
        for name in ("text", "content-desc"):
            if element.get(name).strip():
                element.set(name, made.words())
    return bool(others)


def counters_and_times(made: Case) -> bool:
    """Numbers have other digits, as clocks and counters do; not those that tell one thing from its like (`Photo 1`)."""
    done = False
    forms = Counter(known_by(element.get(name)) for element in made.all() for name in ("text", "content-desc"))
    for element in made.all():
        if _is_field(element):
            continue
        for name in ("text", "content-desc"):
            said = element.get(name)
            if forms[known_by(said)] > 1:
                continue
            other = re.sub(r"(?<![A-Za-z_\d])[1-9](?![A-Za-z_])", lambda _: str(made.chance.randint(1, 9)), said)
            done = done or other != said
            element.set(name, other)
    return done


def moved(made: Case) -> bool:
    """Everything a little further down, as below a status bar of another height."""
    _push(made, made.chance.choice((12, 24, 48)))
    return box(made.mine)[3] <= made.sight.height


def scaled(made: Case) -> bool:
    """The same app on a phone of another size."""
    factor = made.chance.choice((0.75, 1.25, 1.5))
    for element in made.all():
        put(element, *(round(at * factor) for at in box(element)))
    made.sight = replace(made.sight, width=round(made.sight.width * factor), height=round(made.sight.height * factor))
    return True


def rows_in_another_order(made: Case) -> bool:
    """The rows of each list turned by some places; places on the screen stay, so rows of other heights overlap none."""
    done = False
    for rows in made.rows:
        holders = {row.getparent() for row in rows}
        heights = {box(row)[3] - box(row)[1] for row in rows}
        if len(rows) < 2 or len(holders) > 1 or len(heights) > 1:
            continue
        turned = rows[(by := made.chance.randrange(1, len(rows))) :] + rows[:by]
        places = [box(row) for row in rows]
        holder = rows[0].getparent()
        at = holder.index(rows[0])
        for row in rows:
            holder.remove(row)
        for row, place in zip(turned, places, strict=True):
            left, top, *_ = box(row)
            for element in row.iter("node"):
                a, b, c, d = box(element)
                across, down = place[0] - left, place[1] - top
                put(element, a + across, b + down, c + across, d + down)
            holder.insert(at, row)
            at += 1
        done = True
    return done


def banner(made: Case) -> bool:
    """An advertisement at the top that pushes everything down."""
    window, package = _window(made), made.mine.get("package")
    tall = made.sight.height // 12
    _push(made, tall)
    place = (0, made.sight.height // 20, made.sight.width, made.sight.height // 20 + tall)
    holder = node(package, "android.widget.FrameLayout", place, clickable="true", resource_id=f"{package}:id/promo")
    holder.append(node(package, "android.widget.TextView", place, text="Try our new app today"))
    window.append(holder)
    return box(made.mine)[3] <= made.sight.height and box(made.mine)[1] >= place[3]


def obfuscated_ids(made: Case) -> bool:
    """A few other nodes have ids that mean nothing."""
    kept = set(made.with_mine)
    ids = {one.get("resource-id") for one in kept}
    others = [one for one in made.all() if one.get("resource-id") not in ids | {""}]
    for at, element in enumerate(made.chance.sample(others, min(3, len(others)))):
        element.set("resource-id", f"{made.sight.package}:id/a{at}")
    return bool(others)


def renamed(made: Case) -> bool:
    """Its own id has another name, as a release gives it; it is known by what it says on itself, and it alone."""
    mine, its_id = made.mine, made.mine.get("resource-id")
    said = [one.strip() for one in (mine.get("text"), mine.get("content-desc")) if one.strip()]
    if ":id/" not in its_id or its_id.startswith("android:") or _is_field(mine):
        return False
    if not any(len(one) > 3 and one.replace(" ", "").isalpha() and one.casefold() not in _OF_MANY for one in said):
        return False
    others = [one for one in made.all() if one is not mine]
    if any(
        one.get("resource-id") == its_id or {one.get("text"), one.get("content-desc")} & set(said) for one in others
    ):
        return False
    mine.set("resource-id", f"{made.sight.package}:id/{made.chance.choice(('btn_main', 'action_two', 'tab_new'))}")
    return True


def keyboard(made: Case) -> bool:
    """Over the lower part, where the element is not."""
    top = made.sight.height * 6 // 10
    if box(made.mine)[3] > top:
        return False
    made.root.append(_keyboard(made, top))
    return True


def several(made: Case) -> bool:
    changes = (other_list_contents, counters_and_times, obfuscated_ids, moved)
    return all(change(made) or change is not moved for change in changes)


_OF_MANY = {"continue", "next", "done", "cancel", "close", "back", "more", "save", "submit", "skip", "edit"}
BENIGN: tuple[Callable[[Case], bool], ...] = (
    renamed,
    other_list_contents, counters_and_times, moved, scaled, rows_in_another_order, banner, obfuscated_ids, keyboard,
    several,
)  # fmt: skip


# --- not what was meant


def removed(made: Case) -> bool:
    made.mine.getparent().remove(made.mine)
    return made.root.find("node") is not None


def other_words(made: Case) -> bool:
    """A sibling in its place that says something else."""
    holds_content = made.mine.get("scrollable") == "true" or family(made.mine.get("class")) in {"list", "scroll area"}
    if _is_field(made.mine) or holds_content:
        return False
    done = False
    for element in made.mine.iter("node"):
        for name in ("text", "content-desc"):
            if any(char.isalpha() for char in element.get(name)):
                element.set(name, made.words())
                done = True
    return done


def other_id(made: Case) -> bool:
    if ":id/" not in made.mine.get("resource-id") or made.mine.get("resource-id").startswith("android:"):
        return False
    made.mine.set(
        "resource-id", f"{made.sight.package}:id/{made.chance.choice(('delete_all', 'send_money', 'log_out'))}"
    )
    return True


def other_words_and_id(made: Case) -> bool:
    return other_words(made) and other_id(made)


def other_kind(made: Case) -> bool:
    """A field where a button was, or the other way round."""
    field = _is_field(made.mine)
    made.mine.set("class", "android.widget.Button" if field else "android.widget.EditText")
    return True


def invisible(made: Case) -> bool:
    made.mine.set("displayed", "false")
    return True


def without_extent(made: Case) -> bool:
    for element in made.mine.iter("node"):
        put(element, 0, 0, 0, 0)
    return True


def off_the_screen(made: Case) -> bool:
    for element in made.mine.iter("node"):
        left, top, right, bottom = box(element)
        put(element, left, top + 2 * made.sight.height, right, bottom + 2 * made.sight.height)
    return True


def covered_by_a_scrim(made: Case) -> bool:
    over = node(made.mine.get("package"), "android.view.View", _whole(made), clickable="true")
    _window(made).append(over)
    return True


def covered_by_a_panel(made: Case) -> bool:
    package, whole = made.mine.get("package"), _whole(made)
    over = node(package, "android.widget.FrameLayout", whole, clickable="true")
    over.append(node(package, "android.widget.TextView", whole, text="Please wait"))
    _window(made).append(over)
    return True


def covered_by_the_keyboard(made: Case) -> bool:
    _, top, _, bottom = box(made.mine)
    if top < made.sight.height // 3 or bottom - top > made.sight.height // 2:
        return False
    made.root.append(_keyboard(made, top - 10))
    return True


def two_alike(made: Case) -> bool:
    """A copy of it beside it, drawn on top: the same in everything but its place."""
    copy = deepcopy(made.mine)
    _, top, _, bottom = box(made.mine)
    down = bottom - top if bottom + (bottom - top) <= made.sight.height else top - bottom
    if top + down < 0 or made.mine.getparent().tag != "node":
        return False
    for element in copy.iter("node"):
        a, b, c, d = box(element)
        put(element, a, b + down, c, d + down)
    before = made.mine.getprevious()
    if _is_field(made.mine) and before is not None and not _is_field(before):
        made.mine.getparent().append(deepcopy(before))  # What names a field may stand before it.
    made.mine.getparent().append(copy)
    seen, _ = changed(made)
    return made.all().index(copy) in seen.screen.sight.seen


def dialog(made: Case) -> bool:
    made.root.append(_dialog(made, made.mine.get("package"), "Discard", "Keep"))
    return True


def permission_dialog(made: Case) -> bool:
    made.root.append(_dialog(made, "com.google.android.permissioncontroller", "Allow", "Deny"))
    return True


def another_app(made: Case) -> bool:
    """With the same texts and names of ids."""
    for element in made.all():
        package = element.get("package")
        element.set("package", "com.evil.twin")
        element.set("resource-id", element.get("resource-id").replace(f"{package}:id/", "com.evil.twin:id/"))
    made.foreground = "com.evil.twin"
    return True


def another_app_that_the_phone_does_not_name(made: Case) -> bool:
    if not any(element.get("package") for element in made.all()):
        return False
    another_app(made)
    made.foreground = None
    return True


HOSTILE: tuple[Callable[[Case], bool], ...] = (
    removed, other_words, other_id, other_words_and_id, other_kind, invisible, without_extent, off_the_screen,
    covered_by_a_scrim, covered_by_a_panel, covered_by_the_keyboard, two_alike, dialog, permission_dialog, another_app,
    another_app_that_the_phone_does_not_name,
)  # fmt: skip


def _is_chosen(row: Element) -> bool:
    """A strip of tabs is a list too, but the names of tabs are no contents."""
    return any(one.get("selected") == "true" for one in row.iter("node"))


def _push(made: Case, down: int) -> None:
    """Everything but what fills the screen."""
    for element in made.all():
        left, top, right, bottom = box(element)
        full = bottom - top >= made.sight.height * 0.9
        put(element, left, top if full else top + down, right, bottom if full else bottom + down)


def _is_field(element: Element) -> bool:
    return element.get("class").endswith(("EditText", "AutoCompleteTextView"))


def _window(made: Case) -> Element:
    above = [made.mine, *made.mine.iterancestors("node")]
    return above[-1]


def _whole(made: Case) -> tuple[int, int, int, int]:
    return 0, 0, made.sight.width, made.sight.height


def _keyboard(made: Case, top: int) -> Element:
    width, height = made.sight.width, made.sight.height
    board = node(_KEYBOARD, "android.widget.FrameLayout", (0, top, width, height))
    for at, letter in enumerate("qwertyuiop"):
        place = (width * at // 10, top, width * (at + 1) // 10, height)
        board.append(node(_KEYBOARD, "android.widget.Button", place, text=letter, clickable="true"))
    return board


def _dialog(made: Case, package: str, *buttons: str) -> Element:
    width, height = made.sight.width, made.sight.height
    window = node(package, "android.widget.FrameLayout", (width // 10, height // 3, width * 9 // 10, height * 2 // 3))
    window.append(node(package, "android.widget.TextView", box(window), text="Are you sure?"))
    for at, text in enumerate(buttons):
        left, _, right, bottom = box(window)
        half = (right - left) // 2
        place = (left + half * at, bottom - height // 12, left + half * (at + 1), bottom)
        window.append(node(package, "android.widget.Button", place, text=text, clickable="true"))
    return window
