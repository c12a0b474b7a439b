"""`labelplan undo`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask, stoppable
from labelplan.cli.locking import LockTimeoutOption, NoLockOption, locking, refuse_if_locked
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress, RunProgress
from labelplan.cli.run_argument import RequesterPaysOption, RunArgument, split_run
from labelplan.errors import DONE, DONE_IN_PART
from labelplan.view.other_text import allow_lines
from labelplan.view.run_text import UNDO_WORDS, outcome_lines
from labelplan.view.style import Style
from labelplan.view.undo_text import open_lines, undo_lines

if TYPE_CHECKING:
    from labelplan.flow.locking import Locking
    from labelplan.store.interface import Writer

app = make_app(COMMANDS["undo"])


@app.command(epilog="Example: labelplan undo wildlife-training/20261122T1405Z-3f9a --rule whitetail-deer")
def undo(  # noqa: PLR0913 - a command's options
    run: RunArgument,
    *,
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="OBJECT_KEY", help="Only this object; may be given again.")
    ] = None,
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
    It says first how much the run deleted, and asks. With --key and --rule, what either names is brought back.

    Exits with 3 if something was left or failed, 8 if somebody else is at work, 10 if S3 refused, 1 if there is no such
    run; all codes: docs/exit-codes.md.
    """
    from labelplan.flow.undo import undo_run  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.store.s3 import open_writer  # noqa: PLC0415

    bucket, run_id = split_run(run)
    keys, rules = key or [], rule or []
    # the owner may be another account than the caller's; the record is in there
    writer = open_writer(bucket, account="", requester_pays=requester_pays)
    how = locking(lock_timeout, disabled=no_lock)
    _look(writer, run_id, keys, rules, how)
    ask(auto_approve=auto_approve)
    with stoppable() as stop, Progress("Restoring", "objects") as progress:
        undone = undo_run(writer, run_id, keys, rules, locking=how, observer=RunProgress(progress), stop=stop)
    if as_json:
        result(json.dumps(to_builtins(undone), ensure_ascii=False))
    else:
        for line in outcome_lines("Undo", undone.counts, UNDO_WORDS, undone.others, Style(colour())):
            result(line)
        for line in allow_lines(undone.others, bucket, "s3:DeleteObjectVersion"):
            result(line)
        for line in open_lines(undone.open):
            result(line)
    return DONE_IN_PART if undone.in_part else DONE


def _look(writer: Writer, run_id: str, keys: list[str], rules: list[str], how: Locking) -> None:
    """Say what the run did, before anybody is asked; raises if there is no such run, or somebody is at work."""
    from labelplan.flow.runs import read_summary  # noqa: PLC0415 - as above

    summary = read_summary(writer, run_id)
    if summary.start is not None:
        refuse_if_locked(writer, summary.start.statement_sha256, how)
    for line in undo_lines(to_builtins(summary), keys, rules):
        talk(line)
