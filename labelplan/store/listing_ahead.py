"""Several listings at once, ahead of who reads them: S3 takes longer for a page than its objects take to be used.

Each listing has a thread of its own, since its pages come one after another, and never runs far ahead. Not about S3:
what is listed, and how, the iterators know.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

SIDE_BY_SIDE = 8
"""How many listings are under way at once."""

AHEAD = 8
"""How many pages of each wait to be read."""

_GRACE = 1.0
"""Seconds for threads to end when nobody reads any more; one that still waits for a server's answer ends after it."""


def side_by_side(listings: Sequence[Callable[[], Iterator[T]]]) -> Iterator[tuple[int, T]]:
    """Stream the pages of all *listings* in their order, each with its listing's position.

    An error is raised where its page would have come. Closing the generator stops all threads.
    """
    running: deque[tuple[int, _Ahead[T]]] = deque()
    waiting = enumerate(listings)
    try:
        while True:
            while len(running) < SIDE_BY_SIDE and (following := next(waiting, None)):
                running.append((following[0], _Ahead(following[1])))
            if not running:
                return
            position, ahead = running[0]
            for page in ahead.pages():
                yield position, page
            running.popleft()
    finally:
        _stop([ahead for _, ahead in running])


def _stop(running: Sequence[_Ahead[T]]) -> None:
    for ahead in running:
        ahead.stop()
    until = time.monotonic() + _GRACE
    for ahead in running:
        ahead.thread.join(max(0.0, until - time.monotonic()))


class _Ended:
    """What comes after a listing's last page, with the error that ended it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Ahead(Generic[T]):
    """One listing and its thread, which is a daemon: no server's slow answer holds up the end of the process."""

    def __init__(self, listing: Callable[[], Iterator[T]]) -> None:
        self._listing = listing
        self._pages: SimpleQueue[T | _Ended] = SimpleQueue()
        self._room = threading.Semaphore(AHEAD)
        self._stopped = False
        self.thread = threading.Thread(target=self._fetch, name="labelplan-listing", daemon=True)
        self.thread.start()

    def pages(self) -> Iterator[T]:
        """Stream the pages, and raise what the listing raised."""
        while not isinstance(page := self._pages.get(), _Ended):
            self._room.release()
            yield page
        self.thread.join()
        if page.error:
            raise page.error

    def stop(self) -> None:
        """Fetch no further page."""
        self._stopped = True
        self._room.release()

    def _fetch(self) -> None:
        error = None
        try:
            pages = self._listing()
            while self._room.acquire() and not self._stopped:
                page = next(pages, None)
                if page is None:
                    break
                self._pages.put(page)
        except BaseException as raised:  # noqa: BLE001 - raised again by who reads
            error = raised
        self._pages.put(_Ended(error))
