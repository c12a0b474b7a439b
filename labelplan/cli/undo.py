"""`labelplan undo`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask, stoppable
from labelplan.cli.locking import LockTimeoutOption, NoLockOption, locking
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress, RunProgress
from labelplan.cli.run_argument import RequesterPaysOption, RunArgument, split_run
from labelplan.errors import DONE, DONE_IN_PART
from labelplan.view.run_text import UNDO_WORDS, outcome_lines
from labelplan.view.style import Style, printable

app = make_app(COMMANDS["undo"])


@app.command(epilog="Example: labelplan undo wildlife-training/20261122T1405Z-3f9a --rule whitetail-deer")
def undo(  # noqa: PLR0913 - a command's options
    run: RunArgument,
    *,
    key: Annotated[list[str] | None, typer.Option("--key", help="Only this object; may be given again.")] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only what this label rule deleted; may be given again.")
    ] = None,
    lock_timeout: LockTimeoutOption = 0,
    no_lock: NoLockOption = False,
    requester_pays: RequesterPaysOption = False,
    auto_approve: AutoApproveOption = False,
    as_json: JsonOption = False,
) -> int:
    """Bring back what a run deleted, from its record in the bucket alone: no plan file, no signing key.

    Whatever is newer than what was deleted is left alone and reported. Works on a half-done run, and more than once.
    With --key and --rule, what either names is brought back. Exits with 3 if something was left or failed.
    """
    from labelplan.flow.undo import undo_run  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.store.s3 import open_writer  # noqa: PLC0415

    bucket, run_id = split_run(run)
    keys, rules = key or [], rule or []
    what = _what(keys, rules)
    talk(f"This brings back {what} that the run {run_id} deleted from s3://{bucket}; nothing newer is touched.")
    ask(auto_approve=auto_approve)
    # the owner may be another account than the caller's; the record is in there
    writer = open_writer(bucket, account="", requester_pays=requester_pays)
    how = locking(lock_timeout, disabled=no_lock)
    with stoppable() as stop, Progress("Restoring", "objects") as progress:
        undone = undo_run(writer, run_id, keys, rules, locking=how, observer=RunProgress(progress), stop=stop)
    if as_json:
        result(json.dumps(to_builtins(undone), ensure_ascii=False))
    else:
        for line in outcome_lines("Undo", undone.counts, UNDO_WORDS, undone.others, Style(colour())):
            result(line)
    return DONE_IN_PART if undone.in_part else DONE


def _what(keys: list[str], rules: list[str]) -> str:
    parts = [f"{len(keys):,} object{'s' * (len(keys) != 1)}"] * bool(keys)
    parts += [f"all objects of the label rule {printable(name)}" for name in rules]
    return " and ".join(parts) or "all objects"
