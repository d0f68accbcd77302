"""Android's key codes, by number and by name (`android.view.KeyEvent`)."""

from __future__ import annotations

import string

_NAMED = {
    1: "SOFT_LEFT", 3: "HOME", 4: "BACK", 5: "CALL", 6: "ENDCALL", 17: "STAR", 18: "POUND", 19: "DPAD_UP",
    20: "DPAD_DOWN", 21: "DPAD_LEFT", 22: "DPAD_RIGHT", 23: "DPAD_CENTER", 24: "VOLUME_UP", 25: "VOLUME_DOWN",
    26: "POWER", 27: "CAMERA", 28: "CLEAR", 55: "COMMA", 56: "PERIOD", 57: "ALT_LEFT", 58: "ALT_RIGHT",
    59: "SHIFT_LEFT", 60: "SHIFT_RIGHT", 61: "TAB", 62: "SPACE", 64: "EXPLORER", 66: "ENTER", 67: "DEL", 68: "GRAVE",
    69: "MINUS", 70: "EQUALS", 71: "LEFT_BRACKET", 72: "RIGHT_BRACKET", 73: "BACKSLASH", 74: "SEMICOLON",
    75: "APOSTROPHE", 76: "SLASH", 77: "AT", 79: "HEADSETHOOK", 81: "PLUS", 82: "MENU", 83: "NOTIFICATION",
    84: "SEARCH", 85: "MEDIA_PLAY_PAUSE", 86: "MEDIA_STOP", 87: "MEDIA_NEXT", 88: "MEDIA_PREVIOUS", 92: "PAGE_UP",
    93: "PAGE_DOWN", 111: "ESCAPE", 112: "FORWARD_DEL", 113: "CTRL_LEFT", 122: "MOVE_HOME", 123: "MOVE_END",
    124: "INSERT", 164: "VOLUME_MUTE", 187: "APP_SWITCH", 207: "CONTACTS", 208: "CALENDAR", 219: "ASSIST",
    220: "BRIGHTNESS_DOWN", 221: "BRIGHTNESS_UP", 223: "SLEEP", 224: "WAKEUP", 276: "SOFT_SLEEP", 277: "CUT",
    278: "COPY", 279: "PASTE",
}  # fmt: skip
NAMES: dict[int, str] = {
    **{7 + digit: str(digit) for digit in range(10)},
    **{29 + place: letter for place, letter in enumerate(string.ascii_uppercase)},
    **_NAMED,
}
_BY_NAME = {name: number for number, name in NAMES.items()}
_CHARACTERS = {
    "STAR": "*", "POUND": "#", "COMMA": ",", "PERIOD": ".", "SPACE": " ", "GRAVE": "`", "MINUS": "-", "EQUALS": "=",
    "LEFT_BRACKET": "[", "RIGHT_BRACKET": "]", "BACKSLASH": "\\", "SEMICOLON": ";", "APOSTROPHE": "'", "SLASH": "/",
    "AT": "@", "PLUS": "+",
}  # fmt: skip


def key_name(code: str) -> str | None:
    """The name without `KEYCODE_` of a key given by number or name; None where there is no such key."""
    if code.isdigit():
        return NAMES.get(int(code), "UNKNOWN" if int(code) < 320 else None)
    name = code.upper().removeprefix("KEYCODE_")
    return name if name in _BY_NAME else None


def character(name: str) -> str | None:
    """What a key types into a text field; None for keys that type nothing."""
    return name.lower() if len(name) == 1 else _CHARACTERS.get(name)
