"""Tags that are configured at the agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_agent.phone_tags import parse_phone_tags


def test_tags_are_for_all_phones_and_those_of_one_go_before():
    tags = parse_phone_tags("pool=checkout, Rack=3,R5CR30:rack=4,192.168.1.5:5555:pool=网络, ")
    assert tags.of("other") == {"pool": "checkout", "rack": "3"}
    assert tags.of("R5CR30") == {"pool": "checkout", "rack": "4"}
    assert tags.of("192.168.1.5:5555") == {"pool": "网络", "rack": "3"}
    assert parse_phone_tags("").of("x") == {}


@pytest.mark.parametrize("text", ["pool", "pool=", "=x", "R5CR30:=x", "a b=c", "api=35", "R5CR30:model=x"])
def test_a_wrong_tag_says_what_to_write(text: str):
    with pytest.raises(ValueError, match=r"WAYMARK_PHONE_TAGS: .*(write it as in pool=checkout|cannot be configured)"):
        parse_phone_tags(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str):
    try:
        read = parse_phone_tags(text).of("x")
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = "WAYMARK_PHONE_TAGS"
        assert all(tag and value for tag, value in read.items())
    assert refusal.startswith("WAYMARK_PHONE_TAGS")
