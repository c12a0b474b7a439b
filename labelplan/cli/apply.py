"""`labelplan apply`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask, require_answer, stoppable
from labelplan.cli.locking import LockTimeoutOption, NoLockOption, locking, refuse_if_locked
from labelplan.cli.main import COMMANDS
from labelplan.cli.meanwhile import meanwhile
from labelplan.cli.output import JsonOption, KeyOption, SignersOption, TrustOwnKeyOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress, RunProgress
from labelplan.cli.trusting import trust_here
from labelplan.errors import DONE, DONE_IN_PART, AwsRefused
from labelplan.view.other_text import PERMISSIONS, allow_lines, is_denied
from labelplan.view.plan_text import totals_line
from labelplan.view.run_text import APPLY_WORDS, outcome_lines
from labelplan.view.style import Style, printable
from labelplan.view.way_back_text import UPLOADED, note_lines, until_line, way_back_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.flow.apply import Applied, Readiness
    from labelplan.flow.locking import Locking
    from labelplan.flow.verify import VerifiedPlan
    from labelplan.model.run import Capabilities
    from labelplan.store.interface import Writer

app = make_app(COMMANDS["apply"])


@app.command(epilog="Example: labelplan apply deer.plan.json --lock-timeout 300")
def apply(  # noqa: PLR0913 - a command's options
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A signed plan.")],
    *,
    lock_timeout: LockTimeoutOption = 0,
    no_lock: NoLockOption = False,
    auto_approve: AutoApproveOption = False,
    key: KeyOption = None,
    signers: SignersOption = None,
    trust_own_key: TrustOwnKeyOption = False,
    as_json: JsonOption = False,
) -> int:
    """Delete exactly what a verified plan says, each object only if it is still the one that was labelled.

    Refuses plans that are not trusted, do not follow from their own answers, are expired, applied before, beyond their
    guards or for another bucket, and where the way back is missing or too short. Tries out what the server honours,
    with canary objects under .labelplan/probe/, and says until when all can be undone. The record that undo needs is
    in the bucket before the first delete. After an interruption the same command goes on.

    Exits with 3 if some objects were skipped or failed, 5 if the plan is not trusted, 6 if it is expired or was
    applied, 7 if a guard stops it, 8 if somebody else is at work, 10 if S3 allowed nothing, 11 for another bucket, 12
    without a way back; all codes: docs/exit-codes.md.
    """
    from labelplan.flow.checks import require_whole  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.flow.recheck import check_guards, replay  # noqa: PLC0415
    from labelplan.flow.verify import verify_plan  # noqa: PLC0415

    trust = trust_here(signers, key, trust_own_key=trust_own_key)
    how = locking(lock_timeout, disabled=no_lock)
    with verify_plan(plan, trust, dt.datetime.now(dt.UTC), allow_expired=True) as verified:
        require_whole(verified.plan.header)
        check_guards(verified.plan.header, verified.plan.counts)
        with meanwhile(lambda: replay(verified.plan.header, verified.plan.decisions())):
            writer, ready = _look(verified, how)
        applied = _apply(verified, writer, ready, how, auto_approve=auto_approve)
    if as_json:
        result(json.dumps(to_builtins(applied), ensure_ascii=False))
    else:
        for line in _result_lines(applied):
            result(line)
    return _code(applied)


def _code(applied: Applied) -> int:
    denied = applied.counts.keys() == {"failed"} and all(map(is_denied, applied.others))
    if denied:
        return AwsRefused.exit_code
    return DONE_IN_PART if applied.in_part else DONE


def _result_lines(applied: Applied) -> Iterator[str]:
    yield from outcome_lines("Apply", applied.counts, APPLY_WORDS, applied.others, Style(colour()))
    yield from allow_lines(applied.others, applied.run.partition("/")[0], "s3:DeleteObject, s3:GetObject")
    if not applied.counts.get("deleted"):
        return
    if applied.undo_until:
        yield until_line(applied.undo_until)
    yield f"Undo with: labelplan undo {applied.run}"


def _look(verified: VerifiedPlan, how: Locking) -> tuple[Writer, Readiness]:
    """Look, by reading alone, whether the plan can be applied, and nobody else is at work."""
    from labelplan.flow.apply import check_plan  # noqa: PLC0415 - help must not wait for AWS's libraries
    from labelplan.flow.recheck import spec_of  # noqa: PLC0415
    from labelplan.store.s3 import open_writer  # noqa: PLC0415

    target, requester_pays = verified.plan.header.target, spec_of(verified.plan.header).requester_pays
    writer = open_writer(target.bucket, region=target.region, account=target.account, requester_pays=requester_pays)
    ready = check_plan(verified.plan, writer)
    refuse_if_locked(writer, verified.plan.statement_sha256, how)
    _look_at_one(verified, writer)
    return writer, ready


def _look_at_one(verified: VerifiedPlan, writer: Writer) -> None:
    """List the versions of the first object that would go, as the apply does of all; raises `AwsRefused` if denied.

    What a server cannot do, trying it out says better.
    """
    from labelplan.flow.checks import deletes  # noqa: PLC0415 - as above

    first = next(deletes(verified.plan), None)
    if first is None:
        return
    try:
        writer.versions_of([first.key])
    except AwsRefused as error:
        if "NotImplemented" in error.what:
            return
        if "AccessDenied" not in error.what:
            raise
        bucket = verified.plan.header.target.bucket
        hint = f"Allow s3:ListBucketVersions in arn:aws:s3:::{bucket}. All that labelplan needs: {PERMISSIONS}"
        raise AwsRefused(error.what, hint=hint) from error


def _apply(verified: VerifiedPlan, writer: Writer, ready: Readiness, how: Locking, *, auto_approve: bool) -> Applied:
    from labelplan.flow.apply import apply_plan  # noqa: PLC0415 - as above

    _announce(verified)
    require_answer(auto_approve=auto_approve)
    found = _try_out(writer)
    _announce_way_back(verified, ready, found)
    ask(auto_approve=auto_approve)
    with stoppable() as stop, Progress("Deleting", "objects") as progress:
        return apply_plan(
            verified.plan,
            writer,
            signer=verified.signers[0],
            capabilities=found,
            locking=how,
            observer=RunProgress(progress),
            stop=stop,
        )


def _try_out(writer: Writer) -> Capabilities:
    talk("Trying out what the server honours, with canary objects under .labelplan/probe/")
    return writer.probe()


def _announce(verified: VerifiedPlan) -> None:
    """Say, before asking, what would be done to which bucket, and on whose word."""
    predicate = verified.plan.statement.predicate
    approvers = f", approved by {', '.join(verified.endorsement.approvers)}" if verified.endorsement.approvers else ""
    talk(printable(f"s3://{predicate.target.bucket}, planned by {verified.endorsement.author}{approvers}"))
    for rule, counts in verified.plan.counts.items():
        gone = ", ".join(f"{n:,} {reason}" for (action, reason), n in sorted(counts.items()) if action == "delete")
        kept = sum(n for (action, _), n in counts.items() if action == "keep")
        talk(f"  {printable(rule)}: delete {gone or 'nothing'}, keep {kept:,}")
    talk(totals_line(to_builtins(predicate.totals)))


def _announce_way_back(verified: VerifiedPlan, ready: Readiness, found: Capabilities) -> None:
    """Say, before asking, how all of it comes back, until when, at what cost, and how it is deleted if not as usual."""
    from labelplan.rules.strategy import choose_strategy, said  # noqa: PLC0415 - as above

    strategy = choose_strategy(found, ready.target.versioning, ready.target.bucket)
    totals = verified.plan.statement.predicate.totals
    for line in way_back_lines(ready.backup, ready.target.bucket, totals.delete, totals.delete_bytes):
        talk(line)
    talk(until_line(ready.way_back.until))
    uploaded = ready.backup.mode == "copy" and not found.copy_absent
    for line in note_lines((*ready.way_back.notes, *([UPLOADED] if uploaded else []))):
        talk(line)
    if strategy != "bulk":
        talk(f"Deletes: {said(strategy)}.")
    if ready.resumed:
        talk("This goes on with the run of this plan that was stopped.")
