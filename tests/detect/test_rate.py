from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.rate import EASE, KNEE, LEAST, RAMP, TOP, Rate

QUOTAS = st.floats(0.2, 5000)


def settled(quota: float) -> Rate:
    rate = Rate(quota)
    rate.at(0)
    return rate


def throttled_twice(rate: Rate, now: float, *, sudden: bool = False) -> None:
    """One alone says nothing, so let there be two."""
    rate.throttle(now, now - 0.02, sudden=sudden)
    rate.throttle(now, now - 0.01, sudden=sudden)


@pytest.mark.parametrize(("quota", "start"), [(1000, 10), (200, 8), (50, 2), (5, 1), (0.5, 0.475)])
def test_it_starts_with_few_calls_a_second_and_at_least_one(quota: float, start: float) -> None:
    assert Rate(quota).at(1234.5) == pytest.approx(start)


@pytest.mark.parametrize("quota", [5, 50, 200])
def test_it_is_at_95_percent_after_ten_seconds_and_at_99_9_percent_ten_later(quota: float) -> None:
    rate = settled(quota)
    assert rate.at(RAMP) == pytest.approx(KNEE * quota)
    assert rate.at(RAMP + 5) > 0.99 * quota
    assert 0.999 * quota < rate.at(RAMP + 12) < TOP * quota
    assert rate.at(1e9) == pytest.approx(TOP * quota)


@pytest.mark.parametrize("quota", [5, 50, 200, 5000])
def test_no_second_of_the_ramp_asks_for_half_as_much_again(quota: float) -> None:
    rate = settled(quota)
    assert all(rate.at(second + 1) < 1.45 * rate.at(second) for second in range(60))


def test_throttles_take_it_down_and_it_comes_back_quickly_to_just_below_and_then_slowly() -> None:
    rate = settled(100)
    before = rate.at(60)
    throttled_twice(rate, 60)
    assert rate.at(60) == pytest.approx(EASE * before, rel=1e-3)
    assert rate.at(61) > 0.86 * before
    assert rate.at(63) == pytest.approx(0.9 * before, rel=1e-3)
    assert rate.at(64) - rate.at(63) == pytest.approx(2)
    assert rate.at(120) == pytest.approx(TOP * 100)


def test_a_throttle_that_stands_alone_changes_nothing() -> None:
    rate = settled(100)
    rate.at(60)
    for second in range(60, 120):
        rate.throttle(second, second, sudden=False)
    assert rate.at(120) == pytest.approx(TOP * 100)


def test_throttles_of_one_moment_are_one_step() -> None:
    rate = settled(100)
    for hundredth in range(40):
        rate.throttle(60 + hundredth / 100, 60 + hundredth / 100, sudden=False)
    assert rate.at(60.4) > 0.79 * 100


def test_what_was_sent_before_the_step_is_no_reason_for_another() -> None:
    rate = settled(100)
    throttled_twice(rate, 60)
    before = rate.at(62)
    rate.throttle(62, 59.9, sudden=False)
    rate.throttle(62, 59.95, sudden=False)
    assert rate.at(62) == before


def test_who_is_throttled_at_less_than_before_leaves_room_for_others() -> None:
    rate = settled(100)
    throttled_twice(rate, 60)
    throttled_twice(rate, 62)
    second = rate.at(62)
    assert rate.at(65) == pytest.approx(0.9 * 0.9 * second / EASE, rel=1e-2)


def test_slow_down_halves_it_at_once_and_it_grows_half_as_fast_from_there() -> None:
    rate = settled(100)
    growth = math.log(rate.at(4) / rate.at(3))
    before = rate.at(6)
    rate.throttle(6, 6, sudden=True)
    assert rate.at(6) == pytest.approx(before / 2)
    assert math.log(rate.at(8) / rate.at(7)) == pytest.approx(growth / 2)


def test_however_often_it_is_told_to_slow_down_it_is_back_at_the_quota_within_two_minutes() -> None:
    rate = settled(100)
    for second in range(60, 75):
        rate.throttle(second, second, sudden=True)
    assert rate.at(75) < 1
    assert rate.at(75 + 120) > 95


def test_a_rest_begins_a_ramp_again() -> None:
    rate = settled(100)
    rate.at(60)
    rate.rest(100)
    assert rate.at(100) == pytest.approx(4)
    assert rate.at(100 + RAMP) == pytest.approx(95)


def test_a_rest_never_speeds_it_up() -> None:
    rate = settled(100)
    for second in range(60, 160, 2):
        throttled_twice(rate, second)
    slow = rate.at(160)
    assert slow < 4
    rate.rest(160)
    assert rate.at(160) == slow


EVENTS = st.lists(st.tuples(st.floats(0.001, 30), st.booleans(), st.floats(0, 3)), max_size=30)


@given(QUOTAS, EVENTS)
def test_whatever_happens_it_stays_below_the_quota_and_falls_only_by_a_throttle(
    quota: float, events: list[tuple[float, bool, float]]
) -> None:
    rate, now = settled(quota), 0.0
    for passed, sudden, ago in events:
        before = rate.at(now)
        now += passed
        assert before <= rate.at(now) * (1 + 1e-9)
        rate.throttle(now, now - ago, sudden=sudden)
        assert min(LEAST, KNEE * quota) * 0.999 <= rate.at(now) < quota


@given(QUOTAS, EVENTS)
def test_whatever_happens_it_finds_back(quota: float, events: list[tuple[float, bool, float]]) -> None:
    rate, now = settled(quota), 0.0
    for passed, sudden, ago in events:
        now += passed
        rate.throttle(now, now - ago, sudden=sudden)
    assert math.isclose(rate.at(now + 200), TOP * quota, rel_tol=1e-3)


@pytest.mark.parametrize("quota", [0.5, 5, 50, 200, 500])
@pytest.mark.parametrize("seconds", [1, 5, 60, 600])
def test_the_time_that_calls_take_is_what_the_rate_gives(quota: float, seconds: int) -> None:
    rate, step = Rate(quota), 0.01
    calls = sum(rate.at(n * step) * step for n in range(int(seconds / step)))
    assert Rate(quota).takes(round(calls)) == pytest.approx(seconds, rel=0.03, abs=max(0.3, 1.5 / quota))
