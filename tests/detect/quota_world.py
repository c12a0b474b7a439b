"""One quota at a service and several that use it, on a simulated clock: no thread, no wire, seconds pass at once.

It simulates a token bucket (one second deep unless told), the way to it (up to 10 ms) and the time until a throttle is
heard of (lognormal, median 250 ms). It does not simulate the ramp rule, errors, nor a client that is short of threads.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from labelplan.detect.pace import LOOK_AGAIN, Pace

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class User:
    """One process; *believes* is the quota that it was told. *answered*: when each call was let through."""

    believes: float
    starts: float = 0.0
    leaves: float = math.inf
    answered: list[float] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at in self.answered)


class World:
    """Runs *users* against a quota of *tps*, for so many seconds."""

    def __init__(self, tps: float, *users: User, deep: float = 1.0, odd: float = 0.0, seed: int = 1) -> None:
        """Throttle a part *odd* of the calls for no reason."""
        self.now = 0.0
        self._tps, self._deep, self._odd = tps, tps * deep, odd
        self._tokens, self._filled = self._deep, 0.0
        self._random = random.Random(seed)  # noqa: S311 - a simulation that comes out the same again
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self.paces = [Pace(user.believes, clock=lambda: self.now) for user in users]
        for user, pace in zip(users, self.paces, strict=True):
            self._at(user.starts, partial(self._turn, user, pace))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self.now = until

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def _turn(self, user: User, pace: Pace) -> None:
        if self.now >= user.leaves:
            return
        seconds = pace._take(self.now)
        late = self._random.uniform(0, 0.001)
        if seconds == 0:
            sent = self.now
            self._at(sent + self._random.uniform(0, 0.01), lambda: self._arrive(user, pace, sent))
            late = 0.0
        self._at(self.now + min(seconds, LOOK_AGAIN) + late, lambda: self._turn(user, pace))

    def _arrive(self, user: User, pace: Pace, sent: float) -> None:
        self._tokens = min(self._tokens + self._tps * (self.now - self._filled), self._deep)
        self._filled = self.now
        if self._tokens >= 1 and self._random.random() >= self._odd:
            self._tokens -= 1
            user.answered.append(self.now)
            return
        user.throttled.append(self.now)
        heard = self._random.lognormvariate(math.log(0.25), 0.4)
        self._at(self.now + heard, lambda: pace.throttle(sent, sudden=False))
