"""Which calls of a story are disturbed, and in which ways: all in all, every so manieth, or each once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.faults.disturbances import Disturbance

    Calls = Sequence[tuple[str, bool]]
    """The operation of each call, and whether it changes something."""


class At(NamedTuple):
    """The *number* is that of the call among those that the *way* disturbs, from 1."""

    way: str
    number: int


def every(ways: Mapping[str, Disturbance], calls: Calls, step: int = 1) -> Iterator[At]:
    """Disturb every *step*-th call in every way; each way begins elsewhere, so together they meet them all.

    With a step of 1 also the call after the last one, for there may be another this time.
    """
    for index, way in enumerate(sorted(ways)):
        last = len(_fitting(ways[way], calls)) + (step == 1)
        yield from (At(way, number) for number in range(1 + index % step, last + 1, step))


def once(ways: Mapping[str, Disturbance], calls: Calls) -> Iterator[At]:
    """Disturb each call once, the ways in turn, each about as often as the others that fit as many calls."""
    fitting = {way: _fitting(ways[way], calls) for way in sorted(ways)}
    used: Counter[str] = Counter()
    for number in range(1, len(calls) + 1):
        fit = [way for way in fitting if number in fitting[way]]
        way = min(fit, key=lambda way: (used[way], len(fitting[way])))
        used[way] += 1
        yield At(way, fitting[way].index(number) + 1)


def these(ways: Mapping[str, Disturbance], numbers: Iterable[int]) -> Iterator[At]:
    """Disturb the calls of these numbers, in ways that fit any call, in turn."""
    of_all = [way for way in sorted(ways) if ways[way].operation == "*"]
    for index, number in enumerate(numbers):
        yield At(of_all[index % len(of_all)], number)


def _fitting(way: Disturbance, calls: Calls) -> list[int]:
    return [number for number, (operation, changes) in enumerate(calls, 1) if way.fits(operation, changes=changes)]
