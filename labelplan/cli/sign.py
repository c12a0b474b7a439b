"""`labelplan sign`."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, KeyOption, make_app, result

app = make_app(COMMANDS["sign"])


@app.command(epilog="Example: labelplan sign deer.plan.json --key ~/.ssh/id_ed25519.pub")
def sign(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="A plan, or one that was left unsigned (NAME.unsigned).")
    ],
    *,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add your signature to a plan that you have reviewed, as an approval; the first signature is its author's.

    The plan must be undamaged and not expired. Whom an approval convinces is up to the signers file of who applies.
    """
    from labelplan.flow.verify import require_unexpired  # noqa: PLC0415 - help must not wait for it
    from labelplan.planfile.keys import find_signer  # noqa: PLC0415 - as above
    from labelplan.planfile.reader import open_plan  # noqa: PLC0415 - as above
    from labelplan.planfile.signatures import add_signature  # noqa: PLC0415 - as above

    signer = find_signer(key, os.environ)
    with open_plan(plan) as opened:
        require_unexpired(opened.statement, dt.datetime.now(dt.UTC))
        path = add_signature(opened, signer)
    if as_json:
        view = {"plan": str(path), "keyid": signer.keyid, "statement_sha256": opened.statement_sha256}
        result(json.dumps(view, ensure_ascii=False))
    else:
        result(f"Signed {path} with {signer.keyid}.")
