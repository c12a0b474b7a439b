"""`labelplan runs BUCKET` and `labelplan runs purge BUCKET/RUN_ID`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask, stoppable
from labelplan.cli.locking import LockTimeoutOption, NoLockOption, locking, refuse_if_locked
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, KeyOption, SignersOption, TrustOwnKeyOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress, RunProgress
from labelplan.cli.run_argument import RequesterPaysOption, bucket_name, split_run
from labelplan.cli.trusting import trust_here
from labelplan.errors import DONE, DONE_IN_PART, UsageError
from labelplan.view.other_text import allow_lines
from labelplan.view.purge_text import kept_lines, purge_lines
from labelplan.view.record_text import PURGE_WORDS, runs_lines
from labelplan.view.run_text import outcome_lines
from labelplan.view.style import Style

if TYPE_CHECKING:
    from labelplan.flow.locking import Locking
    from labelplan.flow.purge import Purged
    from labelplan.planfile.trust import Trust
    from labelplan.store.interface import Purger

app = make_app(COMMANDS["runs"])


@app.command(epilog="Example: labelplan runs purge wildlife-training/20261122T1405Z-3f9a")
def runs(  # noqa: PLR0913 - a command's options
    what: Annotated[
        list[str], typer.Argument(metavar="BUCKET | purge BUCKET/RUN_ID", help="The bucket, or the run to purge.")
    ],
    *,
    lock_timeout: LockTimeoutOption = 0,
    no_lock: NoLockOption = False,
    requester_pays: RequesterPaysOption = False,
    auto_approve: AutoApproveOption = False,
    key: KeyOption = None,
    signers: SignersOption = None,
    trust_own_key: TrustOwnKeyOption = False,
    as_json: JsonOption = False,
) -> int:
    """List the runs of a bucket, with what each deleted and until when it can be undone.

    runs purge BUCKET/RUN_ID ends the way back of one run on purpose, for privacy or to free the room: the old versions
    that its delete markers hide, or its copies, are destroyed for good. The plan in the run's record must be signed by
    people who are trusted here, as for apply. It asks first, and says how much goes and what stays. The record stays,
    so the plan cannot be applied again. Exits with 3 if something could not be destroyed, or is not surely the run's.
    --lock-timeout, --no-lock, --auto-approve, --key, --signers and --trust-own-key are for the purge only.

    labelplan show BUCKET/RUN_ID shows one run; a bucket that is called purge is s3://purge here.
    """
    match what:
        case ["purge"]:
            raise UsageError(
                "'purge' alone could be a bucket, or a run to purge that is missing.",
                hint="labelplan runs purge BUCKET/RUN_ID purges; labelplan runs s3://purge lists the bucket's runs.",
            )
        case [bucket]:
            return _list(bucket_name(bucket), requester_pays=requester_pays, as_json=as_json)
        case ["purge", run]:
            split_run(run)  # what is no run's name is said first
            trust = trust_here(signers, key, trust_own_key=trust_own_key)
            how = locking(lock_timeout, disabled=no_lock)
            return _purge(run, trust, how, requester_pays=requester_pays, auto_approve=auto_approve, as_json=as_json)
    raise UsageError(
        f"'{' '.join(what)}' is not one bucket.",
        hint="labelplan runs BUCKET lists its runs; labelplan runs purge BUCKET/RUN_ID ends the way back of one.",
    )


def _list(bucket: str, *, requester_pays: bool, as_json: bool) -> int:
    from labelplan.flow.runs import list_runs  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.store.s3 import open_writer  # noqa: PLC0415 - as above

    # the owner may be another account than the caller's
    writer = open_writer(bucket, account="", requester_pays=requester_pays)
    found = (to_builtins(run) for run in list_runs(writer))
    if as_json:
        result(json.dumps({"format": "labelplan/runs/1", "bucket": bucket, "runs": list(found)}, ensure_ascii=False))
    else:
        for line in runs_lines(bucket, found, Style(colour())):
            result(line)
    return DONE


def _purge(  # noqa: PLR0913 - a command's options
    run: str, trust: Trust, how: Locking, *, requester_pays: bool, auto_approve: bool, as_json: bool
) -> int:
    from labelplan.store.s3_purge import open_purger  # noqa: PLC0415 - as above

    bucket, run_id = split_run(run)
    purger = open_purger(bucket, account="", requester_pays=requester_pays)
    purged = _ask_and_purge(purger, run_id, trust, how, auto_approve=auto_approve)
    if as_json:
        result(json.dumps(to_builtins(purged), ensure_ascii=False))
    else:
        for line in outcome_lines("Purge", purged.counts, PURGE_WORDS, purged.others, Style(colour())):
            result(line)
        for line in allow_lines(purged.others, bucket, "s3:DeleteObjectVersion"):
            result(line)
        for line in kept_lines(bucket, purged.counts.get("kept", 0)):
            result(line)
    return DONE_IN_PART if purged.in_part else DONE


def _ask_and_purge(purger: Purger, run_id: str, trust: Trust, how: Locking, *, auto_approve: bool) -> Purged:
    from labelplan.flow.purge import look_at_purge, purge_run  # noqa: PLC0415 - as above
    from labelplan.flow.runs import read_summary  # noqa: PLC0415 - as above

    summary = read_summary(purger, run_id)
    if summary.start is not None:
        refuse_if_locked(purger, summary.start.statement_sha256, how)
    doomed = look_at_purge(purger, run_id, trust)
    for line in purge_lines(to_builtins(summary), doomed._asdict()):
        talk(line)
    ask(auto_approve=auto_approve)
    with stoppable() as stop, Progress("Purging", "objects") as progress:
        return purge_run(purger, run_id, trust, locking=how, observer=RunProgress(progress), stop=stop)
