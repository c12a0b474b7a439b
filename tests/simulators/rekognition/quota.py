"""How many calls a second are allowed: a token bucket, and a rule against sudden increases."""

from __future__ import annotations

from collections import deque

BINS_A_SECOND = 10
SECONDS_BEFORE = 3
ALWAYS = 10
"""Calls in a second that are no sudden increase, whatever came before."""


class TokenBucket:
    """One token a call; *rate* tokens a second flow in, up to *depth* seconds' worth. It starts full.

    *allowed* is how many have flowed in so far, whether or not there was room: what the quota would have allowed
    between two instants, to somebody who comes in time.
    """

    def __init__(self, rate: float, depth: float, now: float) -> None:
        self._rate, self._room, self._level, self._then = rate, _room(rate, depth), _room(rate, depth), now
        self.allowed = 0.0

    def change(self, rate: float, depth: float, now: float) -> None:
        self.flow(now)
        self._rate, self._room = rate, _room(rate, depth)

    def flow(self, now: float) -> float:
        """Let in what is due; return how many tokens are there."""
        due = self._rate * (now - self._then)
        self.allowed += due
        self._level, self._then = min(self._room, self._level + due), now
        return self._level

    def take(self, now: float) -> bool:
        if self.flow(now) < 1:
            return False
        self._level -= 1
        return True


def _room(rate: float, depth: float) -> float:
    return max(1.0, rate * depth)


class Ramp:
    """Refuses a call when the second that ends with it had more than a multiple of what a second had before, plus 10.

    AWS documents the error and no numbers; these are a guess.
    """

    def __init__(self) -> None:
        bins = BINS_A_SECOND * (1 + SECONDS_BEFORE)
        self._bins = deque([0] * bins, bins)
        self._newest = 0

    def allows(self, multiple: float, now: float) -> bool:
        self._move(now)
        bins = list(self._bins)
        before = sum(bins[:-BINS_A_SECOND]) / SECONDS_BEFORE
        return sum(bins[-BINS_A_SECOND:]) < multiple * before + ALWAYS

    def count(self, now: float) -> None:
        """Note a call that was let in."""
        self._move(now)
        self._bins[-1] += 1

    def _move(self, now: float) -> None:
        newest = int(now * BINS_A_SECOND)
        self._bins.extend([0] * min(newest - self._newest, len(self._bins)))
        self._newest = newest
