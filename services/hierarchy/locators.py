"""What a locator addresses on a tree: the one meaning that ranking, validation on the phone and diffs share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from contracts.values import Strategy
from services.hierarchy.errors import LocatorError
from services.hierarchy.node import Node, Tree
from services.hierarchy.uiselector import evaluate_uiselector
from services.hierarchy.xpath import evaluate_xpath


def evaluate(tree: Tree, strategy: Strategy, locator_value: str) -> Sequence[Node]:
    """Nodes that the locator addresses, in document order; empty when there are none.

    ID, TEXT and ACCESSIBILITY_ID compare the whole attribute; an empty value addresses nothing. XPATH is as in Appium
    and uiautomator2 (see `xpath`), CUSTOM is a UiSelector expression. IMAGE_TEMPLATE needs a picture: `template.find`.
    Raises LocatorError for a locator that cannot be evaluated.
    """
    match strategy:
        case Strategy.ID:
            return tree.with_attribute("resource-id", locator_value) if locator_value else ()
        case Strategy.TEXT:
            return tree.with_attribute("text", locator_value) if locator_value else ()
        case Strategy.ACCESSIBILITY_ID:
            return tree.with_attribute("content-desc", locator_value) if locator_value else ()
        case Strategy.XPATH:
            return evaluate_xpath(tree, locator_value)
        case Strategy.CUSTOM:
            return evaluate_uiselector(tree, locator_value)
        case Strategy.IMAGE_TEMPLATE:
            raise LocatorError("a picture locator is looked for on the screenshot, not in the hierarchy")
        case _:
            assert_never(strategy)


def xpath_literal(text: str) -> str:
    """`text` as a string of XPath 1.0, which knows no escapes: quoted in what it does not hold, or as concat()."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    parts = ', "\'", '.join(f"'{part}'" for part in text.split("'"))
    return f"concat({parts})"
