"""Every quirk seen in real dumps is read; what is no whole hierarchy is refused with a reason."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.geometry import EMPTY, Rect, parse_bounds
from services.hierarchy.node import Tree
from services.hierarchy.parse import parse
from services.hierarchy.readers import from_appium, from_droidbot
from services.hierarchy.write import to_xml
from tests.hierarchy import corpus

NODE = '<node index="0" text="Hi" class="android.widget.TextView" bounds="[0,0][10,20]" />'


def content(tree: Tree) -> list[tuple]:
    return [
        (
            n.class_name,
            n.package,
            n.resource_id,
            n.text,
            n.content_desc,
            n.hint,
            n.bounds,
            n.parent,
            n.end,
            n.depth,
            n.index,
            n.clickable,
            n.checked,
            n.enabled,
            n.visible,
            n.password,
            n.selected,
            n.scrollable,
            n.long_clickable,
        )
        for n in tree
    ]


@pytest.mark.parametrize(
    "document",
    [
        f"<hierarchy>{NODE}</hierarchy>",
        f"UI hierchary dumped to: /dev/tty\n<?xml version='1.0' encoding='UTF-8'?><hierarchy>{NODE}</hierarchy>",
        f"<?xml version='1.0' ?><hierarchy rotation=\"1\">{NODE}</hierarchy>UI hierchary dumped to: /dev/tty\r\r\n",
        f"<?xml version='1.0' ?>\r\r\n<hierarchy>\r\r\n{NODE}\r\r\n</hierarchy>\r\r\nshell@phone:/ $ ",
        f"WARNING: linker: libx.so unused\n<hierarchy>{NODE}</hierarchy>",
        NODE,
        f"\ufeff<hierarchy>{NODE}</hierarchy>".encode(),
        '<hierarchy><android.widget.TextView index="0" text="Hi" bounds="[0,0][10,20]"/></hierarchy>',
    ],
)
def test_one_node_is_read_whatever_stands_around_it(document: str | bytes) -> None:
    (node,) = parse(document)
    assert (node.text, node.class_name, node.bounds) == ("Hi", "android.widget.TextView", Rect(0, 0, 10, 20))


def test_several_windows_without_a_root_are_several_roots() -> None:
    assert [root.text for root in parse(NODE + NODE.replace("Hi", "Ho")).roots] == ["Hi", "Ho"]


@pytest.mark.parametrize("document", ["<hierarchy/>", '<hierarchy rotation="0" />', "<hierarchy></hierarchy>"])
def test_a_document_without_nodes_is_an_empty_tree(document: str) -> None:
    tree = parse(document)
    assert (len(tree), tree.roots, tree.extent) == (0, (), EMPTY)


def test_siblings_out_of_order_follow_their_index() -> None:
    nodes = "".join(f'<node index="{index}" text="{index}"/>' for index in (2, 0, 10, 1))
    tree = parse(f'<hierarchy><node text="top">{nodes}</node></hierarchy>')
    assert [node.text for node in tree.roots[0].children] == ["0", "1", "2", "10"]


def test_missing_attributes_are_empty_and_enabled_is_assumed() -> None:
    (node,) = parse("<hierarchy><node/></hierarchy>")
    assert (node.text, node.package, node.class_name, node.bounds, node.enabled) == ("", "", "", EMPTY, True)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&#10;", "\n"),
        ("&#128512;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;", "\ufffd"),
        ("&#0;", "\ufffd"),
        ("\u200f\u202bשלום", "\u200f\u202bשלום"),
        ("\ue001", "\ue001"),
        ("&#160;", "\xa0"),
        ("a & b", "a & b"),
        ("a&amp;b", "a&b"),
        ("\x0b", "\ufffd"),
        ("微信", "微信"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_texts_of_all_kinds_survive(written: str, text: str) -> None:
    assert parse(f'<hierarchy><node text="{written}"/></hierarchy>').nodes[0].text == text


@pytest.mark.parametrize(
    ("document", "defect"),
    [
        ("", Defect.EMPTY),
        (" \r\n", Defect.EMPTY),
        (b"", Defect.EMPTY),
        ("ERROR: could not get idle state.", Defect.NOT_IDLE),
        ("ERROR: null root node returned by UiTestAutomationBridge.", Defect.NO_ROOT),
        ("Killed", Defect.MALFORMED),
        ("<html><body/></html>", Defect.MALFORMED),
        (f"<hierarchy>{NODE}", Defect.TRUNCATED),
        ('<hierarchy><node text="a', Defect.TRUNCATED),
        ("<hierarchy", Defect.TRUNCATED),
        ("<?xml version='1.0' ?>", Defect.TRUNCATED),
        ("<node><node/>", Defect.TRUNCATED),
        ("<hierarchy><node></hierarchy>", Defect.TRUNCATED),
        ('<hierarchy><node a="1" a="2"/></hierarchy>', Defect.MALFORMED),
        (
            '<?xml version="1.0"?><!DOCTYPE h [<!ENTITY a "b">]><hierarchy><node text="&a;"/></hierarchy>',
            Defect.FORBIDDEN,
        ),
        ("<hierarchy>" + "<node>" * 230 + "</node>" * 230 + "</hierarchy>", Defect.TOO_DEEP),
        ("<hierarchy>" + "<node>" * 3000 + "</node>" * 3000 + "</hierarchy>", Defect.TOO_DEEP),
        ("<hierarchy>" + "<node/>" * 20_001 + "</hierarchy>", Defect.TOO_MANY_NODES),
        ("x" * (8 * 1024 * 1024 + 1), Defect.TOO_LARGE),
        ("<AppiumAUT><XCUIElementTypeApplication/></AppiumAUT>", Defect.NOT_ANDROID),
        ("<XCUIElementTypeApplication/>", Defect.NOT_ANDROID),
        ("<hierarchy><XCUIElementTypeWindow/></hierarchy>", Defect.NOT_ANDROID),
    ],
)
def test_what_is_no_whole_hierarchy_is_refused_with_its_defect(document: str | bytes, defect: Defect) -> None:
    with pytest.raises(HierarchyError) as refused:
        parse(document)
    assert refused.value.defect is defect, str(refused.value)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2_000_000), st.binary(max_size=8))
def test_a_dump_that_is_cut_or_hit_anywhere_is_read_or_refused_but_never_crashes(at: int, noise: bytes) -> None:
    whole = to_xml(_a_tree()).encode()
    for damaged in (whole[: at % len(whole)], whole[: at % len(whole)] + noise + whole[at % len(whole) :]):
        with suppress(HierarchyError):
            parse(damaged)


def test_every_strict_prefix_of_a_document_is_refused() -> None:
    whole = to_xml(_a_tree())
    for length in range(0, len(whole) - len("</hierarchy>"), 7):
        with pytest.raises(HierarchyError) as refused:
            parse(whole[:length])
        assert refused.value.is_transient or refused.value.defect is Defect.MALFORMED


def _a_tree() -> Tree:
    inner = "".join(f'<node index="{i}" text="row {i} &lt;" bounds="[0,{i}][5,{i + 1}]"/>' for i in range(6))
    return parse(
        f'<hierarchy rotation="3"><node class="a.B" clickable="true">{inner}</node><node text="w2"/></hierarchy>'
    )


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(texts, texts, st.booleans(), st.integers(-50, 50)), max_size=12), st.randoms())
def test_what_is_written_is_read_back(rows: list, random: object) -> None:
    views = [{"class": "top", "children": list(range(1, len(rows) + 1)), "bounds": [[0, 0], [9, 9]]}]
    views += [
        {
            "text": text,
            "content_description": desc,
            "clickable": flag,
            "bounds": [[at, at], [at + 5, at - 5]],
            "visible": flag,
        }
        for text, desc, flag, at in rows
    ]
    tree = from_droidbot(views)
    assert content(parse(to_xml(tree))) == content(tree)


def test_recorded_hierarchies_survive_writing_and_reading() -> None:
    for dump in corpus.dumps():
        assert content(parse(to_xml(dump.tree))) == content(dump.tree), dump.name


def test_every_android_dump_of_the_corpus_parses_with_a_sane_tree() -> None:
    assert len(corpus.dumps()) >= 140
    for dump in corpus.dumps():
        for node in dump.tree:
            assert node.end > node.position
            assert [child.parent for child in node.children] == [node.position] * len(node.children)
            assert all(node in dump.tree.descendants(above) for above in dump.tree.ancestors(node))


def test_droidbot_leaves_out_invisible_views_with_all_below_when_asked() -> None:
    views = [
        {"class": "a", "children": [1, 3]},
        {"class": "b", "visible": False, "children": [2]},
        {"class": "c"},
        {"class": "d", "visible": True},
    ]
    assert [n.class_name for n in from_droidbot(views)] == ["a", "b", "c", "d"]
    assert [n.class_name for n in from_droidbot(views, only_visible=True)] == ["a", "d"]


@pytest.mark.parametrize("children", [[0], [5], ["x"], [1, 1]])
def test_droidbot_views_with_impossible_children_are_refused(children: list) -> None:
    with pytest.raises(HierarchyError, match="impossible child"):
        from_droidbot([{"children": children}, {}])


def test_appium_json_is_put_in_order_by_index() -> None:
    source = json.loads(
        '{"hierarchy": {"@rotation": "0", "a.A": {"@index": "0", "a.B": [{"@index": "0", "@text": '
        '"one"}, {"@index": "2", "@text": "three"}], "a.C": {"@index": "1", "@text": "two"}}}}'
    )
    assert [node.text for node in from_appium(source)] == ["", "one", "two", "three"]


@pytest.mark.parametrize(("source", "said"), [({"AppiumAUT": {}}, "iOS"), ({"x": 1}, "no `hierarchy`")])
def test_other_json_is_refused(source: dict, said: str) -> None:
    with pytest.raises(HierarchyError, match=said):
        from_appium(source)


def test_ios_sources_of_the_corpus_are_refused_as_ios() -> None:
    refused = 0
    for path in sorted(corpus.root().rglob("view_tree.json")):
        source = json.loads(path.read_text())
        if "AppiumAUT" in source:
            refused += 1
            with pytest.raises(HierarchyError, match="iOS"):
                from_appium(source)
    assert refused == 17


@pytest.mark.parametrize(
    ("text", "rect"),
    [
        ("[0,1][2,3]", Rect(0, 1, 2, 3)),
        ("[-5,-6][7,8]", Rect(-5, -6, 7, 8)),
        ("", EMPTY),
        ("[1,2]", EMPTY),
        ("x", EMPTY),
    ],
)
def test_bounds_are_read_or_empty(text: str, rect: Rect) -> None:
    assert parse_bounds(text) == rect


def test_rectangles_that_are_wrong_have_no_area_and_no_part_on_the_screen() -> None:
    screen = Rect(0, 0, 100, 100)
    for wrong in (Rect(50, 50, 10, 10), Rect(5, 5, 5, 90), Rect(200, 0, 300, 50), EMPTY):
        assert wrong.clipped(screen).area == 0
        assert wrong.to_bounds().width >= 0
    assert Rect(-10, 90, 50, 200).clipped(screen) == Rect(0, 90, 50, 100)
