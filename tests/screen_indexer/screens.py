"""Small screens made by hand, and real ones changed on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from lxml import etree

from contracts.values import Foreground
from services.hierarchy.node import Node, Tree
from services.hierarchy.parse import parse
from services.hierarchy.write import to_xml
from services.screen_indexer.indexing import index
from services.screen_indexer.model import CaptureInput, Indexed

PACKAGE = "com.example"
SHORT = {
    "frame": "android.widget.FrameLayout",
    "text": "android.widget.TextView",
    "button": "android.widget.Button",
    "edit": "android.widget.EditText",
    "list": "androidx.recyclerview.widget.RecyclerView",
    "view": "android.view.View",
    "check": "android.widget.CheckBox",
    "scroll": "android.widget.ScrollView",
    "image": "android.widget.ImageView",
    "row": "android.widget.LinearLayout",
    "bar": "android.widget.ProgressBar",
    "switch": "android.widget.Switch",
    "toolbar": "androidx.appcompat.widget.Toolbar",
    "pager": "androidx.viewpager.widget.ViewPager",
}
_TAKES_TAPS = {"button", "check", "switch"}


@dataclass(frozen=True)
class Recorded:
    """A recorded screen as a phone would dump it, indexed."""

    name: str
    app: str
    tree: Tree
    width: int
    height: int
    found: Indexed


def n(kind: str, *children: str, **given: object) -> str:
    """One node: `n("button", id="ok", text="OK", at=(0, 0, 100, 50))`. Buttons take taps unless told otherwise."""
    left, top, right, bottom = given.pop("at", (0, 0, 1080, 2000))
    values: dict[str, object] = {
        "class": SHORT.get(kind, kind),
        "package": PACKAGE,
        "text": "",
        "resource-id": "",
        "content-desc": "",
        "checkable": kind in ("check", "switch"),
        "checked": False,
        "clickable": kind in _TAKES_TAPS or kind == "edit",
        "enabled": True,
        "focusable": kind == "edit",
        "scrollable": kind == "list",
        "long-clickable": False,
        "password": False,
        "selected": False,
        "bounds": f"[{left},{top}][{right},{bottom}]",
    }
    if "id" in given:
        ident = str(given.pop("id"))
        values["resource-id"] = ident if ":" in ident or not ident else f"{PACKAGE}:id/{ident}"
    values |= {{"desc": "content-desc", "long": "long-clickable"}.get(key, key): value for key, value in given.items()}
    written = " ".join(
        f"{key}={quoteattr(str(value).lower() if isinstance(value, bool) else str(value))}"
        for key, value in values.items()
    )
    return f"<node {written}>{''.join(children)}</node>"


def xml(*windows: str) -> str:
    return f"<hierarchy rotation='0'>{''.join(windows)}</hierarchy>"


def indexed(*windows: str, width: int = 1080, height: int = 2000, activity: str | None = None) -> Indexed:
    hint = Foreground(package=PACKAGE, activity=activity) if activity else None
    return index(CaptureInput(xml(*windows), width, height, hint))


def of_tree(tree: Tree, width: int, height: int) -> Indexed:
    return index(CaptureInput(to_xml(tree), width, height))


def changed(tree: Tree, change: Callable[[etree._Element], None], where: Callable[[Node], bool]) -> Tree:
    """The tree with `change` done to the XML element of every node that `where` picks."""
    root = etree.fromstring(to_xml(tree).encode())
    for element, node in zip(list(root.iter("node")), tree, strict=True):
        if where(node):
            change(element)
    return parse(etree.tostring(root, encoding="unicode"))


def with_window(tree: Tree, window: str) -> Tree:
    return parse(to_xml(tree).replace("</hierarchy>", window + "</hierarchy>"))
