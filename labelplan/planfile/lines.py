"""Lines of an open file by offset, forwards and backwards, in bounded memory and without moving the file's position.

A line ends with a line feed, which belongs to it, and with nothing else that other readers take for a line's end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 18
"""Bytes of whole lines that are read at once; of 1 MiB, each copy would be a fresh mapping, and cost twice the time."""

MAX_LINE = 256 << 20
"""Bytes of the longest line that is read: a header with the references of ten thousand label rules."""

_FIRST_READ = 1 << 14


def line_after(descriptor: int, start: int) -> bytes:
    """Read the line that begins at *start*; raises `ValueError` if it does not end."""
    for size in _sizes(_FIRST_READ):
        data = os.pread(descriptor, size, start)
        if end := data.find(b"\n") + 1:
            return data[:end]
        if len(data) < size:
            break
    raise ValueError("a line does not end")


def line_before(descriptor: int, end: int) -> bytes:
    """Read the line that ends just before *end*; raises `ValueError` if it is not the end of a line."""
    for size in _sizes(_FIRST_READ):
        start = max(0, end - size)
        data = os.pread(descriptor, end - start, start)
        if not data.endswith(b"\n"):
            break
        begin = data.rfind(b"\n", 0, -1) + 1
        if begin or not start:
            return data[begin:]
    raise ValueError("a line does not end, or not here")


def blocks(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """Read the whole lines between two offsets, about `BLOCK` bytes at once; raises `ValueError` if the last is cut."""
    while start < end:
        for size in _sizes(BLOCK):
            data = os.pread(descriptor, min(size, end - start), start)
            if (cut := data.rfind(b"\n") + 1) or len(data) < size:
                break
        if not cut:
            raise ValueError("a line does not end, or is too long")
        yield data[:cut]
        start += cut


def _sizes(size: int) -> Iterator[int]:
    while size <= MAX_LINE:
        yield size
        size *= 4
