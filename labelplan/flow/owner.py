"""Whose a plan is: one run's, whose record holds the plan before the first delete, so that undo will find it.

A claim and a record are the word of whoever may write to the bucket. Before a run begins or goes on, its record must
be this plan's, and be one that undo can work with. What is deleted, and how, is the business of `apply.py`.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelplan.errors import AlreadyApplied, PlanCorrupt, PlanExpired, RunNotFound
from labelplan.flow import batches
from labelplan.flow.recheck import spec_of
from labelplan.model.run import RunStart
from labelplan.planfile.reader import open_plan
from labelplan.store.runs import RunRecord, claim, read_claim, run_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from labelplan.model.objects import Target
    from labelplan.model.run import Capabilities, Strategy
    from labelplan.model.spec import Backup
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Writer


class NewRun(NamedTuple):
    """What a run's first file says of it, besides the plan."""

    target: Target
    signer: str
    backup: Backup
    capabilities: Capabilities
    strategy: Strategy
    undo_until: dt.datetime | None


def check_owner(plan: PlanFile, writer: Writer) -> bool:
    """Tell whether *plan* belongs to a run that may go on; nothing is changed.

    Raises `AlreadyApplied` if that run is over, or its record is not this plan's; `PlanExpired` if it began too late.
    """
    owner = read_claim(writer, plan.statement_sha256)
    if owner is None:
        return False
    record = RunRecord(writer, owner)
    _require_own(plan, record)
    _refuse_finished(record)
    return True


def begin(plan: PlanFile, writer: Writer, new: NewRun, now: Callable[[], dt.datetime]) -> tuple[RunRecord, bool]:
    """Make the plan a new run's own and put it into the record, or find the run that it belongs to.

    Returns the record, and whether another attempt began the run. Raises what `check_owner` does, and `PlanCorrupt` if
    the plan's file has changed since it was checked.
    """
    owner = read_claim(writer, plan.statement_sha256)
    fresh = ""
    if owner is None:
        fresh = _reserve(plan, writer, new, now)
        owner = claim(writer, plan.statement_sha256, fresh)
    record, resumed = RunRecord(writer, owner), owner != fresh
    if resumed:
        _require_own(plan, record)
        _refuse_finished(record)
    if not resumed or not record.has_plan():
        _store_plan(plan, record)
        _require_own(plan, record)  # what the record holds now, not what was sent
    return record, resumed


def require_not_undone(record: RunRecord) -> None:
    """Raise `AlreadyApplied` once an undo of the run has recorded anything, or its way back was ended."""
    if record.may_go_on():
        return
    if record.undo_begun():
        raise AlreadyApplied(
            f"The run {record.run} is being undone, or was undone in part, so it does not go on.",
            hint="If the run was deleting while it was undone, undo it once more; then plan again.",
        )
    if purged := record.purged():
        raise AlreadyApplied(
            f"The way back of the run {record.run} was ended on purpose on {purged.finished:%Y-%m-%d}, so it stops.",
            hint="Plan again.",
        )


@contextmanager
def stored_plan(record: RunRecord, start: RunStart) -> Iterator[PlanFile]:
    """Open the plan out of the record; raises `RunNotFound` if it never got there, `PlanCorrupt` if it is another."""
    with tempfile.TemporaryDirectory(prefix="labelplan-") as folder:
        path = Path(folder, "plan.json")
        with path.open("wb") as file:
            if not record.copy_plan(file):
                raise RunNotFound(
                    f"The run {record.run} was stopped before it deleted anything.",
                    hint="There is nothing to undo. Give the same apply again.",
                )
        with open_plan(path) as plan:
            if (plan.sha256, plan.statement_sha256) != (start.plan_sha256, start.statement_sha256):
                raise PlanCorrupt(f"The plan in the record of the run {record.run} is not the plan that it began with.")
            yield plan


def _reserve(plan: PlanFile, writer: Writer, new: NewRun, now: Callable[[], dt.datetime]) -> str:
    """Write the record's first file under a name that no other run has; return the name."""
    while True:
        started = now()
        run = run_name(started, secrets.token_hex(4))
        start = RunStart(
            "labelplan/run/1",
            run,
            plan.statement_sha256,
            plan.sha256,
            new.target,
            started,
            new.signer,
            new.backup,
            new.capabilities,
            new.strategy,
            batches.BATCH,
            new.undo_until,
        )
        if RunRecord(writer, run).reserve(start):
            return run


def _require_own(plan: PlanFile, record: RunRecord) -> None:
    """Refuse a record that is not this plan's, with which undo could not work, or that began when it had expired."""
    try:
        start, since = record.start(), record.start_time()
        if record.has_plan() and not _is_stored(plan, record, start):
            with stored_plan(record, start):
                pass  # opening it is the check, and what undo will do
    except (RunNotFound, PlanCorrupt) as error:
        raise _foreign(record) from error
    backup = spec_of(plan.header).backup
    if (start.statement_sha256, start.target.bucket, start.backup) != (
        plan.statement_sha256,
        plan.header.target.bucket,
        backup,
    ):
        raise _foreign(record)
    if plan.header.expires <= since:
        raise PlanExpired(
            f"The plan expired on {plan.header.expires:%Y-%m-%d %H:%M} UTC, before the run {record.run} began."
        )


def _is_stored(plan: PlanFile, record: RunRecord, start: RunStart) -> bool:
    """Tell whether the record holds the very bytes of *plan*, which have been checked."""
    with tempfile.TemporaryFile() as stored:
        if start.plan_sha256 != plan.sha256 or not record.copy_plan(stored):
            return False
        stored.seek(0)
        return hashlib.file_digest(stored, "sha256").hexdigest() == plan.sha256


def _foreign(record: RunRecord) -> AlreadyApplied:
    return AlreadyApplied(
        f"The bucket gives this plan to the run {record.run}, but the record of that run is not this plan's.",
        hint="Nothing was deleted now. Find out who wrote below .labelplan/ in the bucket, and plan again.",
    )


def _refuse_finished(record: RunRecord) -> None:
    if undone := record.undone():
        raise AlreadyApplied(
            f"This plan was applied by the run {record.run}, and undone on {undone.finished:%Y-%m-%d}."
        )
    if end := record.end():
        raise AlreadyApplied(f"This plan was applied by the run {record.run} on {end.finished:%Y-%m-%d %H:%M} UTC.")
    require_not_undone(record)


def _store_plan(plan: PlanFile, record: RunRecord) -> None:
    """Put the plan into the record, byte for byte as `start.json` says; it is copied first, so that it holds still."""
    with tempfile.TemporaryFile() as copy:
        plan.file.seek(0)
        shutil.copyfileobj(plan.file, copy)
        copy.seek(0)
        if hashlib.file_digest(copy, "sha256").hexdigest() != plan.sha256:
            raise PlanCorrupt(f"{plan.path} changed after it was checked; nothing was deleted.")
        if record.start().plan_sha256 != plan.sha256 or not record.put_plan(copy):
            raise AlreadyApplied(
                f"The run {record.run} began with another copy of this plan, signed otherwise, and stopped at once.",
                hint="Apply that copy, or plan again.",
            )
