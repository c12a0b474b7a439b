"""Ctrl-C while answers are being paid for: the first lets what is under way be kept, the second ends at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from labelplan.errors import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SHOW_CURSOR = b"\x1b[?25h"
"""A progress line may have hidden it."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the first Ctrl-C, kill or hang-up; leave the process at the second, as it stands.

    That loses nothing: an answer is on disk as soon as it is here, and a plan has its name only once it is whole.
    """
    interrupted = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR)
            os._exit(INTERRUPTED)
        interrupted = True
        # not print: the signal may have come in the middle of one
        os.write(2, b"\nFinishing the calls under way, to keep their answers. Ctrl-C again ends at once.\n")
        raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup the end of a terminal is to be survived
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
