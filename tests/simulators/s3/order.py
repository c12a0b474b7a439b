"""Keys in order, with cheap insertions and deletions among a million.

Python compares strings by code points, which is the byte order of their UTF-8.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 2000
"""Keys in a chunk before it is split; a chunk is what one insertion moves."""


class Order:
    """A sorted set of keys, as a list of short sorted lists."""

    def __init__(self) -> None:
        self._chunks: list[list[str]] = [[]]
        self._firsts: list[str] = [""]

    def add(self, key: str) -> None:
        """Add a key that is not there."""
        at = bisect_right(self._firsts, key) - 1
        chunk = self._chunks[at]
        insort(chunk, key)
        if len(chunk) > MOST:
            self._chunks.insert(at + 1, chunk[MOST // 2 :])
            self._firsts.insert(at + 1, chunk[MOST // 2])
            del chunk[MOST // 2 :]

    def fill(self, keys: Iterable[str]) -> None:
        """Add many keys that are not there."""
        chunks = self._chunks
        every = sorted(key for many in (*chunks, keys) for key in many)
        self._chunks = [every[at : at + MOST // 2] for at in range(0, len(every), MOST // 2)] or [[]]
        self._firsts = ["", *(chunk[0] for chunk in self._chunks[1:])]

    def remove(self, key: str) -> None:
        """Remove a key that is there."""
        at = bisect_right(self._firsts, key) - 1
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, key)]
        if not chunk and at:
            del self._chunks[at], self._firsts[at]

    def at_least(self, key: str) -> Iterator[str]:
        """List the keys from *key* on; nothing may be added or removed meanwhile."""
        at = bisect_right(self._firsts, key) - 1
        chunk = self._chunks[at]
        yield from chunk[bisect_left(chunk, key) :]
        for number in range(at + 1, len(self._chunks)):
            yield from self._chunks[number]
