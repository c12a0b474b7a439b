"""The options `--lock-timeout` and `--no-lock`, the same for all commands that change a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labelplan.cli.output import talk
from labelplan.view.style import printable

if TYPE_CHECKING:
    from labelplan.flow.locking import Locking
    from labelplan.store.interface import Writer

LockTimeoutOption = Annotated[
    float,
    typer.Option(
        "--lock-timeout",
        metavar="SECONDS",
        min=0,
        help="Wait so long for another apply or undo in the bucket to end; default: not at all.",
        show_default=False,
    ),
]
NoLockOption = Annotated[
    bool,
    typer.Option("--no-lock", help="Take no lock: for a server without conditional writes, or if nobody else works."),
]


def locking(timeout: float, *, disabled: bool) -> Locking:
    """Make of the options what the flows take; who has to wait is told for whom."""
    from labelplan.flow.locking import Locking  # noqa: PLC0415 - help must not wait for it

    return Locking(timeout, disabled, lambda holder: talk(f"Waiting for the lock, held by {printable(holder)}"))


def refuse_if_locked(writer: Writer, work: str, how: Locking) -> None:
    """Say before a question that somebody else holds the lock, where he is not waited for; raises `Locked`.

    *work*: the SHA-256 of the statement that is applied, or whose run is undone. Only a look: it is taken after a yes.
    """
    from labelplan.flow.lock_record import find, locked  # noqa: PLC0415 - help must not wait for it

    if how.disabled or how.timeout:
        return
    found = find(writer)
    if found is not None and not found.can_be_taken_for(work):
        raise locked(writer, found.lock)
