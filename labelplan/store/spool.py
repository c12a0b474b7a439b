"""A listing kept on disk for as long as a plan is made: what was listed once is read again, and memory stays flat.

The file has no name, so that nothing of it remains however the process ends. Not for anything that must outlive it.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

import msgspec
from msgspec import Struct

from labelplan.errors import LabelplanError
from labelplan.model.objects import S3Object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LENGTH = 4
"""Bytes before a frame that say how long it is."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Frame(Struct, array_like=True, gc=False):
    """Objects of one prefix, field by field: this is half the work of writing and reading them one by one."""

    position: int
    keys: list[str]
    version_ids: list[str]
    etags: list[str]
    sizes: list[int]


class Spool:
    """Listed objects in the order in which they were appended, each with its prefix's position.

    A context manager. Raises `LabelplanError` when there is no room for them.
    """

    def __init__(self) -> None:
        """Make the file."""
        with _room():
            self._file = tempfile.TemporaryFile(prefix="labelplan-", buffering=0)  # noqa: SIM115 - closed by `close`
        self._end = 0
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(_Frame).decode

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file; what it held is gone."""
        self._file.close()

    def append(self, position: int, objects: Sequence[S3Object]) -> None:
        """Add *objects* of the prefix at *position* at the end."""
        frame = self._encode(
            _Frame(
                position,
                [one.key for one in objects],
                [one.version_id for one in objects],
                [one.etag for one in objects],
                [one.size for one in objects],
            )
        )
        left = memoryview(len(frame).to_bytes(_LENGTH, "big") + frame)
        with _room():
            while left:
                written = os.pwrite(self._file.fileno(), left, self._end)
                self._end += written
                left = left[written:]
        self._counts[position] += len(objects)

    def pages(self) -> Iterator[tuple[int, list[S3Object]]]:
        """Stream all that has been appended, as it was; may be done any number of times, and several at once."""
        at, file = 0, self._file.fileno()
        while at < self._end:
            length = int.from_bytes(os.pread(file, _LENGTH, at), "big")
            frame = self._decode(os.pread(file, length, at + _LENGTH))
            at += _LENGTH + length
            yield frame.position, list(map(S3Object, frame.keys, frame.version_ids, frame.etags, frame.sizes))

    def count(self, position: int) -> int:
        """Tell how many objects of the prefix at *position* there are."""
        return self._counts.get(position, 0)

    def pick(self, per_position: int) -> Spool:
        """Return a new spool with at most so many (at least 1) objects of each prefix, spread evenly over it.

        The first and the last of a prefix are among them; of one alone it is the one in the middle.
        """
        if per_position < 1:
            msg = f"at least one object of each prefix has to be picked, not {per_position}"
            raise ValueError(msg)
        passed: defaultdict[int, int] = defaultdict(int)
        with ExitStack() as unless_it_fails:
            picked = unless_it_fails.enter_context(Spool())
            for position, objects in self.pages():
                begin = passed[position]
                passed[position] = end = begin + len(objects)
                if wanted := _spread(self._counts[position], per_position, begin, end):
                    picked.append(position, [objects[at - begin] for at in wanted])
            unless_it_fails.pop_all()
        return picked


def _spread(count: int, wanted: int, begin: int, end: int) -> list[int]:
    """Return which numbers from *begin* up to *end* are among the *wanted* ones that are spread over *count*."""
    if wanted >= count:
        return list(range(begin, end))
    if wanted == 1:
        middle = (count - 1) // 2
        return [middle] if begin <= middle < end else []
    # the n-th is at n * (count - 1) // (wanted - 1)
    steps, last = wanted - 1, count - 1
    first = -(-begin * steps // last)
    beyond = min(-(-end * steps // last), wanted)
    return [number * last // steps for number in range(first, beyond)]


@contextmanager
def _room() -> Iterator[None]:
    """Explain that the temporary folder is full, or that there is none."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL and not isinstance(error, FileNotFoundError | PermissionError):
            raise
        what = f"The listing cannot be kept in the temporary folder: {error.strerror}."
        raise LabelplanError(
            what, hint="TMPDIR names another folder to use instead; about 200 bytes an object."
        ) from error
