"""Ready-made nodes, so that the description of a screen reads like the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from deploy.simulator.apps.actions import Back, Condition, Effect, Is, Not
from deploy.simulator.apps.model import Look, Node

EDGE = 42
"""Distance of content from the sides of the screen."""


def page(*children: Node, fill: str = "page", gap: int = 0) -> Node:
    """The root of a screen: its parts from the top to the bottom."""
    return Node("column", children=children, look=Look(fill=fill), gap=gap)


def toolbar(title: str, *actions: Node, back: bool = True) -> Node:
    """The bar at the top: the way back, the title, actions at its right."""
    up = Node(
        "icon",
        name="navigate_up",
        desc="Navigate up",
        tap=(Back(),),
        width=126,
        height=147,
        look=Look(icon="back", color="on_primary"),
    )
    heading = Node(
        "label",
        name="title",
        text=title,
        weight=1,
        pad=(36 if not back else 12, 0, 0, 0),
        look=Look(size=52, weight=500, color="on_primary", lines=1),
    )
    children = ((up,) if back else ()) + (heading, *actions)
    return Node(
        "row",
        id="toolbar",
        class_name="android.view.ViewGroup",
        height=147,
        children=children,
        look=Look(fill="primary"),
    )


def action(name: str, icon: str, desc: str, *tap: Effect) -> Node:
    """An icon of the toolbar."""
    return Node(
        "icon", name=name, id=name, desc=desc, tap=tap, width=126, height=147, look=Look(icon=icon, color="on_primary")
    )


def body(*children: Node, gap: int = 30) -> Node:
    """The scrolling part of a page."""
    return Node("scroll", name="scroll", id="scroll", weight=1, children=children, gap=gap, pad=(EDGE, 36, EDGE, 48))


def label(
    text: str,
    *,
    id: str = "",
    name: str = "",
    size: int = 40,
    weight: int = 400,
    color: str = "text",
    align: Literal["left", "center", "right"] = "left",
    lines: int = 0,
    grow: int = 0,
    shown: Condition | None = None,
    desc: str = "",
) -> Node:
    """A line or a paragraph of text."""
    return Node(
        "label",
        name=name or id,
        id=id,
        text=text,
        desc=desc,
        weight=grow,
        shown=shown,
        look=Look(size=size, weight=weight, color=color, align=align, lines=lines),
    )


def title(text: str, id: str = "") -> Node:
    """A heading."""
    return label(text, id=id, size=58, weight=700)


def caption(text: str, *, id: str = "", name: str = "", shown: Condition | None = None) -> Node:
    """Small text that explains."""
    return label(text, id=id, name=name, size=34, color="muted", shown=shown)


def button(
    name: str,
    text: str,
    *tap: Effect,
    enabled: Condition | None = None,
    tone: str = "primary",
    icon: str = "",
    grow: int = 0,
) -> Node:
    """A button: `primary` is filled, `outline` has a border, `plain` only text, `danger` is filled red."""
    look = {
        "primary": Look(42, 500, "on_primary", "center", "primary", "", 24, icon),
        "outline": Look(42, 500, "primary", "center", "card", "primary", 24, icon),
        "plain": Look(42, 500, "primary", "center", "", "", 24, icon),
        "danger": Look(42, 500, "on_primary", "center", "danger", "", 24, icon),
    }[tone]
    return Node("button", name=name, id=name, text=text, tap=tap, enabled=enabled, look=look, weight=grow)


def field(name: str, hint: str, *, password: bool = False, enter: tuple[Effect, ...] = ()) -> Node:
    """A text field; what is typed is the value of its name."""
    return Node(
        "field",
        name=name,
        id=name,
        hint=hint,
        password=password,
        enter=enter,
        look=Look(size=42, fill="card", border="line", radius=20),
    )


def checked_field(name: str, heading: str, hint: str) -> Node:
    """A text field with its heading above and its error below."""
    error = label(f"{{{name}_error}}", id=f"{name}_error", size=32, color="danger", shown=Not(Is(f"{name}_error", "")))
    return Node("column", children=(caption(heading), field(name, hint), error), gap=10)


def card(
    *children: Node,
    name: str = "",
    id: str = "",
    tap: tuple[Effect, ...] = (),
    hold: tuple[Effect, ...] = (),
    gap: int = 12,
    fill: str = "card",
    shown: Condition | None = None,
) -> Node:
    """A white sheet with a border around what belongs together."""
    return Node(
        "column",
        name=name or id,
        id=id,
        children=children,
        tap=tap,
        hold=hold,
        gap=gap,
        shown=shown,
        pad=(36, 30, 36, 30),
        look=Look(fill=fill, border="line", radius=28),
    )


def thumb(art: str, color: str, *, size: int = 132, desc: str = "") -> Node:
    """A square picture: a drawing on a coloured ground."""
    return Node("image", width=size, height=size, desc=desc, look=Look(icon=art, fill=color, radius=24))


def item(
    name: str,
    first: str,
    second: str,
    *tap: Effect,
    lead: Node | None = None,
    trail: str = "",
    first_id: str = "item_title",
    second_id: str = "item_subtitle",
    row_id: str = "",
    hold: tuple[Effect, ...] = (),
    shown: Condition | None = None,
) -> Node:
    """A row of a list: picture, two lines of text, a price or an arrow. The row is clickable, its labels are not."""
    lines = (
        label(first, id=first_id, name=f"{name}_first", size=42, weight=500, lines=1),
        label(second, id=second_id, name=f"{name}_second", size=34, color="muted", lines=1),
    )
    text = Node("column", children=lines if second else lines[:1], weight=1, gap=4)
    end: tuple[Node, ...] = ()
    if trail:
        end = (label(trail, size=38, weight=500, color="primary"),)
    elif tap:
        end = (Node("icon", width=48, height=48, look=Look(icon="next", color="faint")),)
    children = ((lead,) if lead else ()) + (text, *end)
    return Node(
        "row",
        name=name,
        id=row_id,
        children=children,
        tap=tap,
        hold=hold,
        shown=shown,
        gap=30,
        pad=(EDGE, 27, EDGE, 27),
        look=Look(fill="card", border="bottom"),
    )


def switch_row(name: str, text: str, explained: str, bind: str) -> Node:
    """A setting: what it is called, what it does, and the switch at the right."""
    lines = (label(text, size=42), caption(explained))
    toggle = Node("switch", name=name, id=name, bind=bind)
    return Node(
        "row",
        children=(Node("column", children=lines, weight=1, gap=4), toggle),
        gap=30,
        pad=(EDGE, 30, EDGE, 30),
        look=Look(fill="card", border="bottom"),
    )


def listing(name: str, rows: Sequence[Node]) -> Node:
    """A scrolling list that takes the rest of the page."""
    return Node("list", name=name, id=name, weight=1, children=tuple(rows))


def grow() -> Node:
    """Empty space that takes the rest."""
    return Node("space", weight=1)


def web_text(text: str, *, size: int = 40, weight: int = 400, color: str = "text") -> Node:
    """A text node of a web page: a view without an id."""
    return Node("label", text=text, class_name="android.widget.TextView", look=Look(size, weight, color))


def web_link(name: str, text: str, *tap: Effect) -> Node:
    """A link of a web page: a clickable view without an id."""
    return Node(
        "label",
        name=name,
        text=text,
        class_name="android.view.View",
        tap=tap,
        look=Look(40, 400, "link"),
        pad=(0, 16, 0, 16),
    )


def web_page(heading: str, *children: Node) -> Node:
    """A WebView: a root view with the document's title, the document in nested views."""
    document = Node(
        "column",
        class_name="android.view.View",
        text="",
        children=children,
        gap=24,
        pad=(EDGE, 36, EDGE, 60),
        look=Look(fill="web"),
    )
    return Node(
        "web",
        name="web",
        class_name="android.webkit.WebView",
        text=heading,
        weight=1,
        children=(document,),
        look=Look(fill="web"),
    )


def alert(name: str, heading: str, message: str, *buttons: Node) -> Node:
    """The content of an alert dialog, with Android's own ids."""
    return Node(
        "column",
        name=name,
        id="parentPanel",
        gap=24,
        pad=(60, 54, 60, 36),
        look=Look(fill="card", radius=36),
        children=(
            label(heading, id="alertTitle", size=50, weight=500),
            label(message, id="android:id/message", color="muted"),
            Node("row", id="buttonPanel", gap=24, children=(grow(), *buttons)),
        ),
    )


def alert_button(number: int, text: str, *tap: Effect) -> Node:
    """Button 1 of an alert says yes, 2 no, 3 something else."""
    return Node(
        "button",
        name=f"button{number}",
        id=f"android:id/button{number}",
        text=text,
        tap=tap,
        look=Look(42, 500, "primary", "center", radius=20),
    )
