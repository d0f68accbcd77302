"""What kind of thing an element is, as people and models call it; elements of another kind are not taken for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from services.hierarchy.labels import is_editable
from services.hierarchy.node import Node

_KINDS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("EditText", "AutoCompleteTextView", "SearchView$SearchAutoComplete"), "field"),
    (("CheckBox", "CheckedTextView"), "checkbox"),
    (("RadioButton",), "radio"),
    (("Switch", "SwitchCompat", "SwitchMaterial", "ToggleButton"), "switch"),
    (("ImageButton", "FloatingActionButton"), "image button"),
    (("Button", "Chip"), "button"),
    (("SeekBar", "Slider", "RatingBar"), "slider"),
    (("Spinner",), "choice"),
    (("ImageView", "Image"), "image"),
    (("WebView",), "web page"),
    (("RecyclerView", "ListView", "GridView", "AbsListView"), "list"),
    (("ViewPager", "ViewPager2", "HorizontalScrollView", "ScrollView", "NestedScrollView"), "scroll area"),
    (("TabWidget", "ActionBar$Tab", "TabLayout$TabView"), "tab"),
    (("TextView", "TextView2"), "text"),
)
_ENDINGS: Final = tuple((ending, kind) for endings, kind in _KINDS for ending in endings)
_TOGGLES: Final = frozenset({"checkbox", "radio", "switch"})


@lru_cache(maxsize=2048)
def family(class_name: str) -> str:
    """The kind of a class: those of a toolkit and its replacements (AppCompat, Material) are one; `area` for layouts
    and everything that is not known."""
    for ending, kind in _ENDINGS:
        if class_name.endswith(ending):
            return kind
    return "area"


def kind_of_node(node: Node) -> str:
    """As a person would call it: what takes taps and only lays out others is an `item`."""
    if is_editable(node):
        return "field"
    kind = family(node.class_name)
    if kind in {"area", "text"} and node.checkable:
        return "switch"
    taps = node.clickable or node.long_clickable
    if kind in {"area", "text"} and taps:
        return "item"
    if kind == "image" and taps:
        return "image button"
    if kind == "area" and node.scrollable:
        return "scroll area"
    return kind


def is_toggle(class_name: str) -> bool:
    """Whether its text may say its state: ON, OFF."""
    return family(class_name) in _TOGGLES
