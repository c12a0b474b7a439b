"""`labelplan demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import make_app, result

app = make_app(COMMANDS["demo"])


@app.command(epilog="Example: labelplan demo --keep")
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave server, bucket and spec up until Ctrl-C.")] = False,
) -> None:
    """Run validate, plan, show, verify, apply and undo on 58 real photographs, against an S3 inside this process.

    No AWS account, no network: everything stays on 127.0.0.1. Needs: pip install "labelplan[demo]"
    """
    from labelplan.demo.walk import walk_through  # noqa: PLC0415 - help must not wait for it

    walk_through(result, keep=keep)
