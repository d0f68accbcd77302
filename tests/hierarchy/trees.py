"""Hierarchies that no phone would show, for properties that hold on all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from services.hierarchy.build import Record, build
from services.hierarchy.geometry import Rect
from services.hierarchy.node import Tree
from services.hierarchy.targets import Screen

WIDTH, HEIGHT = 200, 300
_CLASSES = (
    "android.widget.Button", "android.widget.EditText", "android.widget.TextView", "android.widget.FrameLayout",
    "androidx.recyclerview.widget.RecyclerView", "android.widget.ScrollView", "android.widget.Switch", "a.b.View$c", "",
)  # fmt: skip
_PACKAGES = ("com.example", "com.android.systemui", "com.google.android.inputmethod.latin", "")
_IDS = ("", "com.example:id/row", "com.example:id/name", "android:id/text1", "a2", "odd id\n")
_TEXTS = st.sampled_from(
    ["", "OK", "确定", "12:30", "3/9", "Cart (0)", "\u202eabc\u0007", "\ue001", "x" * 400, "a\"b'c"]
)
_COORDINATES = st.integers(-60, 360)


@st.composite
def records(draw: st.DrawFn, depth: int = 0) -> Record:
    flags = [draw(st.booleans()) for _ in range(10)]
    inside = draw(st.lists(records(depth + 1), max_size=3)) if depth < 4 and draw(st.booleans()) else []
    values = (
        draw(st.sampled_from(_CLASSES)), draw(st.sampled_from(_PACKAGES)), draw(st.sampled_from(_IDS)),
        draw(_TEXTS | st.text(max_size=8)), draw(_TEXTS), draw(_TEXTS), *flags, draw(st.integers(0, 9)) > 0,
    )  # fmt: skip
    box = Rect(*(draw(_COORDINATES) for _ in range(4)))
    if draw(st.booleans()):
        box = Rect(min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
    return Record(values, None, box, inside)


def trees() -> st.SearchStrategy[Tree]:
    return st.lists(records(), max_size=4).map(build)


def screens() -> st.SearchStrategy[Screen]:
    return trees().map(lambda tree: Screen.of(tree, WIDTH, HEIGHT))
