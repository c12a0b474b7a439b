"""Purge: end the way back of one run on purpose, so that what it deleted is gone for good.

For privacy, or to free the room. What is destroyed is found as undo would find it: the old versions that the run's own
delete markers hide right now, or the run's copies. The record stays, so that the plan stays applied. Nothing else in
labelplan can destroy a version (`store/s3_purge.py`).
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from labelplan.errors import NoWayBack, WrongTarget
from labelplan.flow.apply import SHOWN, utc_now
from labelplan.flow.batches import BATCH, TRIES, Pace, Unobserved, batches_of, side_by_side
from labelplan.flow.copies import LONGEST_KEY
from labelplan.flow.locking import Locking, held
from labelplan.flow.owner import stored_plan
from labelplan.flow.restoring import is_wanted, recorded_of
from labelplan.model.objects import S3Object
from labelplan.model.run import RunEnd
from labelplan.rules.purging import hidden_version
from labelplan.store.runs import RunRecord
from labelplan.store.segments import NOTHING

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from labelplan.flow.batches import Batch, Observer
    from labelplan.model.objects import KeyVersion, Versioning
    from labelplan.model.run import RunStart
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Deleted, Purger

Item = TypeVar("Item")


class Doomed(NamedTuple):
    """What a purge would destroy: so many *objects*, of *size* bytes in all."""

    objects: int
    size: int


class PurgeResult(Struct, frozen=True):
    """What became of one version or copy; *message*: why it is still there."""

    key: str
    version_id: str
    outcome: Literal["erased", "failed"]
    message: str = ""


class Purged(Struct, frozen=True):
    """What a purge came to. *run*: `BUCKET/RUN_ID`. *counts*: versions or copies by outcome.

    *others*: the first ones that are still there, and why.
    """

    run: str
    counts: dict[str, int]
    others: tuple[PurgeResult, ...]

    @property
    def in_part(self) -> bool:
        """Tell whether something is still there; the same command tries it again."""
        return "failed" in self.counts


def look_at_purge(purger: Purger, run_id: str) -> Doomed:
    """Count what a purge of the run would destroy; changes nothing. Raises as `purge_run` does."""
    with _opened(purger, run_id) as (record, start, plan):
        kind = _kind(purger, record, start)
        objects = size = 0
        for entries in map(kind.doomed, batches_of(plan, start.batch)):
            objects += len(entries)
            size += sum(entry.size for entry in entries)
    return Doomed(objects, size)


def purge_run(  # noqa: PLR0913 - four of them are how the caller watches, stops and locks it
    purger: Purger,
    run_id: str,
    *,
    locking: Locking = Locking(),  # noqa: B008 - frozen
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Purged:
    """Destroy what would bring the run's deletes back, and record that; return what became of it.

    *run_id* is the part after the bucket's name. *stop*, *observer*, *locking* as for `apply_plan`. Running it again is
    fine. A run that was stopped does not go on after it. Raises, before anything is changed, `RunNotFound`,
    `WrongTarget`, `PlanCorrupt`, `Locked`, and `NoWayBack` in a bucket without versioning whose way back would be its
    versions; and `AwsRefused` at any time.
    """
    observer = observer or Unobserved()
    counts: Counter[str] = Counter()
    others: list[PurgeResult] = []
    with (
        _opened(purger, run_id) as (record, start, plan),
        held(purger, locking, command="runs purge", work=start.statement_sha256, stop=stop) as lease,
    ):
        kind = _kind(purger, record, start)
        _end_run(record, now)

        def work(batch: Batch) -> list[PurgeResult]:
            lease.require()
            return kind.erase(batch)

        observer.started(f"{start.target.bucket}/{run_id}", plan.statement.predicate.totals.delete, resumed=False)
        for results in side_by_side(batches_of(plan, start.batch), work, stop=stop):
            counts.update(result.outcome for result in results)
            others += [one for one in results if one.outcome == "failed"][: SHOWN - len(others)]
            observer.progressed(counts)
        if "failed" not in counts:
            record.finish_purge(RunEnd(run_id, now(), dict(counts)))
    return Purged(f"{start.target.bucket}/{run_id}", dict(counts), tuple(others))


def _end_run(record: RunRecord, now: Callable[[], dt.datetime]) -> None:
    """Record that a run which was stopped is over, so that no apply goes on with it, also if the purge is stopped."""
    if record.end() is None:
        record.finish(RunEnd(record.run, now(), dict(Counter(result.outcome for result in record.results()))))


@contextmanager
def _opened(purger: Purger, run_id: str) -> Iterator[tuple[RunRecord, RunStart, PlanFile]]:
    record = RunRecord(purger, run_id)
    start, bucket = record.start(), purger.target().bucket
    if start.target.bucket != bucket:
        raise WrongTarget(f"The record of the run {run_id} is of the bucket {start.target.bucket}, not of {bucket}.")
    with stored_plan(record, start) as plan:
        record.segments.batches()  # read once, before there are threads
        yield record, start, plan


class _Kind(Protocol):
    def doomed(self, batch: Batch) -> Sequence[KeyVersion]:
        """Return what would be destroyed of a batch."""

    def erase(self, batch: Batch) -> list[PurgeResult]:
        """Destroy it, and look."""


def _kind(purger: Purger, record: RunRecord, start: RunStart) -> _Kind:
    backup = start.backup
    if backup.mode == "versioning":
        return _OldVersions(purger, record)
    beside = purger.beside(backup.bucket or start.target.bucket, region=backup.region, account=backup.account)
    return _RunCopies(beside, f"{backup.prefix}runs/{record.run}/objects/", beside.versioning())


@dataclass(frozen=True)
class _OldVersions:
    """The versions that the run's own markers hide."""

    purger: Purger
    record: RunRecord
    pace: Pace = field(default_factory=Pace)

    def doomed(self, batch: Batch) -> list[KeyVersion]:
        versioning = self.purger.versioning()
        if versioning == "Disabled":  # some servers take an id there as if it were none
            raise NoWayBack("The bucket has no versioning, so the run has no way back that could be ended.", hint="")
        said = self.record.segments.read(batch.number)
        wanted = [one for one in batch.objects if is_wanted(said.get(one.key, NOTHING))]
        versions = self.purger.versions_of([one.key for one in wanted])
        hidden = (hidden_version(versions[one.key], one, recorded_of(said[one.key]), versioning) for one in wanted)
        return [version for version in hidden if version]

    def erase(self, batch: Batch) -> list[PurgeResult]:
        return _erase(self.purger, self.doomed(batch), self.pace)


