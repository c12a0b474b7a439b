"""The objects: `images/000/00000000.jpg` and so on, a folder a prefix, each with its own content's MD5 as ETag."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from typing import overload

from labelplan.model.objects import S3Object


class Objects:
    """So many *objects* in so many folders (*prefixes*, at most 1,000) of the same size, sorted by key."""

    def __init__(self, objects: int, prefixes: int = 1) -> None:
        self._count = objects
        self._in_each = -(-objects // prefixes)
        self.prefixes = tuple(f"images/{number:03}/" for number in range(prefixes))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        """Return the key of the object with this number; a list of keys for a slice."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(self._count))]
        folder, place = divmod(number, self._in_each)
        return f"images/{folder:03}/{place:08}.jpg"

    def at(self, number: int) -> S3Object:
        """Return the object with this number."""
        md5 = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
        return S3Object(self[number], md5[::-1], md5, 100_000 + number % 900_000)

    def find(self, key: str) -> S3Object | None:
        """Return the object with this key."""
        at = bisect_left(self, key)
        return self.at(at) if at < self._count and self[at] == key else None

    def between(self, prefix: str, marker: str, count: int) -> tuple[range, bool]:
        """Return the numbers of *count* objects at most, under *prefix* and after the key *marker*; are there more?"""
        first = max(bisect_left(self, prefix), bisect_right(self, marker) if marker else 0)
        end = bisect_left(self, prefix + "\U0010ffff") if prefix else self._count
        last = min(end, first + count)
        return range(first, last), last < end
