"""`labelplan undo`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask, stoppable
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress, RunProgress
from labelplan.errors import DONE, DONE_IN_PART, UsageError
from labelplan.view.run_text import UNDO_WORDS, outcome_lines
from labelplan.view.style import Style

app = make_app(COMMANDS["undo"])


@app.command(epilog="Example: labelplan undo wildlife-training/20261122T1405Z-3f9a")
def undo(
    run: Annotated[str, typer.Argument(metavar="BUCKET/RUN_ID", help="The run, as apply printed it.")],
    *,
    key: Annotated[list[str] | None, typer.Option("--key", help="Only this object; may be given again.")] = None,
    requester_pays: Annotated[
        bool, typer.Option("--requester-pays", help="Pay for the requests, as a requester-pays bucket demands.")
    ] = False,
    auto_approve: AutoApproveOption = False,
    as_json: JsonOption = False,
) -> int:
    """Bring back what a run deleted, from its record in the bucket alone: no plan file, no signing key.

    Whatever is newer than what was deleted is left alone and reported. Works on a half-done run, and more than once.
    Exits with 3 if something was left or failed.
    """
    from labelplan.flow.undo import undo_run  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.store.s3 import open_writer  # noqa: PLC0415

    bucket, _, run_id = run.removeprefix("s3://").partition("/")
    if not bucket or not run_id or "/" in run_id:
        raise UsageError(f"'{run}' is not a run.", hint="It is BUCKET/RUN_ID, as apply printed it.")
    what = f"{len(key):,} object(s)" if key else "all objects"
    talk(f"This brings back {what} that the run {run_id} deleted from s3://{bucket}; nothing newer is touched.")
    ask(auto_approve=auto_approve)
    # the owner may be another account than the caller's; the record is in there
    writer = open_writer(bucket, account="", requester_pays=requester_pays)
    with stoppable() as stop, Progress("Restoring", "objects") as progress:
        undone = undo_run(writer, run_id, key or (), observer=RunProgress(progress), stop=stop)
    if as_json:
        result(json.dumps(to_builtins(undone), ensure_ascii=False))
    else:
        for line in outcome_lines("Undo", undone.counts, UNDO_WORDS, undone.others, Style(colour())):
            result(line)
    return DONE_IN_PART if undone.in_part else DONE
