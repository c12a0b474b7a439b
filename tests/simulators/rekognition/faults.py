"""Chance: what goes wrong with a call, and how long it takes. The same seed gives the same run of luck."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from tests.simulators.rekognition.errors import download_limit, internal_error, over_the_quota, unavailable

if TYPE_CHECKING:
    from tests.simulators.rekognition.settings import Fault, Settings

KINDS: tuple[tuple[str, tuple[Fault, ...]], ...] = (
    ("error_rate", ("error", "unavailable")),
    ("reset_rate", ("reset", "reset-billed")),
    ("download_rate", ("download",)),
    ("slow_rate", ("slow",)),
    ("hang_rate", ("hang",)),
)


class Chance:
    """A source of luck."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - luck that can be repeated, no secret

    def fault(self, settings: Settings) -> Fault:
        drawn = self._random.random()
        for rate, kinds in KINDS:
            share = getattr(settings, rate)
            if drawn < share:
                return self._random.choice(kinds)
            drawn -= share
        return "none"

    def latency(self, settings: Settings) -> float:
        """Seconds; lognormal around the median."""
        return settings.latency * math.exp(self._random.gauss(0, settings.sigma))


def fail(fault: Fault) -> None:
    """Raise the `Refusal` that *fault* is, if it is one."""
    if fault == "error":
        raise internal_error()
    if fault == "unavailable":
        raise unavailable()
    if fault == "throttle":
        raise over_the_quota()
    if fault == "download":
        raise download_limit()
