from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.pace import BURST, LOOK_AGAIN, Pace
from labelplan.errors import AnswersPending
from tests.detect.quota_world import User, World

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds
        self.meanwhile()


def paced(quota: float) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(quota, clock=clock, wait=clock.wait), clock


def test_the_first_turn_comes_at_once_and_the_next_when_the_rate_allows() -> None:
    pace, clock = paced(50)
    assert pace.acquire() == 1000
    assert clock.waited == []
    assert pace.acquire() == pytest.approx(1000.5, abs=0.05)


@pytest.mark.parametrize("quota", [5, 50, 200])
def test_a_minute_after_the_ramp_uses_99_9_percent_of_the_quota(quota: float) -> None:
    pace, clock = paced(quota)
    times = []
    while clock.now < 1080:
        times.append(pace.acquire())
    assert 0.997 * quota * 60 <= sum(1020 <= at < 1080 for at in times) <= quota * 60


@given(
    st.floats(0.5, 500),
    st.lists(st.tuples(st.floats(0, 0.3), st.booleans(), st.booleans()), max_size=150),
)
def test_no_stretch_of_time_has_more_turns_than_the_quota_and_one_burst(
    quota: float, steps: list[tuple[float, bool, bool]]
) -> None:
    pace, clock = paced(quota)
    times: list[float] = []
    for passed, throttled, sudden in steps:
        clock.now += passed
        times.append(pace.acquire())
        if throttled:
            pace.throttle(times[-1], sudden=sudden)
    for first in range(0, len(times), 7):
        for last in range(first, len(times), 5):
            assert last - first + 1 <= quota * (times[last] - times[first]) + 1 + BURST * quota + 1e-6


def test_who_waits_sees_a_slower_rate_at_once() -> None:
    pace, clock = paced(5)
    while clock.now < 1060:
        last = pace.acquire()
    clock.meanwhile = lambda: pace.throttle(clock.now, sudden=True) if len(clock.waited) == seen + 1 else None
    seen = len(clock.waited)
    assert pace.acquire() - last > 0.2  # 0.2 s after it, had it kept what it computed
    assert max(clock.waited[seen:]) <= LOOK_AGAIN


def test_a_throttle_takes_effect_before_anybody_looks_again() -> None:
    pace, clock = paced(50)
    pace.throttle(pace.acquire(), sudden=True)
    clock.now += 0.4
    assert pace.acquire() > 1000.9


def test_after_a_rest_the_first_calls_are_few() -> None:
    pace, clock = paced(100)
    while clock.now < 1060:
        pace.acquire()
    clock.now += 60
    begun = clock.now
    turns = 0
    while pace.acquire() < begun + 1:
        turns += 1
    assert turns < 40


def test_what_was_throttled_is_counted_and_the_rate_is_told() -> None:
    pace, _clock = paced(50)
    assert (pace.rate, pace.throttled) == (2, 0)
    sent = pace.acquire()
    pace.throttle(sent, sudden=True)
    assert (pace.rate, pace.throttled) == (1, 1)


def test_stopping_wakes_all_who_wait_and_refuses_all_who_come() -> None:
    pace = Pace(0.01)
    pace.acquire()
    ready = threading.Barrier(17)

    def one(number: int) -> str:
        ready.wait(30)
        try:
            if number % 2:
                pace.acquire()
            pace.pause(600)
        except AnswersPending:
            return "pending"
        return "a turn"

    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(one, number) for number in range(16)]
        ready.wait(30)
        begun = time.monotonic()
        pace.stop()
        assert {one.result(30) for one in waiting} == {"pending"}
    assert time.monotonic() - begun < 10
    with pytest.raises(AnswersPending):
        pace.acquire()


def test_many_threads_on_a_real_clock_share_one_bucket() -> None:
    pace = Pace(1000)
    with ThreadPoolExecutor(32) as pool:
        times = sorted(pool.map(lambda _number: pace.acquire(), range(200)))
    assert 1000 * (times[-1] - times[0]) + 1 + BURST * 1000 >= 200


@pytest.mark.parametrize("tps", [5, 50, 200])
def test_alone_on_a_quota_it_uses_99_percent_and_is_never_throttled(tps: float) -> None:
    user = User(tps)
    World(tps, user).run(70)
    assert user.throttled == []
    assert user.between(10, 70) >= 0.99 * tps * 60


@pytest.mark.parametrize("tps", [50, 200])
def test_a_shallow_bucket_is_no_trouble(tps: float) -> None:
    user = User(tps)
    World(tps, user, deep=0.15).run(70)
    assert len(user.throttled) < 0.001 * len(user.answered)
    assert user.between(15, 70) >= 0.99 * tps * 55


@pytest.mark.parametrize("tps", [5, 50, 200])
def test_throttles_for_no_reason_cost_little(tps: float) -> None:
    user = User(tps)
    World(tps, user, odd=0.001).run(120)
    assert user.between(20, 120) >= 0.95 * tps * 100


@pytest.mark.parametrize(("tps", "times"), [(5, 2), (50, 2), (200, 2), (5, 10), (50, 10), (50, 1.05)])
def test_a_quota_that_is_lower_than_believed_is_found(tps: float, times: float) -> None:
    user = User(tps * times)
    World(tps, user).run(120)
    assert user.between(20, 120) >= 0.96 * tps * 100
    assert len(user.throttled) <= (0.15 if times > 2 else 0.08) * len(user.answered)


@pytest.mark.parametrize("late", [0, 20])
@pytest.mark.parametrize("tps", [5, 50, 200])
def test_two_on_one_quota_come_to_fair_shares_and_leave_nothing_unused(tps: float, late: float) -> None:
    shares = []
    for seed in range(4):
        users = User(tps), User(tps, starts=late)
        World(tps, *users, seed=seed).run(late + 80)
        got = [user.between(late + 20, late + 80) for user in users]
        assert sum(got) >= 0.96 * tps * 60
        shares.append(max(got) / sum(got))
    assert sum(shares) / len(shares) < 0.6
    assert max(shares) < 0.7


def test_four_on_one_quota_all_get_on() -> None:
    users = [User(50) for _ in range(4)]
    World(50, *users).run(100)
    got = [user.between(20, 100) for user in users]
    assert sum(got) >= 0.97 * 50 * 80
    assert min(got) > 0.15 * sum(got)


def test_when_the_other_has_left_the_whole_quota_is_used_again() -> None:
    stays = User(50)
    World(50, stays, User(50, leaves=40)).run(120)
    assert stays.between(90, 120) >= 0.98 * 50 * 30
