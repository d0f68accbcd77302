"""Locators as conditions of Android's UiSelector, which uiautomator2 and Appium both understand."""

from __future__ import annotations

import re
from typing import Any

from contracts.values import Target
from services.hierarchy.errors import LocatorError
from services.hierarchy.uiselector import parse_uiselector

Selector = dict[str, Any]
"""Conditions by name, or one of `xpath`, `uiselector`, `point`. A point is in pixels, or in parts of the screen."""

_SPECIAL = re.compile(r"([\\.^$|()?*+\[\]{}])")


def selectors(target: Target, *, raw: bool) -> tuple[Selector, ...]:
    """Ways to say one locator, each to be tried. `raw`: the tool takes a UiSelector as it is written.

    None where the tool cannot say it.
    """
    if target.point is not None:
        place = target.point
        percent = place.unit == "PERCENT"
        at = (place.x / 100, place.y / 100) if percent else (round(place.x), round(place.y))
        return ({"point": at, "of_screen": percent},)
    if target.xpath is not None:
        return (_indexed({"xpath": target.xpath}, target),)
    if target.uiselector is not None:
        return _of_uiselector(target, raw=raw)
    common: Selector = {}
    if target.id is not None:
        whole = ":" in target.id
        common["resourceId" if whole else "resourceIdMatches"] = (
            target.id if whole else "(.*:id/)?" + _SPECIAL.sub(r"\\\1", target.id)
        )
    if target.description is not None:
        common["description"] = target.description
    shown: list[Selector] = [{}]
    if target.text is not None:
        shown = [{"text": target.text}]
    if target.text_contains is not None:
        shown = [{**each, "textContains": target.text_contains} for each in shown]
    if target.description is None and shown != [{}]:
        # An element that shows no text is known by its description.
        shown.append({name.replace("text", "description"): value for name, value in shown[0].items()})
    return tuple(_indexed({**common, **each}, target) for each in shown)


def _indexed(selector: Selector, target: Target) -> Selector:
    return selector if target.index is None else {**selector, "instance": target.index}


def _of_uiselector(target: Target, *, raw: bool) -> tuple[Selector, ...]:
    assert target.uiselector is not None
    if raw:
        return (_indexed({"uiselector": target.uiselector}, target),)
    try:
        parsed = parse_uiselector(target.uiselector)
    except LocatorError:
        return ()
    names = [condition.method for condition in parsed.conditions]
    if parsed.inner is not None or len(set(names)) < len(names):
        return ()
    found: Selector = {condition.method: condition.argument for condition in parsed.conditions}
    if parsed.instance is not None:
        found["instance"] = parsed.instance
    return (_indexed(found, target),)
