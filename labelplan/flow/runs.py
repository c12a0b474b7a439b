"""What the run records in a bucket tell: which runs there were, what became of their objects, how each can be undone.

Nothing is changed here. A record is the word of whoever may write to the bucket; it is shown as it is, and one that
cannot be read hides no other.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.errors import Locked, RunNotFound, WrongTarget
from labelplan.flow.lock_record import find
from labelplan.model.run import ApplyResult, RunEnd, RunStart, UndoResult
from labelplan.store.runs import RunRecord, run_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.model.run import Lock
    from labelplan.store.interface import Writer

State = Literal["running", "incomplete", "complete", "undone in part", "undone", "purged", "unreadable"]
"""How far a run got. `incomplete`: no apply is at work, and the same one would go on. `purged`: no way back any more.

`undone`: an undo dealt with everything, `undone in part`: with a part, or it was stopped.
"""


class RunSummary(Struct, frozen=True):
    """One run of a bucket. *start*: None if it is unreadable, then *message* says why.

    *at_work*: the command that holds the bucket's lock for this run now, such as `undo`; empty: none. *applied*,
    *undone*, *purged*: when each of them ended, with its counts; None: it did not.
    """

    run: str
    state: State
    start: RunStart | None = None
    applied: RunEnd | None = None
    undone: RunEnd | None = None
    purged: RunEnd | None = None
    at_work: str = ""
    message: str = ""


class RunStory(Struct, frozen=True):
    """All that a record tells. *counts*: the plan's deletes that have had an outcome; *undo_counts*: what undo did.

    *others*: the objects that were not deleted, *undo_others*: those that were left or failed, each with the reason;
    no more of them than the caller wanted.
    """

    summary: RunSummary
    counts: dict[str, int]
    others: tuple[ApplyResult, ...]
    undo_counts: dict[str, int]
    undo_others: tuple[UndoResult, ...]


def list_runs(writer: Writer) -> Iterator[RunSummary]:
    """Stream the bucket's runs, oldest first; raises `AwsRefused`."""
    lock = _held(writer)
    for run in run_names(writer):
        yield _summary(RunRecord(writer, run), lock)


def read_summary(writer: Writer, run_id: str) -> RunSummary:
    """Read what `list_runs` says of one run; raises `RunNotFound`, `WrongTarget`, `AwsRefused`."""
    record = RunRecord(writer, run_id)
    _require_own(record.start(), writer)
    return _summary(record, _held(writer))


def read_run(writer: Writer, run_id: str, most: int | None = None) -> RunStory:
    """Read one run's record; *most*: so many of the objects that were not deleted, and not restored; None: all.

    *run_id* is the part after the bucket's name. Memory grows with what undo did. Raises `RunNotFound`, `WrongTarget`
    for the record of another bucket, `AwsRefused`.
    """
    record = RunRecord(writer, run_id)
    _require_own(record.start(), writer)
    counts: Counter[str] = Counter()
    others: list[ApplyResult] = []
    for result in record.results():
        counts[result.outcome] += 1
        if result.outcome != "deleted" and (most is None or len(others) < most):
            others.append(result)
    undone = {result.key: result for result in record.undo_results()}  # of several the last word
    open_ones = (result for result in undone.values() if result.outcome in {"left", "failed"})
    return RunStory(
        _summary(record, _held(writer)),
        dict(counts),
        tuple(others),
        dict(Counter(result.outcome for result in undone.values())),
        tuple(islice(open_ones, most)),
    )


def _require_own(start: RunStart, writer: Writer) -> None:
    bucket = writer.target().bucket
    if start.target.bucket != bucket:
        raise WrongTarget(f"The record of the run {start.run} is of the bucket {start.target.bucket}, not of {bucket}.")


def _summary(record: RunRecord, lock: Lock | None) -> RunSummary:
    try:
        start = record.start()
        ends = (record.end(), record.undone(), record.purged())
        undo_begun = record.undo_begun()
    except RunNotFound as error:
        return RunSummary(record.run, "unreadable", message=error.what)
    at_work = lock.command if lock is not None and lock.work == start.statement_sha256 else ""
    return RunSummary(record.run, _state(ends, at_work, undo_begun=undo_begun), start, *ends, at_work=at_work)


def _state(ends: tuple[RunEnd | None, RunEnd | None, RunEnd | None], at_work: str, *, undo_begun: bool) -> State:
    applied, undone, purged = ends
    if purged:
        return "purged"
    if undone:
        return "undone"
    if undo_begun:
        return "undone in part"
    if applied:
        return "complete"
    return "running" if at_work == "apply" else "incomplete"


def _held(writer: Writer) -> Lock | None:
    """Return the lock if somebody holds it; one that cannot be read says nothing about a run."""
    with suppress(Locked):
        found = find(writer)
        return found.lock if found and found.is_held else None
    return None
