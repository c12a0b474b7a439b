"""Do the same with many things at once; the results come in the order of the things, in bounded memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

AHEAD = 8
"""How many things may wait for each one done at once; enough that one slow one does not stall the others."""

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    items: Iterable[T], do: Callable[[T], R], concurrency: int, stop: Callable[[], None] = lambda: None
) -> Iterator[tuple[T, R]]:
    """Yield every item with what *do* returned for it, in order, with *concurrency* threads at work.

    The first exception ends it: what has not begun is cancelled, *stop* is called, what is in flight is waited for.
    """
    waiting: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(concurrency)
    try:
        for item in items:
            waiting.append((item, pool.submit(do, item)))
            if len(waiting) >= AHEAD * concurrency:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BaseException:
        stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
