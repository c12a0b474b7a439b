"""Apply: delete exactly what a verified plan says, so that undo can bring it back.

The plan's signatures and guards have been checked by the caller. Here: the right bucket, a way back that lasts, what
the endpoint honours, the lock, the plan applied once, the record written before the first delete. Being killed anywhere
leaves a state from which the same command goes on (docs/decisions/0005 and 0010). What is done with the objects stands
in `deleting.py`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.errors import NoWayBack, PlanExpired
from labelplan.flow.batches import Unobserved, batches_of, side_by_side
from labelplan.flow.checks import deletes, require_same_target, require_versioning, require_whole
from labelplan.flow.copies import Copies
from labelplan.flow.deleting import Deleting
from labelplan.flow.lock import require_conditional_puts
from labelplan.flow.locking import Locking, held
from labelplan.flow.owner import NewRun, begin, check_owner, require_not_undone
from labelplan.flow.recheck import spec_of
from labelplan.flow.wayback import check_way_back
from labelplan.model.run import ApplyResult, RunEnd, Strategy
from labelplan.rules.strategy import choose_strategy

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from labelplan.flow.batches import Observer
    from labelplan.flow.lock import Lease
    from labelplan.flow.wayback import WayBack
    from labelplan.model.objects import Target
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Backup
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Writer
    from labelplan.store.runs import RunRecord

LARGEST_PLAN = 5 << 30
"""Bytes that S3 takes in one PutObject."""

SHOWN = 100
"""How many of the objects that were not deleted a result names; all are counted, and in the record."""


class Applied(Struct, frozen=True):
    """What a run came to. *run*: `BUCKET/RUN_ID`, undo's argument. *counts*: the plan's deletes by outcome.

    *others*: the first objects that were not deleted, and why. *undo_until*: when the way back ends; None: nothing that
    could be read ends it.
    """

    run: str
    counts: dict[str, int]
    others: tuple[ApplyResult, ...]
    strategy: Strategy
    undo_until: dt.datetime | None

    @property
    def in_part(self) -> bool:
        """Tell whether an object that the plan deletes was skipped, or failed."""
        return any(outcome != "deleted" for outcome in self.counts)

    @property
    def finished(self) -> bool:
        """Tell whether nothing failed; if something did, the same command tries it again."""
        return "failed" not in self.counts


@dataclass(frozen=True)
class Readiness:
    """What an apply would meet, found by reading alone. *resumed*: it would go on with a run that began."""

    target: Target
    backup: Backup
    way_back: WayBack
    resumed: bool


def utc_now() -> dt.datetime:
    """Return this machine's time, UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def apply_plan(  # noqa: PLR0913 - four of them are how the caller watches, stops and locks it
    plan: PlanFile,
    writer: Writer,
    *,
    signer: str,
    capabilities: Capabilities | None = None,
    locking: Locking = Locking(),  # noqa: B008 - frozen
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Applied:
    """Delete what *plan* lists as `delete`, or go on with the run that began to; return what became of each object.

    *signer*: the key id of who planned, for the record. *capabilities*: what `writer.probe()` has just found; None
    probes. Once *stop* is set, the batches in flight are finished and recorded, and `KeyboardInterrupt` raised. Raises,
    before anything is deleted, what `check_plan` does, and `NoWayBack` for an endpoint that ignores conditions, and
    `Locked`; and at any time `AwsRefused`, `NoWayBack` when versioning was switched meanwhile, `Locked` when the lock
    was lost, or `AlreadyApplied` when somebody undoes the run meanwhile.
    """
    ready = check_plan(plan, writer, now)
    for _ in deletes(plan):
        pass  # all of them are looked at before the first is deleted
    found = capabilities or writer.probe()
    strategy = choose_strategy(found, ready.target.versioning, ready.target.bucket)
    if ready.backup.mode == "copy" and not found.copy_source:
        raise NoWayBack(
            "This server ignores the condition on what is copied, so a late copy could overwrite a good one.",
            hint="Turn the bucket's versioning on, and plan again with `backup: {mode: versioning}`.",
        )
    if not locking.disabled:
        require_conditional_puts(found)
    with held(writer, locking, command="apply", work=plan.statement_sha256, stop=stop) as lease:
        new = NewRun(ready.target, signer, ready.backup, found, strategy, ready.way_back.until)
        record, resumed = begin(plan, writer, new, now)
        start = record.start()
        copies = _copies(writer, ready.backup, record.run, found, fresh=not resumed)
        run = f"{ready.target.bucket}/{record.run}"
        observer = observer or Unobserved()
        observer.started(run, plan.statement.predicate.totals.delete, resumed=resumed)
        deleting = Deleting(
            writer,
            record.segments,
            strategy,
            ready.target.versioning,
            copies,
            lease,
            _looking_around(writer, ready, record, lease),
            stop,
        )
        tally = Tally()
        record.segments.batches()  # read once, before there are threads
        for results in side_by_side(batches_of(plan, start.batch), deleting.delete, stop=stop):
            tally.add(results)
            observer.progressed(tally.counts)
        require_not_undone(record)
        until = min(filter(None, (start.undo_until, ready.way_back.until)), default=None)
        applied = Applied(run, dict(tally.counts), tuple(tally.others), strategy, until)
        if applied.finished:
            record.finish(RunEnd(record.run, now(), applied.counts))
    return applied