@dataclass(frozen=True)
class _RunCopies:
    """The run's copies, with whatever lies under their keys: nothing but this run writes there."""

    purger: Purger
    folder: str
    versioning: Versioning
    pace: Pace = field(default_factory=Pace)

    def doomed(self, batch: Batch) -> list[KeyVersion]:
        keys = [key for one in batch.objects if len((key := self.folder + one.key).encode()) <= LONGEST_KEY]
        found = self.purger.versions_of(keys)
        return [version for key in keys for version in found[key] if not version.is_delete_marker]

    def erase(self, batch: Batch) -> list[PurgeResult]:
        current = [one for one in self.doomed(batch) if one.is_latest]
        objects = [S3Object(one.key, one.version_id, one.etag, one.size) for one in current]
        tried = _again(objects, lambda some: self.purger.delete_batch(some, conditional=False), self.pace)
        rest = self.doomed(batch)
        results = _erase(self.purger, [one for one in rest if not one.is_latest], self.pace)
        left = {one.key for one in rest if one.is_latest}
        told = {one.key for one in results}
        results += [_failed(one, reply) for one, reply in zip(objects, tried, strict=True) if one.key in left]
        done = (one for one in objects if one.key not in left | told)
        return results + [PurgeResult(one.key, one.version_id, "erased") for one in done]


def _erase(purger: Purger, versions: Sequence[KeyVersion], pace: Pace) -> list[PurgeResult]:
    """Destroy old versions that have just been listed, and look which of them are still there."""
    results: list[PurgeResult] = []
    for at in range(0, len(versions), BATCH):
        some = versions[at : at + BATCH]
        replies = _again(some, purger.erase_versions, pace)
        listed = purger.versions_of(sorted({one.key for one in some}))
        there = {(key, one.version_id) for key, found in listed.items() for one in found}
        for one, reply in zip(some, replies, strict=True):
            gone = (one.key, one.version_id) not in there
            results.append(PurgeResult(one.key, one.version_id, "erased") if gone else _failed(one, reply))
    return results


def _again(items: Sequence[Item], send: Callable[[Sequence[Item]], list[Deleted]], pace: Pace) -> list[Deleted]:
    """Send a request, and what the server was too busy for once more, a few times: nothing here can be done twice."""
    replies: dict[int, Deleted] = {}
    rest = list(range(len(items)))
    for tried in range(1, TRIES + 1):
        if not rest:
            break
        pace.wait()
        sent = send([items[number] for number in rest])
        replies |= dict(zip(rest, sent, strict=True))
        if rest := [number for number in rest if replies[number].busy]:
            pace.hold_back(tried)
    return [replies[number] for number in range(len(items))]


def _failed(one: KeyVersion | S3Object, reply: Deleted) -> PurgeResult:
    return PurgeResult(one.key, one.version_id, "failed", reply.message or "it is still there")
