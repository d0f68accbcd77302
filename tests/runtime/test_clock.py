"""Ids sort by their time."""

from __future__ import annotations

from datetime import UTC
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from services.runtime.clock import SystemClock, uuid7

times = st.integers(0, (1 << 48) - 1)
entropy = st.binary(min_size=10, max_size=10)


@given(times, entropy)
def test_an_id_is_of_version_7_and_begins_with_its_time(unix_ms: int, random_bytes: bytes) -> None:
    made = uuid7(unix_ms, random_bytes)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == unix_ms


@given(times, times, entropy, entropy)
def test_ids_sort_by_time(one_ms: int, other_ms: int, one: bytes, other: bytes) -> None:
    if one_ms < other_ms:
        assert uuid7(one_ms, one) < uuid7(other_ms, other)


@given(times, entropy, entropy)
def test_other_randomness_is_another_id(unix_ms: int, one: bytes, other: bytes) -> None:
    """Four of the eighty bits make room for the version, two for the variant."""
    free = ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62)
    same = int.from_bytes(one, "big") & free == int.from_bytes(other, "big") & free
    assert (uuid7(unix_ms, one) == uuid7(unix_ms, other)) == same


def test_the_systems_clock_has_a_zone_and_new_ids() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    ids = [clock.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [made.int >> 80 for made in ids] == sorted(made.int >> 80 for made in ids)
