"""The options `--lock-timeout` and `--no-lock`, the same for all commands that change a bucket."""

from __future__ import annotations

from typing import Annotated

import typer

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
