"""Who is asking just now: one locked file for each cache that is open, and a way to tell whether its owner is alive.

The system lets go of a lock when its process ends, however it ends, so neither `kill -9` nor a process id that was
given out again can fool it. A process that is forked off while a cache is open keeps its owner alive.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Owner:
    """One who claims. *name* is new each time."""

    def __init__(self, folder: Path) -> None:
        """Make and lock a file of one's own in *folder*; raises `OSError`."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._descriptor = -1
        while self._descriptor < 0:
            self.name = secrets.token_hex(8)
            self._descriptor = _take(folder / self.name, os.O_CREAT | os.O_EXCL)

    def is_alive(self, name: str) -> bool:
        """Tell whether the owner of that name still runs; raises `OSError`."""
        if name == self.name:
            return True
        try:
            descriptor = _take(self._folder / name, 0)
        except FileNotFoundError:
            return False
        if descriptor < 0:
            return True
        os.close(descriptor)
        return False

    def dead(self) -> Iterator[str]:
        """Yield the owners who left a file and run no longer; each file is removed after its turn."""
        for path in self._folder.iterdir():
            try:
                descriptor = -1 if path.name == self.name else _take(path, 0)
            except FileNotFoundError:
                continue
            if descriptor >= 0:
                try:
                    yield path.name
                    path.unlink()
                finally:
                    os.close(descriptor)

    def leave(self) -> None:
        """Be no owner any longer; may be called twice."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                (self._folder / self.name).unlink()
            os.close(self._descriptor)
            self._descriptor = -1


def _take(path: Path, flags: int) -> int:
    """Open and lock a file; return its descriptor, or -1 if somebody has it, or it is no longer what has that name."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    taken = False
    try:
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = os.path.samestat(os.fstat(descriptor), path.stat())
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else -1
