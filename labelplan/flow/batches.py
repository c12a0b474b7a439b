"""Work done a batch at a time, several pieces under way at once, and how a caller watches and stops it.

Shared by apply and undo. What the work is, and what is recorded of it, they know.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping

BATCH = 256
"""Results in a record file: at most so many are not yet recorded when a run is killed."""

IN_FLIGHT = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


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


def in_batches(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    *,
    before_each: Callable[[], object] = lambda: None,
    stop: threading.Event | None,
) -> Iterator[list[Result]]:
    """Do *work* on all *items*; yield the results batch by batch, in the order of the items.

    A batch begins only after the one before it was taken and *before_each* was called, and never once *stop* is set:
    then `KeyboardInterrupt` is raised. Any exception ends it all: what is under way is awaited, the rest not begun.
    """
    rest = iter(items)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        while batch := list(islice(rest, BATCH)):
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            before_each()
            yield list(pool.map(work, batch))
