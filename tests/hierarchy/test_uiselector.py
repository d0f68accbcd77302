"""UiSelector expressions address what UiAutomator would find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import Strategy
from services.hierarchy.errors import LocatorError
from services.hierarchy.locators import evaluate
from services.hierarchy.parse import parse
from services.hierarchy.uiselector import quoted

TREE = parse(
    """<hierarchy>
    <node class="a.ListView" resource-id="a:id/list" scrollable="true" bounds="[0,0][100,100]">
      <node class="a.Row" resource-id="a:id/row" clickable="true" index="0" bounds="[0,0][100,50]">
        <node class="a.Text" resource-id="a:id/title" text="Wi-Fi" bounds="[0,0][50,50]"/>
        <node class="a.Switch" resource-id="a:id/on" checkable="true" checked="true" bounds="[50,0][100,50]"/>
      </node>
      <node class="a.Row" resource-id="a:id/row" clickable="true" index="1" bounds="[0,50][100,100]">
        <node class="a.Text" resource-id="a:id/title" text="蓝牙" bounds="[0,50][50,100]"/>
        <node class="a.Switch" resource-id="a:id/on" checkable="true" bounds="[50,50][100,100]"/>
      </node>
    </node></hierarchy>"""
)


@pytest.mark.parametrize(
    ("expression", "positions"),
    [
        ('new UiSelector().text("蓝牙")', [5]),
        ('new UiSelector().resourceId("a:id/row")', [1, 4]),
        ('new UiSelector().resourceId("a:id/row").instance(1)', [4]),
        ('new UiSelector().resourceId("a:id/row").instance(2)', []),
        ('new UiSelector().resourceId("a:id/row").index(1)', [4]),
        ('new UiSelector().className("a.Switch").checked(true)', [3]),
        ('new UiSelector().className("a.Switch").checked(false)', [6]),
        ('new UiSelector().textContains("wi")', [2]),
        ('new UiSelector().textStartsWith("WI")', [2]),
        ('new UiSelector().textMatches("Wi-F.")', [2]),
        ('new UiSelector().textMatches("Wi")', []),
        (
            'new UiSelector().resourceId("a:id/row").childSelector(new UiSelector().className("a.Switch"))',
            [3, 6],
        ),
        (
            'new UiSelector().resourceId("a:id/row").instance(1).childSelector(new UiSelector().resourceId("a:id/on"))',
            [6],
        ),
        ('new UiSelector().text("蓝牙").fromParent(new UiSelector().resourceId("a:id/on"))', [6]),
        ("new UiSelector().scrollable(true).childSelector(new UiSelector().clickable(true).instance(1))", [4]),
        ('new  UiSelector( ) . text( "Wi-Fi" ) ;', [2]),
        ('new UiSelector().packageName("none")', []),
    ],
)
def test_finds_what_uiautomator_would(expression: str, positions: list[int]) -> None:
    assert [node.position for node in evaluate(TREE, Strategy.CUSTOM, expression)] == positions


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\t"\\')))
def test_any_text_survives_quoting(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    escaped = escaped.replace("\n", "&#10;").replace("\t", "&#9;").replace("\ufffe", "").replace("\uffff", "")
    tree = parse(f'<hierarchy><node class="a" text="{escaped}"/></hierarchy>')
    found = evaluate(tree, Strategy.CUSTOM, f"new UiSelector().text({quoted(tree.nodes[0].text)})")
    assert list(found) == [tree.nodes[0]]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("UiSelector()", "unknown word"),
        ('new UiSelector().colour("x")', "no colour"),
        ("new UiSelector().text()", "missing"),
        ('new UiSelector().text("x"', "missing"),
        ('new UiScrollable(new UiSelector()).scrollIntoView("x")', "UiScrollable"),
        ("", "missing"),
        ('new UiSelector().textMatches("(a+)+b")', "for ever"),
        ('new UiSelector().textMatches("[")', "regular"),
        ("new UiSelector().instance(-1)", "no place"),
        ('new UiSelector().text("a") x', "unknown word"),
        ("new UiSelector()" + ".childSelector(new UiSelector()" * 20 + ")" * 20, "nested"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(expression: str, said: str) -> None:
    with pytest.raises(LocatorError, match=said):
        evaluate(TREE, Strategy.CUSTOM, expression)
