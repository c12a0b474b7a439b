"""A file that appears under its name only when it is complete, and survives a power cut from then on.

Until then it is `.<name>.labelplan-part` beside it, always a file of its own making: one writer at a time, and a part
that a killed process left behind is removed. Not for records in a bucket.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from labelplan.errors import LabelplanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from types import TracebackType


PART = ".labelplan-part"
"""What nobody else's file ends with."""


class NewFile:
    """A context manager: write with `write`, then `publish`; left without, the part is removed.

    Raises `UsageError` on entering where the file cannot be written, before any work is done for it; later on
    `LabelplanError`, for example when the disk is full.
    """

    def __init__(self, path: str) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path
        self._part = Path(path).with_name(f".{Path(path).name}{PART}")
        self._file: FileIO | None = None

    def __enter__(self) -> Self:
        """Open the part, and keep everybody else from writing it."""
        if Path(self.path).is_dir():
            raise UsageError(f"Cannot write {self.path}: it is a directory.")
        try:
            self._file = _open_alone(self._part)
        except BlockingIOError:
            raise UsageError(f"Cannot write {self.path}: another labelplan is writing it just now.") from None
        except OSError as error:
            raise UsageError(f"Cannot write {self._part}: {error.strerror}.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the part, unless it was published."""
        if self._file:
            self._part.unlink(missing_ok=True)  # while it is still locked
            self._file.close()

    def write(self, data: bytes) -> None:
        """Append *data*, unbuffered."""
        with self._explained() as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]

    def publish(self, suffix: str = "") -> str:
        """Make the file complete and durable, under its name plus *suffix*; return that name."""
        path = self.path + suffix
        with self._explained() as file:
            os.fsync(file.fileno())
            self._part.replace(path)
            _sync_folder(Path(path).parent)
            file.close()
        self._file = None
        return path

    @contextlib.contextmanager
    def _explained(self) -> Iterator[FileIO]:
        assert self._file, "not entered, or published already"  # noqa: S101 - a bug in the caller, not a user's mistake
        try:
            yield self._file
        except OSError as error:
            raise LabelplanError(f"Cannot write {self.path}: {error.strerror}.") from None


def _open_alone(part: Path) -> FileIO:
    """Make and lock *part*; raises `BlockingIOError` if somebody has it locked. Never writes what was there before."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            _remove_left(part)
        with contextlib.suppress(FileExistsError):  # somebody was quicker: look again whether he is still there
            file = part.open("xb", buffering=0)
            if _lock(file, part):
                return file


def _remove_left(part: Path) -> None:
    """Remove what a killed process left; raises `BlockingIOError` if its writer is alive."""
    file = open(part, "r+b", buffering=0, opener=_open_itself)  # noqa: SIM115 - closed below; Path.open has no opener
    if _lock(file, part):
        part.unlink()
        file.close()


def _lock(file: FileIO, part: Path) -> bool:
    """Lock an open file and tell whether it still is what has the name *part*; close it if not."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat()):
            return True
    except OSError:
        file.close()
        raise
    file.close()
    return False


def _open_itself(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
