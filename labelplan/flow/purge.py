"""Purge: end the way back of one run on purpose, so that what it deleted is gone for good.

For privacy, or to free the room. What is destroyed is found as undo would find it: the old versions that the run's own
delete markers hide right now, or the run's copies; but unlike undo it does not rest on the record's word alone. The
record's plan must be signed by people who are trusted here, as for an apply, so that whoever can only write records
cannot choose what is destroyed. The record stays, so that the plan stays applied. Nothing else in labelplan can destroy
a version (`store/s3_purge.py`). What is done with the objects stands in `erasing.py`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from labelplan.errors import PlanCorrupt
from labelplan.flow.apply import SHOWN, utc_now
from labelplan.flow.batches import Unobserved, batches_of, side_by_side
from labelplan.flow.checks import require_whole
from labelplan.flow.erasing import PurgeResult, way_back_of
from labelplan.flow.locking import Locking, held
from labelplan.flow.owner import stored_plan
from labelplan.flow.recheck import spec_of
from labelplan.flow.recorded import open_record
from labelplan.flow.verify import verify_plan
from labelplan.model.run import RunEnd
from labelplan.store.runs import RunRecord

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from labelplan.flow.batches import Batch, Observer
    from labelplan.model.run import RunStart
    from labelplan.planfile.reader import PlanFile
    from labelplan.planfile.trust import Trust
    from labelplan.store.interface import Purger

_NOT_ITS_OWN = "Nothing was erased. Find out who wrote below .labelplan/ in the bucket."


class Doomed(NamedTuple):
    """What a purge would destroy: so many *objects*, of *size* bytes in all.

    *kept*: how many more the run deleted, or may have, and the purge leaves, by the reason. *versions_stay*: it
    destroys copies, and the bucket has versioning, so that the objects' own old versions stay.
    """

    objects: int
    size: int
    kept: Mapping[str, int] = MappingProxyType({})
    versions_stay: bool = False


class Purged(Struct, frozen=True):
    """What a purge came to. *run*: `BUCKET/RUN_ID`. *counts*: versions or copies by outcome.

    *others*: the first ones that are still there, and why.
    """

    run: str
    counts: dict[str, int]
    others: tuple[PurgeResult, ...]

    @property
    def in_part(self) -> bool:
        """Tell whether something is still there, and so the way back not ended; the same command tries it again."""
        return bool(self.counts.keys() - {"erased"})


def look_at_purge(purger: Purger, run_id: str, trust: Trust, *, now: Callable[[], dt.datetime] = utc_now) -> Doomed:
    """Count what a purge of the run would destroy; changes nothing. Raises as `purge_run` does."""
    purger, record, start = open_record(purger, run_id)
    with _trusted_plan(record, start, trust, now()) as plan:
        _read_index(record)
        kind = way_back_of(purger, record, start)
        objects = size = 0
        kept: Counter[str] = Counter()
        for found in map(kind.find, batches_of(plan, start.batch)):
            objects += len(found.doomed)
            size += sum(entry.size for entry in found.doomed)
            kept.update(old.why for old in found.kept)
        stay = start.backup.mode == "copy" and purger.versioning() != "Disabled"
    return Doomed(objects, size, kept, stay)


def purge_run(  # noqa: PLR0913 - four of them are how the caller watches, stops and locks it
    purger: Purger,
    run_id: str,
    trust: Trust,
    *,
    locking: Locking = Locking(),  # noqa: B008 - frozen
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Purged:
    """Destroy what would bring the run's deletes back, and record that; return what became of it.

    *run_id* is the part after the bucket's name; *trust*: who must have signed its plan. *stop*, *observer*, *locking*
    as for `apply_plan`. Running it again is fine. A run that was stopped does not go on after it. It is recorded as
    purged only if nothing of it is left. Raises, before anything is changed, `RunNotFound`, `WrongTarget`,
    `PlanCorrupt`, `BadSignature`, `UnknownSigner`, `PartialPlan`, `Locked`, and `NoWayBack` in a bucket without
    versioning whose way back would be its versions; and `AwsRefused` at any time.
    """
    observer = observer or Unobserved()
    counts: Counter[str] = Counter()
    others: list[PurgeResult] = []
    purger, record, start = open_record(purger, run_id)
    with (
        _trusted_plan(record, start, trust, now()) as plan,
        held(purger, locking, command="runs purge", work=start.statement_sha256, stop=stop) as lease,
    ):
        kind = way_back_of(purger, record, start)
        _end_run(purger, run_id, now)
        _read_index(record)  # only now: until the lock was ours an apply may have been at work

        def work(batch: Batch) -> list[PurgeResult]:
            return kind.erase(batch, lease.require)

        observer.started(f"{start.target.bucket}/{run_id}", plan.statement.predicate.totals.delete, resumed=False)
        for results in side_by_side(batches_of(plan, start.batch), work, stop=stop):
            counts.update(result.outcome for result in results)
            others += [one for one in results if one.outcome != "erased"][: SHOWN - len(others)]
            observer.progressed(counts)
        purged = Purged(f"{start.target.bucket}/{run_id}", dict(counts), tuple(others))
        if not purged.in_part:
            record.finish_purge(RunEnd(run_id, now(), purged.counts))
    return purged


@contextmanager
def _trusted_plan(record: RunRecord, start: RunStart, trust: Trust, now: dt.datetime) -> Iterator[PlanFile]:
    """Open the record's plan, if trusted people signed it for this bucket and this way back."""
    with (
        stored_plan(record, start) as stored,
        verify_plan(stored.path, trust, now, start.statement_sha256, allow_expired=True) as verified,
    ):
        header = verified.plan.header
        require_whole(header)
        if (header.target.bucket, spec_of(header).backup) != (start.target.bucket, start.backup):
            raise PlanCorrupt(
                f"The bucket or the backup in the record of the run {record.run} is not what the plan says.",
                hint=_NOT_ITS_OWN,
            )
        yield verified.plan


def _read_index(record: RunRecord) -> None:
    """Find out which files the record has, once, before there are threads."""
    record.segments.batches()
    record.undo.batches()


def _end_run(purger: Purger, run_id: str, now: Callable[[], dt.datetime]) -> None:
    """Record that a run which was stopped is over, so that no apply goes on with it, also if the purge is stopped."""
    record = RunRecord(purger, run_id)
    if record.end() is None:
        record.finish(RunEnd(run_id, now(), dict(Counter(result.outcome for result in record.results()))))
