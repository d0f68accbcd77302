"""Selectors: what they say is what is meant, whatever is written; a wrong one says what to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.values import Selector, SelectorText, parse_selector, unmet

PIXEL = {
    "model": "Pixel 7 Pro", "serial": "R5CR30", "api": "33", "os": "13", "manufacturer": "Google", "abi": "arm64-v8a",
    "type": "real", "resolution": "1080x2400", "pool": "结账",
}  # fmt: skip
TAGS = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}", fullmatch=True)
OPERATORS = st.sampled_from(["=", "!=", ">=", "<=", ">", "<"])
VERSIONS = st.lists(st.integers(0, 10**9), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
VALUES = st.text(min_size=1, max_size=20).filter(lambda v: v.strip() == v and v[0] not in "=<>!" and "\n" not in v)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("model=Pixel*", True), ("model=pixel 7*", True), ("model=*7*", True), ("model=Pixel", False),
        ("model!=Pixel*", False), ("model!=Redmi*", True), ("api>=33", True), ("api>33", False), ("api<33", False),
        ("api<=33.0", True), ("os=13.0", True), ("os>=9", True), ("os<8.1", False), ("os=13*", True),
        ("pool=结账", True), ("rack=3", False), ("rack!=3", True), ("rack>=3", False), ("abi>=7", False),
        ("type=REAL", True), ("resolution=1080x*", True), (" api >= 33 ", True), ("serial=R5CR3?", False),
    ],
)  # fmt: skip
def test_a_selector_is_met_by_the_phones_that_it_means(text: str, met: bool) -> None:
    assert parse_selector(text).matches(PIXEL) is met


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write a tag, one of"),
        ("pixel", "write a tag, one of"),
        ("=33", "write a tag, one of"),
        ("api=", "write a tag, one of"),
        ("api=>33", "=> is no operator"),
        ("api==33", "== is no operator"),
        ("model>=Pixel", "write model=Pixel or model!=Pixel"),
        ("api>=3*", ">= compares numbers and versions"),
        ("3api=1", "write a tag, one of"),
    ],
)
def test_a_wrong_selector_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"is not a selector|is no operator|compares numbers") as refused:
        parse_selector(text)
    assert says in str(refused.value)
    with pytest.raises(ValidationError):
        TypeAdapter(SelectorText).validate_python(text)


@given(TAGS, OPERATORS, VERSIONS, VALUES)
def test_what_is_written_is_read_and_written_the_same(tag: str, operator: str, version: str, value: str) -> None:
    text = f"{tag} {operator}  {version if operator in {'>=', '<=', '>', '<'} else value}"
    selector = parse_selector(text)
    assert (selector.tag, selector.operator) == (tag, operator)
    assert parse_selector(str(selector)) == selector


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_refused_in_words(text: str) -> None:
    try:
        selector = parse_selector(text)
    except ValueError as refused:
        said = str(refused)
    else:
        said = repr(text)
        selector.matches(PIXEL)
    assert repr(text) in said


@given(VERSIONS, VERSIONS)
def test_versions_have_one_order(one: str, other: str) -> None:
    def holds(operator: str) -> bool:
        return Selector(tag="os", operator=operator, value=other).matches({"os": one})

    assert [holds("<"), holds("="), holds(">")].count(True) == 1
    assert holds("<=") == (holds("<") or holds("="))
    assert holds(">=") == (holds(">") or holds("="))
    assert holds("!=") == (not holds("="))
    parts, others = ([int(part) for part in text.split(".")] for text in (one, other))
    longest = max(len(parts), len(others))
    padded = [part + [0] * (longest - len(part)) for part in (parts, others)]
    assert holds("<") == (padded[0] < padded[1])


@given(VALUES.filter(lambda v: "*" not in v), st.text(max_size=5).filter(lambda v: "*" not in v))
def test_a_wildcard_stands_for_anything(value: str, more: str) -> None:
    assert Selector(tag="model", operator="=", value=f"{value}*").matches({"model": value + more})
    assert Selector(tag="model", operator="=", value=f"*{value}").matches({"model": more + value})


def test_those_that_are_not_met_are_named() -> None:
    assert unmet(("api>=33", "pool=lab", "model=Redmi*"), PIXEL) == ["pool=lab", "model=Redmi*"]
