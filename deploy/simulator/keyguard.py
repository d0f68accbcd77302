"""The lock screen: what it shows, and what opens it. Without a PIN a swipe up does; with one it asks for it."""

from __future__ import annotations

from .hierarchy import FLAGS, XmlNode, hierarchy_xml

SYSTEM_UI = "com.android.systemui"
_ROWS = ("123", "456", "789")
_PAD_TOP, _PAD_BOTTOM, _ENTRY_TOP = 0.45, 0.9, 0.3
"""Parts of the screen's height."""


class Keyguard:
    """State of one phone's lock screen. Coordinates are those of the screen as it is turned."""

    def __init__(self) -> None:
        self.pin = ""
        """Digits; empty: none is set."""
        self.asking = False
        """The pad for the PIN is in front."""
        self.refused = 0
        """Wrong PINs so far."""
        self._entered = ""

    def dismissed(self) -> bool:
        """A swipe up, `wm dismiss-keyguard`, MENU: whether the phone is open now."""
        if not self.pin:
            return True
        self.asking = True
        return False

    def closed(self) -> None:
        """Nothing is entered any more: the screen went off, or the way back."""
        self.asking, self._entered = False, ""

    def typed(self, text: str) -> None:
        if self.asking:
            self._entered += "".join(letter for letter in text if letter.isdigit())

    def entered(self) -> bool:
        """ENTER: whether the phone is open now. A wrong PIN is forgotten."""
        right = self.asking and self._entered == self.pin
        self.refused += int(self.asking and not right)
        self._entered = ""
        self.asking = self.asking and not right
        return right

    def tapped(self, x: int, y: int, size: tuple[int, int]) -> bool:
        """A touch of the pad: whether the phone is open now."""
        if not self.asking:
            return False
        for name, _, (left, top, right, bottom) in _keys(size):
            if left <= x < right and top <= y < bottom:
                if name == "key_enter":
                    return self.entered()
                if name == "delete_button":
                    self._entered = self._entered[:-1]
                else:
                    self.typed(name.removeprefix("key"))
        return False

    def hierarchy(self, size: tuple[int, int]) -> str:
        """uiautomator XML."""
        width, height = size
        if not self.asking:
            root = _node("keyguard_root_view", (0, 0, width, height), desc="Lock screen.")
            return hierarchy_xml([_node("", (0, 0, width, height), children=(root,))])
        entry = _node(
            "pinEntry", (width // 4, int(height * _ENTRY_TOP), width * 3 // 4, int(height * 0.4)), desc="PIN area",
            kind="android.widget.EditText", flags=("enabled", "focused", "focusable", "password"),
            text="•" * len(self._entered),
        )  # fmt: skip
        keys = [
            _node(name, box, text=text, kind="android.view.ViewGroup", flags=("enabled", "clickable"))
            for name, text, box in _keys(size)
        ]
        pad = _node("keyguard_pin_view", (0, int(height * _ENTRY_TOP), width, height), children=(entry, *keys))
        return hierarchy_xml([_node("keyguard_host_view", (0, 0, width, height), children=(pad,))])


def _keys(size: tuple[int, int]) -> list[tuple[str, str, tuple[int, int, int, int]]]:
    """Id, text and box of each key of the pad."""
    width, height = size
    rows = [*([(f"key{digit}", digit) for digit in row] for row in _ROWS)]
    rows.append([("delete_button", ""), ("key0", "0"), ("key_enter", "")])
    top, high, wide = int(height * _PAD_TOP), int(height * (_PAD_BOTTOM - _PAD_TOP)) // len(rows), width // 3
    return [
        (name, text, (column * wide, top + row * high, (column + 1) * wide, top + (row + 1) * high))
        for row, keys in enumerate(rows)
        for column, (name, text) in enumerate(keys)
    ]


def _node(
    entry: str,
    bounds: tuple[int, int, int, int],
    *,
    text: str = "",
    desc: str = "",
    kind: str = "android.widget.FrameLayout",
    flags: tuple[str, ...] = ("enabled",),
    children: tuple[XmlNode, ...] = (),
) -> XmlNode:
    on = tuple(flag in flags for flag in FLAGS)
    resource_id = f"{SYSTEM_UI}:id/{entry}" if entry else ""
    return XmlNode(text, resource_id, kind, SYSTEM_UI, desc, on, bounds, children)
