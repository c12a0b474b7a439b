"""The plan's deletes a thousand at a time, several batches under way at once, and how a caller watches and stops it.

Shared by apply and undo. What is done with a batch, and what is recorded of it, they know.
"""

from __future__ import annotations

import random
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from labelplan.flow.checks import deletes
from labelplan.model.objects import S3Object

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from labelplan.planfile.reader import PlanFile

BATCH = 1000
"""Objects in a new run's batch: what one DeleteObjects may carry."""

IN_FLIGHT = 4
"""Batches under way at once."""

SINGLY = 16
"""Requests under way at once in a batch whose objects go one by one."""

TRIES = 6
"""How often a batch is sent on to a server that asks for less."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(NamedTuple):
    """Some of the plan's deletes, in its order. *rules*: the label rule of each."""

    number: int
    objects: list[S3Object]
    rules: list[str]


class Observer(Protocol):
    """Somebody who watches a run; called from one thread."""

    def started(self, run: str, total: int, *, resumed: bool) -> None:
        """Hear that *run* (`BUCKET/RUN_ID`) begins, or goes on, with *total* objects in all."""

    def progressed(self, counts: Mapping[str, int]) -> None:
        """Hear after each batch how many objects have had which outcome so far; all of it is recorded."""


class Unobserved:
    """An observer that does not look."""

    def started(self, run: str, total: int, *, resumed: bool) -> None:
        """Ignore it."""

    def progressed(self, counts: Mapping[str, int]) -> None:
        """Ignore it."""


def batches_of(plan: PlanFile, size: int) -> Iterator[Batch]:
    """Stream the plan's deletes in batches of *size*, which a run keeps to: what it records is counted in them."""
    batch = Batch(0, [], [])
    for one in deletes(plan):
        batch.objects.append(S3Object(one.key, one.version_id, one.etag, one.size))
        batch.rules.append(one.rule)
        if len(batch.objects) == size:
            yield batch
            batch = Batch(batch.number + 1, [], [])
    if batch.objects:
        yield batch


def side_by_side(
    items: Iterable[Item], work: Callable[[Item], Result], *, stop: threading.Event | None
) -> Iterator[Result]:
    """Do *work* on all *items*, a few at once; yield the results in their order, in bounded memory.

    Once *stop* is set no item is begun; what is under way is finished and yielded, then `KeyboardInterrupt` is raised.
    The first exception ends it as well: what is under way is awaited, and nothing more begun.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(IN_FLIGHT)
    stopped = False
    try:
        for item in items:
            if stopped := stop is not None and stop.is_set():
                break
            waiting.append(pool.submit(work, item))
            if len(waiting) >= IN_FLIGHT:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
    if stopped:
        raise KeyboardInterrupt


def singly(items: Sequence[Item], work: Callable[[Item], Result]) -> list[Result]:
    """Do *work* on each of *items*, several at once; return the results in their order."""
    with ThreadPoolExecutor(SINGLY) as pool:
        return list(pool.map(work, items))


class Pace:
    """Slows all batches of a run down when the server asks for it: each wait is longer, and none begins before."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Begin at full speed."""
        self._clock = clock
        self._sleep = sleep
        self._not_before = 0.0

    def hold_back(self, tried: int) -> None:
        """Note that the server asked for less, for the *tried*-th time in a row, from 1."""
        pause = min(0.25 * 2**tried, 20.0) * random.uniform(0.5, 1)  # noqa: S311 - spreads requests, guards nothing
        self._not_before = max(self._not_before, self._clock() + pause)

    def wait(self) -> None:
        """Wait until the server may be asked again."""
        if (pause := self._not_before - self._clock()) > 0:
            self._sleep(pause)
