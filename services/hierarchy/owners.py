"""Which package a window belongs to, and what kind of package that is."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final

from services.hierarchy.node import Node, Tree


class Owner(StrEnum):
    """Whose screen is in front. Only APP is explored; what the others are for is the orchestrator's business."""

    APP = "APP"
    PERMISSION = "PERMISSION"
    LAUNCHER = "LAUNCHER"
    SETTINGS = "SETTINGS"
    SYSTEM = "SYSTEM"
    KEYBOARD = "KEYBOARD"


_PERMISSION: Final = ("permissioncontroller", "packageinstaller", "com.lbe.security", "com.miui.securitycenter")
_SYSTEM: Final = frozenset({"android", "com.android.systemui", "com.android.intentresolver"})
_LAUNCHERS: Final = ("launcher", "com.miui.home", "com.android.home", "com.sec.android.app.easylauncher")
_SETTINGS: Final = frozenset({"com.android.settings", "com.samsung.android.settings"})
_KEYBOARDS: Final = (
    "inputmethod", "keyboard", "honeyboard", "com.baidu.input", "com.touchtype.swiftkey", "com.iflytek.input",
    "com.android.adbkeyboard", "com.github.uiautomator",
)  # fmt: skip


def kind_of(package: str) -> Owner:
    """The kind of a package by its name; APP where nothing else is known."""
    name = package.lower()
    if any(part in name for part in _KEYBOARDS):
        return Owner.KEYBOARD
    if any(part in name for part in _PERMISSION):
        return Owner.PERMISSION
    if name in _SYSTEM:
        return Owner.SYSTEM
    if any(part in name for part in _LAUNCHERS):
        return Owner.LAUNCHER
    return Owner.SETTINGS if name in _SETTINGS else Owner.APP


def package_of(tree: Tree, window: Node) -> str:
    """The package that most nodes of a window name; that of the resource ids where nodes name none; else ""."""
    nodes = tree.nodes[window.position : window.end]
    named = Counter(node.package for node in nodes if node.package)
    if not named:
        ids = (node.resource_id.partition(":id/") for node in nodes)
        named = Counter(package for package, colon, _ in ids if colon and package != "android")
    return max(named, key=lambda package: (named[package], package)) if named else ""
