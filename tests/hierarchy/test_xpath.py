"""XPath means what libxml2 says it means, within a budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from contracts.values import Strategy
from services.hierarchy.errors import LocatorError
from services.hierarchy.locators import evaluate, xpath_literal
from services.hierarchy.node import ATTRIBUTE_NAMES, ROOT, Tree, attribute
from services.hierarchy.parse import parse
from tests.hierarchy import corpus

CLASSES = ("android.widget.TextView", "android.widget.Button", "android.view.ViewGroup")
TEXTS = ("", "A", "Log in", "it's", 'say "x"', "登录", " a  b ")


def as_lxml(tree: Tree) -> etree._Element:
    """The tree as Appium's page source: tags are classes."""
    root = etree.Element("hierarchy")
    made = [etree.Element(tree.tags[node.position]) for node in tree]
    for node, element in zip(tree, made, strict=True):
        for name in sorted(ATTRIBUTE_NAMES):
            element.set(name, attribute(node, name))
        element.set("n", str(node.position))
        (root if node.parent == ROOT else made[node.parent]).append(element)
    return root


def oracle(tree: Tree, expression: str) -> list[int]:
    found = as_lxml(tree).getroottree().xpath(expression)
    return [int(element.get("n")) for element in found if element.get("n") is not None]


def xml_of(shape: list) -> str:
    def node(spec: tuple) -> str:
        kind, text, ident, clickable, children = spec
        inner = "".join(map(node, children))
        return (
            f"<node class={CLASSES[kind]!r} text={_q(TEXTS[text])} resource-id='{ident}' "
            f"clickable='{str(clickable).lower()}' bounds='[0,0][10,10]'>{inner}</node>"
        )

    return "<hierarchy>" + "".join(map(node, shape)) + "</hierarchy>"


def _q(text: str) -> str:
    return "'" + text.replace("&", "&amp;").replace("'", "&apos;").replace("<", "&lt;") + "'"


leaves = st.tuples(
    st.integers(0, 2),
    st.integers(0, len(TEXTS) - 1),
    st.sampled_from(["", "a:id/x", "a:id/y"]),
    st.booleans(),
    st.just([]),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.tuples(
        st.integers(0, 2),
        st.integers(0, len(TEXTS) - 1),
        st.sampled_from(["", "a:id/x"]),
        st.booleans(),
        st.lists(inner, max_size=4),
    ),
    max_leaves=14,
)

tests_ = st.sampled_from(["*", *CLASSES, "node()"])
axes = st.sampled_from(
    [
        "",
        "descendant::",
        "ancestor::",
        "parent::",
        "following-sibling::",
        "preceding-sibling::",
        "self::",
        "following::",
        "preceding::",
        "ancestor-or-self::",
        "descendant-or-self::",
    ]
)
conditions = st.sampled_from(
    [
        "1",
        "2",
        "last()",
        "last()-1",
        "position()=2",
        "position() < 3",
        "@text='A'",
        "@clickable='true'",
        "@resource-id='a:id/x'",
        "@text!='A'",
        "not(@text='')",
        "contains(@text,'o')",
        "starts-with(@text,'L')",
        "@text='A' or @text='登录'",
        "@clickable='true' and @text=\"it's\"",
        ".//*[@text='A']",
        "../*[@text='A']",
        "*",
        "node()",
        "count(*)=2",
        "count(*) > count(..)",
        "string-length(@text) > 2",
        "normalize-space(@text)='a b'",
        "@index < 1",
        "@nothing",
        "translate(@text,'A','B')='B'",
        "concat(@text,'x')='Ax'",
        "following-sibling::*[1]/@text='A'",
        "true()",
        "boolean(@text)",
        "number(@index)=0",
    ]
)
steps = st.builds(
    lambda sep, axis, test, preds: f"{sep}{axis}{test}{''.join(f'[{p}]' for p in preds)}",
    st.sampled_from(["/", "//"]),
    axes,
    tests_,
    st.lists(conditions, max_size=2),
)
paths = st.builds(lambda head, rest: head + "".join(rest), steps, st.lists(steps, max_size=2))
expressions = st.one_of(
    paths,
    st.builds(lambda p: f"({p})[2]", paths),
    st.builds(lambda p, q: f"{p} | {q}", paths, paths),
    st.builds(lambda p: f"({p})[last()]/..", paths),
)


@pytest.mark.thorough
@settings(max_examples=400, deadline=None)
@given(st.lists(nodes, min_size=1, max_size=2), expressions)
def test_answers_equal_those_of_libxml2(shape: list, expression: str) -> None:
    tree = parse(xml_of(shape))
    assert [node.position for node in evaluate(tree, Strategy.XPATH, expression)] == oracle(tree, expression)


def test_answers_equal_those_of_libxml2_on_recorded_screens() -> None:
    for dump in corpus.dumps()[::15]:
        for node in dump.tree.nodes[::7]:
            for expression in (
                dump.tree.path(node),
                f"//{dump.tree.tags[node.position]}[@clickable='true']",
                "//*[@text!='']/..",
            ):
                found = [one.position for one in evaluate(dump.tree, Strategy.XPATH, expression)]
                assert found == oracle(dump.tree, expression)


@pytest.mark.thorough
def test_absolute_path_addresses_exactly_its_node_on_every_recorded_screen() -> None:
    for dump in corpus.dumps():
        for node in dump.tree:
            assert list(evaluate(dump.tree, Strategy.XPATH, dump.tree.path(node))) == [node]


def test_texts_with_both_kinds_of_quotes_can_be_written_as_a_literal() -> None:
    for text in (*TEXTS, "'", "''\"\"'"):
        tree = parse(f"<hierarchy><node text={_q(text)} /></hierarchy>")
        assert len(evaluate(tree, Strategy.XPATH, f"//*[@text={xpath_literal(text)}]")) == 1


def test_inner_classes_are_addressed_as_appium_writes_them() -> None:
    tree = parse('<hierarchy><node class="android.app.ActionBar$Tab" text="a"/></hierarchy>')
    assert len(evaluate(tree, Strategy.XPATH, "//android.app.ActionBar.Tab")) == 1


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("//*[", "missing"),
        ("//node[text()='x']", "use @text"),
        ("//*[matches(@text,'a')]", "matches"),
        ("", "missing"),
        ("//*]", "left over"),
        ("count(//*)", "value"),
        ("//*[@a~'x']", "unknown character"),
        ("/" * 5000, "characters"),
        ("//*[" + "(" * 60 + "1" + ")" * 60 + "]", "nested"),
        ("('a')/b", "not a set"),
        ("//@text/x", "attribute"),
        ("sideways::*", "axis"),
        ("//*[contains(@text)]", "arguments"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(expression: str, said: str) -> None:
    with pytest.raises(LocatorError, match=said.replace("(", r"\(")):
        evaluate(parse("<hierarchy><node text='a'/></hierarchy>"), Strategy.XPATH, expression)


def test_an_expensive_expression_is_given_up() -> None:
    tree = parse("<hierarchy>" + "<node class='a.B'>" * 100 + "</node>" * 100 + "</hierarchy>")
    with pytest.raises(LocatorError, match="too costly"):
        evaluate(tree, Strategy.XPATH, "//*[count(//*[count(//*[count(//*)>1])>1])>1]")
