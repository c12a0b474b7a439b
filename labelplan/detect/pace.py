"""Turns under the quota: one token bucket for all threads, filled at the rate that `rate.py` allows just now.

Nobody holds a turn that was computed at an older rate: only the first in the queue waits for the clock, and it looks at
the rate again whenever it wakes. Between processes there is no agreement but the service's throttles.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from labelplan.detect.rate import Rate
from labelplan.errors import AnswersPending

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 0.1
"""Seconds' worth of calls that may catch up with a late thread; the service's own bucket is about one second deep."""

WHOLE = 1 - 1e-6
"""Of a token, what is enough: the rest is owed, and too short to wait for."""

LOOK_AGAIN = 0.25
"""Seconds after which the first in the queue looks at the rate again at the latest."""

REST = 10.0
"""Seconds without a call after which the rate starts from below again."""


class Pace:
    """Gives each call its turn. Of n threads that wait, one watches the clock and the others stand behind it."""

    def __init__(
        self,
        quota: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """Keep to *quota* calls a second. *wait* lets its argument's seconds pass, or fewer once `stop` was called."""
        self._stopped = threading.Event()
        self._clock = clock
        self._wait = wait or self._stopped.wait
        self._turnstile = threading.Lock()
        self._state = threading.Lock()
        self._rate = Rate(quota)
        self._tokens = 1.0
        self._filled: float | None = None
        self._filling = 0.0
        self._throttled = 0

    def acquire(self) -> float:
        """Wait for this thread's turn; return its time, for `throttle`. Raises `AnswersPending` once stopped."""
        with self._turnstile:
            while True:
                self._refuse_if_stopped()
                with self._state:
                    now = self._clock()
                    seconds = self._take(now)
                if not seconds:
                    return now
                self._wait(min(seconds, LOOK_AGAIN))

    def throttle(self, sent: float, *, sudden: bool) -> None:
        """Hear that the call whose turn was at *sent* was throttled; *sudden*: told to slow down its increase."""
        with self._state:
            now = self._clock()
            self._fill(now)
            self._throttled += 1
            self._rate.throttle(now, sent, sudden=sudden)
            self._filling = self._rate.at(now)

    def pause(self, seconds: float) -> None:
        """Let *seconds* pass outside the queue; raises `AnswersPending` once stopped."""
        self._wait(seconds)
        self._refuse_if_stopped()

    def stop(self) -> None:
        """Give no more turns, and wake everyone who waits for one."""
        self._stopped.set()

    @property
    def rate(self) -> float:
        """Calls a second that are allowed just now."""
        with self._state:
            return self._rate.at(self._clock()) if self._filled is not None else self._rate.first

    @property
    def throttled(self) -> int:
        """How many calls were throttled so far."""
        with self._state:
            return self._throttled

    def _take(self, now: float) -> float:
        """Take a token; return 0, or the seconds until there will be one at the present rate."""
        if self._filled is not None and now - self._filled > REST:
            self._rate.rest(now)
        self._fill(now)
        if self._tokens < WHOLE:
            return (1 - self._tokens) / self._filling
        self._tokens -= 1
        return 0.0

    def _fill(self, now: float) -> None:
        # at the rate of the last look: since then it can only have grown, so this never gives too much
        passed = 0.0 if self._filled is None else now - self._filled
        rate = self._rate.at(now)
        self._tokens = min(self._tokens + self._filling * passed, 1 + BURST * rate)
        self._filled, self._filling = now, rate

    def _refuse_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise AnswersPending("labelplan stopped asking before it was this image's turn.")