def check_plan(plan: PlanFile, writer: Writer, now: Callable[[], dt.datetime] = utc_now) -> Readiness:
    """Refuse a plan that may not be applied here and now, or could not be undone; return what would be met.

    It changes nothing, so a caller can ask it before asking a person. `apply_plan` does it again. Raises `PartialPlan`,
    `WrongTarget`, `NoWayBack`, `PlanCorrupt`, `AlreadyApplied`, `PlanExpired` (not for a run that goes on).
    """
    require_whole(plan.header)
    _require_recordable(plan)
    target = writer.target()
    require_same_target(plan.header.target, target)
    spec = spec_of(plan.header)
    if spec.backup.mode == "versioning":
        require_versioning(target.bucket, target.versioning)
    resumed = check_owner(plan, writer)
    if not resumed and plan.header.expires <= now():
        raise PlanExpired(f"The plan expired on {plan.header.expires:%Y-%m-%d %H:%M} UTC.")
    beside = backup_store(writer, spec.backup)
    way_back = check_way_back(writer, beside, spec.backup, [rule.prefix for rule in spec.rules], now())
    return Readiness(target, spec.backup, way_back, resumed)


def _require_recordable(plan: PlanFile) -> None:
    size = os.fstat(plan.file.fileno()).st_size
    if size > LARGEST_PLAN:
        raise NoWayBack(
            f"The plan has {size / 2**30:.1f} GB, and S3 takes 5 GB at once: the record that undo needs has no room.",
            hint="Split the spec, such as into one for each label, and plan again.",
        )


def backup_store(writer: Writer, backup: Backup) -> Writer | None:
    """Open the bucket that holds the copies; None where the way back is the versions."""
    if backup.mode == "versioning":
        return None
    target = writer.target()
    return writer.beside(backup.bucket or target.bucket, region=backup.region, account=backup.account)


def _copies(writer: Writer, backup: Backup, run: str, found: Capabilities, *, fresh: bool) -> Copies | None:
    beside = backup_store(writer, backup)
    if beside is None:
        return None
    return Copies(writer, beside, backup, run, found, acls=writer.protection().acls is not False, fresh=fresh)


def _looking_around(writer: Writer, ready: Readiness, record: RunRecord, lease: Lease) -> Callable[[], None]:
    """Return what makes sure, just before each delete is sent, that the run may go on as it began."""

    def look_around() -> None:
        lease.require()
        require_versioning(ready.target.bucket, writer.versioning(), ready.target.versioning)
        require_not_undone(record)

    return look_around


class Tally:
    """Counts and the first examples of outcomes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts: Counter[str] = Counter()
        self.others: list[ApplyResult] = []

    def add(self, results: Sequence[ApplyResult]) -> None:
        """Count a batch."""
        self.counts.update(result.outcome for result in results)
        others = (result for result in results if result.outcome != "deleted")
        self.others += list(others)[: SHOWN - len(self.others)]
