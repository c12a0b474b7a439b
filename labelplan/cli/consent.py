"""A person's yes before a change, and his Ctrl-C during one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from labelplan.cli.interrupt import SHOW_CURSOR
from labelplan.cli.output import talk
from labelplan.errors import INTERRUPTED, Declined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

AutoApproveOption = Annotated[bool, typer.Option("--auto-approve", help="Do not ask; needed off a terminal.")]


def require_answer(*, auto_approve: bool) -> None:
    """Raise `Declined` where nobody could be asked, before a command does anything for the sake of a question."""
    if not auto_approve and not sys.stdin.isatty():
        raise Declined("Nothing was changed: this is no terminal, so nobody can be asked.", hint="Add --auto-approve")


def ask(*, auto_approve: bool) -> None:
    """Ask for `yes`, as Terraform does; raises `Declined` for anything else, and where nobody can be asked."""
    require_answer(auto_approve=auto_approve)
    if auto_approve:
        return
    talk("\nDo you want to perform these actions?\n  Only 'yes' will be accepted to approve.\n")
    sys.stderr.write("  Enter a value: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise Declined("Nothing was changed: the answer was not 'yes'.")
    talk("")


@contextlib.contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C (or a polite kill) sets; the second one ends the process at once.

    At once means without waiting for what is in flight: a run can be killed anywhere.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR)
            os._exit(INTERRUPTED)
        stop.set()
        talk("\nFinishing the batch in flight; the same command goes on later. Ctrl-C again stops at once.")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
