"""Keys by what models call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from contracts.values.actions import Key

_NAMES: Final[Mapping[str, Key]] = {
    **{key.replace("_", "").casefold(): key for key in get_args(Key)},
    "return": "ENTER", "回车": "ENTER", "确认": "ENTER", "del": "DELETE", "backspace": "DELETE", "删除": "DELETE",
    "esc": "ESCAPE", "返回": "BACK", "主页": "HOME", "搜索": "SEARCH", "菜单": "MENU", "appswitch": "RECENTS",
    "recent": "RECENTS", "recentapps": "RECENTS", "overview": "RECENTS", "最近任务": "RECENTS", "电源": "POWER",
    "wakeup": "WAKE", "dpadup": "UP", "dpaddown": "DOWN", "dpadleft": "LEFT", "dpadright": "RIGHT",
}  # fmt: skip


def key_of(name: str) -> Key | None:
    plain = "".join(c for c in name.casefold() if c.isalnum())
    return _NAMES.get(plain.removeprefix("keycode"))
