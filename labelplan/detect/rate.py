"""How many calls a second are allowed just now: a law of time and of throttles, without a clock or a thread.

It starts low and grows to the quota by an even part of itself, since Rekognition answers a sudden increase with "Slow
down". A throttle takes it down by a part of itself; it returns quickly to just below where it was throttled, and from
there by a fixed step a second. Additive increase and multiplicative decrease let several users of one quota find fair
shares (Chiu and Jain, 1989); the quick return is TCP CUBIC's (RFC 9438). The numbers are the best of a simulated
comparison of two on one quota of 5, 50 or 200 calls a second. Turns are taken in `pace.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

START, LEAST_START, MOST_START = 0.04, 1.0, 10.0
"""Part of the quota to start with; at least and at most so many calls a second."""

RAMP = 10.0
"""Seconds from the start to `KNEE`; more if the rate would grow faster than `MOST_GROWTH`."""

MOST_GROWTH, LEAST_GROWTH = 0.35, 0.08
"""Part of the rate by which a ramp grows in a second (its logarithm's slope), the least after "Slow down"s."""

KNEE, TOP = 0.95, 0.9995
"""Parts of the quota: where the ramp ends, and what the climb after it comes to. Not all of it: clocks differ."""

CLIMB = 2.5
"""Seconds in which the rest of the way from `KNEE` to `TOP` shrinks to a third (1/e)."""

EASE = 0.8
"""What a throttle leaves of the rate."""

RETURN, RETURN_TO = 3.0, 0.9
"""Seconds until the rate is back at so much of where it was throttled."""

STEP = 0.02
"""Part of the quota by which the rate grows in a second from there."""

SUDDEN = 0.5
"""What "Slow down" leaves of the rate, and of the growth from there."""

APART = 0.5
"""Seconds between two steps down: throttles of one moment are one sign."""

FEW = 50
"""Calls: a throttle that stands alone among so many says little, and changes nothing."""

LEAST = 0.1
"""Calls a second below which no throttle takes the rate."""


class Rate:
    """The rate allowed at a time, in calls a second: always below *quota*, and falling only by a throttle or a rest."""

    def __init__(self, quota: float) -> None:
        """Begin the first ramp with the first `at`."""
        self._quota = quota
        self._start = self.first = min(max(LEAST_START, START * quota), MOST_START, KNEE * quota)
        self._growth = min(math.log(KNEE * quota / self._start) / RAMP, MOST_GROWTH)
        self._curve = self._ramp(self._start)
        self._since: float | None = None
        self._lowered = self._last_throttle = -math.inf
        self._throttled_rate = 0.0

    def at(self, now: float) -> float:
        """Return the rate at *now*, in seconds of any clock; a time before the last change counts as that change's."""
        if self._since is None:
            self._since = now
        return min(self._curve(max(0.0, now - self._since)), TOP * self._quota)

    def takes(self, calls: int) -> float:
        """Return the seconds that so many calls take from the start of a ramp, if none is throttled."""
        knee = KNEE * self._quota
        if self._start >= knee:  # so slow a quota is never too sudden
            return calls / self._quota
        in_ramp = (knee - self._start) / self._growth
        if calls < in_ramp:
            return math.log1p(calls * self._growth / self._start) / self._growth
        return math.log(knee / self._start) / self._growth + (calls - in_ramp) / self._quota

    def rest(self, now: float) -> None:
        """Hear that nothing was sent for long: the next calls would be a sudden increase, so begin a ramp."""
        if self.at(now) > self._start:
            self._change(now, self._ramp(self._start))

    def throttle(self, now: float, sent: float, *, sudden: bool) -> None:
        """Hear at *now* that a call sent at *sent* was throttled; *sudden*: because the rate rose too fast.

        What was sent before the last step down says nothing about the rate since.
        """
        lone = sent - self._last_throttle > FEW / self.at(now)
        self._last_throttle = max(sent, self._last_throttle)
        if (lone and not sudden) or sent < self._lowered or now - self._lowered < APART:
            return
        rate = self.at(sent)
        if sudden:
            self._growth = max(self._growth * SUDDEN, LEAST_GROWTH)
            curve = self._ramp(max(rate * SUDDEN, LEAST))
        else:
            # Throttled at less than last time: somebody else wants a share, so make room (CUBIC's fast convergence).
            goal = rate if rate >= self._throttled_rate else rate * (1 + EASE) / 2
            curve = self._way_back(max(rate * EASE, LEAST), goal)
            self._throttled_rate = rate
        self._lowered = now
        self._change(now, curve)

    def _change(self, now: float, curve: Callable[[float], float]) -> None:
        self._since, self._curve = now, curve

    def _ramp(self, start: float) -> Callable[[float], float]:
        """Grow from *start* to the knee by an even part of itself, then towards the top, ever more slowly."""
        growth, knee, top = self._growth, max(KNEE * self._quota, start), TOP * self._quota
        lasts = math.log(knee / start) / growth if knee > start else 0.0

        def rate(seconds: float) -> float:
            if seconds < lasts:
                return start * math.exp(growth * seconds)
            return top - (top - knee) * math.exp((lasts - seconds) / CLIMB)

        return rate

    def _way_back(self, start: float, goal: float) -> Callable[[float], float]:
        """Grow quickly from *start* to just below *goal*, then on by even steps."""
        near, step = max(RETURN_TO * goal, start), STEP * self._quota

        def rate(seconds: float) -> float:
            if seconds < RETURN:
                return near - (near - start) * (1 - seconds / RETURN) ** 3
            return near + step * (seconds - RETURN)

        return rate
