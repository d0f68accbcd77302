from __future__ import annotations

import pytest

from tests.bench.own_time import Interval, StepTime, merged, percentile, step_times


def test_waits_inside_a_step_are_taken_out_of_it() -> None:
    waits = [Interval(10.1, 10.3), Interval(10.5, 10.6)]
    assert own([Interval(10, 11)], waits) == [0.7]


def test_round_trips_at_the_same_time_count_once() -> None:
    waits = [Interval(10.1, 10.5), Interval(10.2, 10.3), Interval(10.4, 10.7)]
    assert own([Interval(10, 11)], waits) == [0.4]


def test_a_wait_that_reaches_into_the_next_step_counts_in_both_with_its_part() -> None:
    assert own([Interval(10, 11), Interval(11, 12)], [Interval(10.9, 11.2)]) == [0.9, 0.8]


def test_a_wait_that_lasts_over_whole_steps_leaves_them_nothing() -> None:
    assert own([Interval(10, 11), Interval(11, 12), Interval(12, 13)], [Interval(9, 12.5)]) == [0.0, 0.0, 0.5]


def test_waits_outside_all_steps_take_nothing_and_their_order_does_not_matter() -> None:
    waits = [Interval(20, 21), Interval(10.4, 10.5), Interval(1, 2), Interval(9.5, 10.1)]
    assert own([Interval(10, 11)], waits) == [0.8]


def test_a_step_without_waits_is_all_its_own() -> None:
    assert step_times([Interval(3.0, 3.5)], []) == [StepTime(0.5, 0.5)]


def test_wall_time_keeps_the_waits() -> None:
    assert [step.wall_s for step in step_times([Interval(10, 12)], [Interval(10, 11)])] == [2]


def test_intervals_that_touch_become_one() -> None:
    assert merged([Interval(2, 3), Interval(0, 1), Interval(1, 2), Interval(5, 6)]) == [Interval(0, 3), Interval(5, 6)]


@pytest.mark.parametrize(("percent", "value"), [(50, 3), (95, 5), (100, 5), (1, 1), (40, 2)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, value: float) -> None:
    assert percentile([5, 1, 4, 2, 3], percent) == value


def own(steps: list[Interval], waits: list[Interval]) -> list[float]:
    return [pytest.approx(step.own_s) for step in step_times(steps, waits)]
