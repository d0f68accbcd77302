"""The task of twelve steps: launch, search in Chinese, scroll, pick, fill a form, confirm."""

from __future__ import annotations

from tests.tasks.apps import LABEL
from tests.tasks.moves import Finish, Launch, Move, Swipe, Tap, Type

QUERY = "户外"
PICKED = "Head lamp"
BOUGHT = "已下单"
FIELDS = ("Li Wei", "YYYY-MM-DD")
"""Hints of the fields of the form."""


def goal(who: str) -> str:
    return f"在演示商店里搜索户外用品，选一个头灯，收货人写{who}，2026年12月24日送到，然后下单。"


def moves(who: str, day: str = "2026-12-24") -> list[Move]:
    """Twelve moves that touch the phone, and the end."""
    return [
        Launch(LABEL),
        Tap("Search"),
        Type(QUERY),
        Swipe("up"),
        Tap(PICKED),
        Tap("Buy now"),
        Tap(FIELDS[0]),
        Type(who),
        Tap(FIELDS[1]),
        Type(day),
        Tap("Continue"),
        Tap("Place order"),
        Finish(BOUGHT),
    ]


def replayed(who: str) -> list[Move]:
    """The moves that a script of it has: whoever types into a field goes there by itself."""
    return [move for move in moves(who) if not (isinstance(move, Tap) and move.label in FIELDS)]


def typed(who: str, day: str = "2026-12-24") -> list[str]:
    """The texts that a phone was given, in order."""
    return [QUERY, who, day]
