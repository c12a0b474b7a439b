"""What `plan` tells while it works, as values: one dict an event, printed as JSON lines with `--json`.

The text for a person is made from the same dicts (`view/estimate_text.py`). The first and the last line: `stream.py`.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from labelplan.cli.output import result
from labelplan.model.price import PRICES_OF, cost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labelplan.flow.observe import Estimate, Labelling

Event = dict[str, Any]

EVERY_S = 1.0
"""Between two JSON events of the same phase."""

WINDOW_S, STEADY_S = 10.0, 2.0
"""The time over which speed is measured, and how much of it must have passed before it is told."""


class Pulse:
    """Says when it is time to tell again: at first after *delay* seconds, then every *every*."""

    def __init__(self, every: float, clock: Callable[[], float], *, delay: float | None = None) -> None:
        """Begin to count now; *delay* None: the same as *every*."""
        self._every, self._clock = every, clock
        self._next = clock() + (every if delay is None else delay)

    def due(self) -> bool:
        """Tell whether it is time, and if so begin to count again; cheap enough to be asked for every object."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._every
        return True


class Speed:
    """How many a second, over the last ten seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with nothing seen."""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def measure(self, done: int) -> float | None:
        """Take in how many are *done* now; None while it is too early to tell."""
        now = self._clock()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # it began again
        while len(self._seen) > 1 and now - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()
        self._seen.append((now, done))
        began, before = self._seen[0]
        return (done - before) / (now - began) if now - began >= STEADY_S else None


def estimated(estimate: Estimate, max_calls: int | None) -> Event:
    """Describe what a plan will take; *max_calls*: the budget that holds."""
    return {
        "type": "estimated",
        "objects": estimate.objects,
        "calls": estimate.calls,
        "cached": estimate.cached,
        "max_calls": max_calls,
        "usd": float(cost(estimate.calls)) if estimate.paid else None,
        "prices_of": PRICES_OF.isoformat() if estimate.paid else None,
        "tps": estimate.tps,
        "tps_from": estimate.tps_from,
        "seconds": estimate.seconds,
        "converts": estimate.converts,
    }


def labelling(state: Labelling, rate: float | None, estimate: Estimate | None) -> Event:
    """Describe how the calls get on; *rate*: answers a second, as measured."""
    return {
        "type": "labelling",
        "done": state.done,
        "total": state.total,
        "pending": state.pending,
        "elsewhere": state.elsewhere,
        "calls": state.traffic.calls,
        "throttled": state.traffic.throttled,
        "rate": None if rate is None else round(rate, 1),
        "tps": estimate.tps if estimate else None,
        "usd": float(cost(state.traffic.calls)) if estimate and estimate.paid else None,
        "seconds_left": _seconds_left(state, rate),
    }


def _seconds_left(state: Labelling, rate: float | None) -> int | None:
    """Reckon with what is allowed by now, if that is more than was measured: at first the pace grows."""
    if rate is None:
        return None
    left, fastest = max(0, state.total - state.done - state.pending), max(rate, state.traffic.rate or 0)
    return round(left / fastest) if fastest else None


class JsonEvents:
    """Prints a plan's events on stdout, one JSON object a line; an `Observer`."""

    def __init__(self, max_calls: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; *max_calls*: the budget that holds."""
        self._max_calls, self._clock = max_calls, clock
        self._pulse = Pulse(EVERY_S, clock)
        self._speed = Speed(clock)
        self._estimate: Estimate | None = None
        self._settled = False

    def took(self, plan: Path, answers: int) -> None:
        """Tell how many answers an earlier plan gave."""
        say({"type": "took", "plan": str(plan), "answers": answers})

    def listed(self, objects: int) -> None:
        """See `Observer.listed`."""
        if self._pulse.due():
            say({"type": "listing", "objects": objects})

    def estimated(self, estimate: Estimate) -> None:
        """See `Observer.estimated`."""
        self._estimate = estimate
        say(estimated(estimate, self._max_calls))

    def labelling(self, state: Labelling) -> None:
        """See `Observer.labelling`; the last state is always told."""
        rate = self._speed.measure(state.done)
        before, self._settled = self._settled, state.done + state.pending >= state.total
        if state.total and (self._pulse.due() or (self._settled and not before)):
            say(labelling(state, rate, self._estimate))

    def writing(self, done: int, total: int) -> None:
        """See `Observer.writing`."""
        if self._pulse.due():
            say({"type": "writing", "done": done, "total": total})


def say(event: Event) -> None:
    """Print one event."""
    result(json.dumps(event, ensure_ascii=False))
