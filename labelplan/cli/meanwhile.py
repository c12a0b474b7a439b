"""A check in a copy of this process, on another core, while this one loads AWS's libraries and looks at the bucket."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def meanwhile(check: Callable[[], object]) -> Iterator[None]:
    """Do *check* while the block runs, and wait for it at the block's end; there is one thread, and nothing is sent.

    The copy can only say yes. If it says anything else, or there can be no copy, *check* is done here, and raises what
    it raises: also in the place of what the block raised.
    """
    pid = _fork(check)
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):  # such as Ctrl-C
            _end(pid)
            raise
        _wait(pid, check)
        raise
    _wait(pid, check)


def _fork(check: Callable[[], object]) -> int | None:
    if not hasattr(os, "fork"):
        return None
    try:
        pid = os.fork()
    except OSError:  # no more processes
        return None
    if pid:
        return pid
    try:
        check()
        os._exit(0)
    finally:
        os._exit(1)


def _wait(pid: int | None, check: Callable[[], object]) -> None:
    if pid is None or _status(pid):
        check()


def _end(pid: int | None) -> None:
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        _status(pid)


def _status(pid: int) -> int:
    """Wait for a process; return 0 if it said yes."""
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:  # whoever started this process has it ignore how children end
        return 1
