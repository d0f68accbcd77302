"""What a person would call an element, and which of its attributes can be trusted as a name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from services.hierarchy.node import Node, Tree
from services.hierarchy.volatile import squeezed

MAX_LABEL: Final = 80
_MAX_PARTS: Final = 3
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_EDITABLE: Final = ("EditText", "AutoCompleteTextView", "TextInputEditText")
_OBFUSCATED: Final = re.compile(r"(?:0_resource_name_obfuscated|[a-z]{1,2}\d{0,3}|[a-z]{3}|[a-z]{1,3}\d[a-z0-9]?)\Z")
_WORDS: Final = frozenset({
    "tab", "nav", "btn", "add", "row", "ok", "no", "yes", "map", "day", "min", "max", "top", "bar", "tag", "fab", "ad",
    "url", "ads", "img", "pic", "txt", "up", "go", "my", "id", "new", "all", "end", "cta", "vip", "pay", "buy", "log",
    "key", "pin", "sex", "age", "sum", "qty", "sku", "web", "app", "box", "tv", "iv", "et", "rv", "lv", "vp", "list",
})  # fmt: skip
_GENERATED: Final = re.compile(r"\d{3,}|[0-9a-f]{8,}|(?:^|[_-])\d+$|^__|:r\d|^ember\d|^react|^ext-gen", re.IGNORECASE)
# Ids of parts that come and go on one and the same screen.
_FLEETING_ID: Final = re.compile(
    r"badge|unread|red_?dot|counter|progress|loading|spinner|shimmer|skeleton|snackbar|toast|tooltip|refresh|indicator"
    r"|clear_?(?:button|text|icon|btn)|search_close|textinput_(?:error|helper)|end_icon|error|touch_outside"
    r"|empty|no_?(?:data|results?|content|items?)(?:_|$)|placeholder|retry",
    re.IGNORECASE,
)
_FLEETING_CLASSES: Final = ("ProgressBar", "ProgressIndicator", "Toast", "RefreshView", "ShimmerFrameLayout")


def is_editable(node: Node) -> bool:
    """A field that takes text."""
    return node.class_name.endswith(_EDITABLE)


@lru_cache(maxsize=4096)
def is_obfuscated(resource_id: str) -> bool:
    """`0_resource_name_obfuscated`, `a2`, `ar7`: shared by many nodes, and another one in the next build."""
    name = resource_id.rpartition("/")[2]
    return name not in _WORDS and _OBFUSCATED.match(name) is not None


@lru_cache(maxsize=4096)
def is_generated(resource_id: str) -> bool:
    """An id that looks counted or random (`view_1234`, `:r3:`): made at run time."""
    return _GENERATED.search(resource_id.rpartition("/")[2]) is not None


def has_trusted_id(node: Node) -> bool:
    return bool(node.resource_id) and not is_obfuscated(node.resource_id) and not is_generated(node.resource_id)


def is_fleeting(node: Node) -> bool:
    """A badge, a spinner, a message: no part of an identity."""
    return node.class_name.endswith(_FLEETING_CLASSES) or (
        bool(node.resource_id) and _FLEETING_ID.search(node.id_name) is not None
    )


def own_label(node: Node) -> str:
    """Its description or text, in one line; "" for none, or for private-use glyphs (icon fonts)."""
    said = node.content_desc if _readable(node.content_desc) else node.text
    return squeezed(said)[:MAX_LABEL] if _readable(said) and not node.password else ""


def _readable(text: str) -> bool:
    return bool(_PRIVATE.sub("", text).strip())


def spoken_label(tree: Tree, node: Node) -> str:
    """What a screen reader would say: the own label, else those of descendants; of a field its hint, or the text
    before it. "" where nothing names the element."""
    label = own_label(node)
    if label:
        return label
    if is_editable(node):
        return squeezed(node.hint)[:MAX_LABEL] or label_before(tree, node)
    parts: list[str] = []
    for below in tree.nodes[node.position + 1 : node.end]:
        part = own_label(below)
        if part and part not in parts:
            parts.append(part)
            if len(parts) == _MAX_PARTS:
                break
    return ", ".join(parts)[:MAX_LABEL]


def label_node(tree: Tree, node: Node) -> Node | None:
    """The first descendant with a label, through which an element without one can be addressed."""
    return next((below for below in tree.nodes[node.position + 1 : node.end] if own_label(below)), None)


def label_before(tree: Tree, node: Node) -> str:
    """The text that stands before a field, among its siblings; "" where none does."""
    siblings = tree.siblings(node)
    for sibling in reversed(siblings[: siblings.index(node)]):
        if is_editable(sibling) or sibling.clickable:
            return ""
        label = own_label(sibling)
        if label:
            return label
    return ""
