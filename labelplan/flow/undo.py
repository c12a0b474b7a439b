"""Undo: bring back what a run deleted, from its record in the bucket alone.

No signing key and no local file is needed. The record is not trusted: it only says where to look. What is removed is a
delete marker that the key's version list, read just before, shows on top, and which is the run's; a copy is only put
back where no object is. So a forged record cannot erase a version, and anything newer is left alone. Running it again,
or on a run that was killed, is fine. What is done with the objects stands in `restoring.py`.
"""

from __future__ import annotations

import threading
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.errors import UsageError
from labelplan.flow.apply import SHOWN, backup_store, utc_now
from labelplan.flow.batches import Unobserved, batches_of, side_by_side
from labelplan.flow.copies import Copies
from labelplan.flow.locking import Locking, held
from labelplan.flow.owner import stored_plan
from labelplan.flow.recheck import spec_of
from labelplan.flow.recorded import open_record
from labelplan.flow.restoring import GONE, Chosen, Restoring, is_wanted
from labelplan.model.run import RunEnd, UndoResult
from labelplan.store.segments import NOTHING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Iterator

    from labelplan.errors import RunNotFound
    from labelplan.flow.batches import Batch, Observer
    from labelplan.model.run import Capabilities, RunStart
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Writer
    from labelplan.store.runs import RunRecord


class Undone(Struct, frozen=True):
    """What an undo came to. *run*: `BUCKET/RUN_ID`. *counts*: objects by outcome, of those that the run deleted.

    *others*: the first objects that were neither restored as they were nor there already, and why. *open*: how many are
    there, but the run was stopped before it heard of their delete: it may still come, within a quarter of an hour.
    """

    run: str
    counts: dict[str, int]
    others: tuple[UndoResult, ...]
    open: int

    @property
    def in_part(self) -> bool:
        """Tell whether something was left as it is, or failed."""
        return bool(self.others)


def undo_run(  # noqa: PLR0913 - five of them are what to undo, and how the caller watches, stops and locks it
    writer: Writer,
    run_id: str,
    keys: Collection[str] = (),
    rules: Collection[str] = (),
    *,
    locking: Locking = Locking(),  # noqa: B008 - frozen
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Undone:
    """Bring back what the run deleted, or only *keys*, or only what *rules* deleted; return what became of each object.

    *run_id* is the part after the bucket's name. *stop*, *observer*, *locking* as for `apply_plan`. Raises, before
    anything is changed, `RunNotFound`, `WrongTarget`, `PlanCorrupt`, `Locked`, and `UsageError` for a key or rule of
    which the run deleted nothing; and `AwsRefused` at any time.
    """
    writer, record, start = open_record(writer, run_id)
    observer = observer or Unobserved()
    counts: Counter[str] = Counter()
    others: list[UndoResult] = []
    chosen = Chosen(frozenset(keys), frozenset(rules))
    with (
        stored_plan(record, start) as plan,
        held(writer, locking, command="undo", work=start.statement_sha256, stop=stop) as lease,
    ):
        # read under the lock, and in this order: what a run that ended had recorded is all there then
        end, purged = record.end(), record.purged()
        record.segments.batches(), record.undo.batches()  # once, before there are threads
        _require_deleted(batches_of(plan, start.batch), record, chosen, ended=end is not None)
        gone = GONE if purged is None else f"its way back was ended on purpose on {purged.finished:%Y-%m-%d}"
        restoring = Restoring(writer, record, chosen, _Tools(writer, plan, run_id), lease, gone, end is not None)
        observer.started(f"{start.target.bucket}/{run_id}", _expected(plan, end, start, chosen), resumed=False)
        unsettled = still_open = 0
        for batch in side_by_side(batches_of(plan, start.batch), restoring.restore, stop=stop):
            unsettled += batch.unsettled
            still_open += batch.open
            counts.update(result.outcome for result in batch.results)
            told = (one for one in batch.results if one.outcome in {"left", "failed"} or one.message)
            others += list(told)[: SHOWN - len(others)]
            observer.progressed(counts)
        if not (chosen.is_part or "failed" in counts or unsettled):
            record.finish_undo(RunEnd(run_id, now(), dict(counts)))
    return Undone(f"{start.target.bucket}/{run_id}", dict(counts), tuple(others), still_open)


class _Tools:
    """What undo needs for some runs only, made when it is first needed."""

    def __init__(self, writer: Writer, plan: PlanFile, run: str) -> None:
        self._writer = writer
        self._plan = plan
        self._run = run
        self._asking = threading.Lock()
        self._found: Capabilities | None = None

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the endpoint does now: the record's word could be forged."""
        with self._asking:  # batches go on side by side
            return self._found or self._probe()

    def _probe(self) -> Capabilities:
        self._found = self._writer.probe()
        return self._found

    @cached_property
    def copies(self) -> Copies | None:
        """The run's copies, where the plan's own spec says; None where the way back is the versions."""
        backup = spec_of(self._plan.header).backup
        beside = backup_store(self._writer, backup)
        if beside is None:
            return None
        return Copies(self._writer, beside, backup, self._run, self.capabilities, acls=True)


def _require_deleted(batches: Iterable[Batch], record: RunRecord, chosen: Chosen, *, ended: bool) -> None:
    """Raise `UsageError` if one of the chosen keys or rules is not among what the run deleted."""
    if not chosen.is_part:
        return
    keys, rules = set(chosen.keys), set(chosen.rules)
    for batch in batches:
        if covered := list(_of(batch, chosen)):
            unread: list[RunNotFound] = []
            said, lost = record.segments.read(batch.number, unreadable=unread.append), ended or bool(unread)
            deleted = [(key, rule) for key, rule in covered if is_wanted(said.get(key, NOTHING), lost=lost)]
            keys.difference_update(key for key, _ in deleted)
            rules.difference_update(rule for _, rule in deleted)
    names = sorted(keys) + [f"anything of the label rule {rule!r}" for rule in sorted(rules)]
    if names:
        raise UsageError(
            f"The run did not delete {', '.join(names)}.",
            hint="labelplan show PLAN --deletes lists what it was to delete.",
        )


def _of(batch: Batch, chosen: Chosen) -> Iterator[tuple[str, str]]:
    for one, rule in zip(batch.objects, batch.rules, strict=True):
        if chosen.covers(one.key, rule):
            yield one.key, rule


def _expected(plan: PlanFile, end: RunEnd | None, start: RunStart, chosen: Chosen) -> int:
    """Say how many objects will be worked on, for the progress that is shown: exact for a run that ended."""
    if chosen.is_part:
        return sum(1 for batch in batches_of(plan, start.batch) for _ in _of(batch, chosen))
    return end.counts.get("deleted", 0) if end else plan.statement.predicate.totals.delete
