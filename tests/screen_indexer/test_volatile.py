"""Texts that change by themselves get one face, texts that a person changed do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hierarchy.volatile import MAX_CHARS, is_volatile, steady


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12:59", "9:41 AM"),
        ("15:55:01", "15:55:02"),
        ("上午9:41", "下午10:05"),
        ("9时41分", "12时05分"),
        ("2017-08-11", "2024-12-31"),
        ("8/11/2017", "12/1/2018"),
        ("Fri, Aug 11", "Sat, Sep 2"),
        ("11 Aug 2017", "2 May 2020"),
        ("2024年8月2日 星期五", "2024年10月12日 星期一"),
        ("8月2日", "12月30日"),
        ("Updated 8/11/2017  13:53", "Updated 1/2/2018 09:00"),
        ("5 minutes ago", "2 hours ago"),
        ("3分钟前", "12小时前"),
        ("just now", "5 min ago"),
        ("45%", "7.5 %"),
        ("-312 mA", "-7 mA"),
        ("21.4 °C", "9 °C"),
        ("432 Reviews", "1,290 Reviews"),
        ("$12.99", "$1,003.00"),
        ("¥99", "¥1280"),
        ("99+", "3"),
        ("粉丝 119.0W", "粉丝 12.3W"),
        ("1.2k likes", "13 likes"),
        ("关注 4981", "关注 12"),
        ("12 / 181", "13 / 181"),
        ("3/9", "4/9"),
        ("page 2 of 7", "page 3 of 7"),
        ("PM", "AM"),
        ("  a \u200f b", "a b"),
    ],
)
def test_two_moments_of_one_text_are_the_same(one: str, other: str) -> None:
    assert steady(one) == steady(other)
    assert one.strip() == "a \u200f b" or is_volatile(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0/9", "1/9"),
        ("8/9", "9/9"),
        ("Finish(0 / 9)", "Finish(1 / 9)"),
        ("Cart (0)", "Cart (2)"),
        ("On", "Off"),
        ("0 items", "3 items"),
        ("Log in", "Log out"),
        ("登录", "注册"),
        ("Today", "Yesterday"),
        ("Mon", "Tue"),
    ],
)
def test_what_a_person_did_stays_visible(one: str, other: str) -> None:
    assert steady(one) != steady(other)


@pytest.mark.parametrize(
    "text", ["Log in", "登录", "Settings", "MP3 player", "Wi-Fi", "May", "Step two", "H264", "我的"]
)
def test_plain_labels_stay_as_they_are(text: str) -> None:
    assert steady(text) == text
    assert not is_volatile(text)


def test_a_label_with_a_number_inside_may_still_be_used_as_a_locator() -> None:
    assert not is_volatile("Top 10 songs of the week")
    assert is_volatile("(181) All Image") or steady("(181) All Image") == "(#) All Image"


@given(st.text(max_size=700))
def test_any_text_is_steadied_within_bounds_and_once_is_enough_for_its_length(text: str) -> None:
    assert len(steady(text)) <= MAX_CHARS * 8
    assert steady(text) == steady(text + "   ")


@given(
    st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.sampled_from(["{}", "Now {}", "现在 {}", "{} left"])
)
def test_a_clock_never_makes_a_new_text(hour: int, minute: int, second: int, around: str) -> None:
    assert steady(around.format(f"{hour:02}:{minute:02}:{second:02}")) == steady(around.format("00:00:00"))
