"""Undo: bring back what a run deleted, from its record in the bucket alone.

No signing key and no local file is needed. The record is not trusted: it only says where to look. What is removed is a
delete marker that the key's version list, read just before, shows on top of the planned version; so a forged record
cannot erase a version, and anything newer is left alone. Running it again, or on a run that was killed, is fine.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from labelplan.errors import LabelplanError, UsageError, WrongTarget
from labelplan.flow.apply import SHOWN, utc_now
from labelplan.flow.batches import Unobserved, in_batches
from labelplan.flow.checks import deletes
from labelplan.flow.owner import stored_plan
from labelplan.model.run import RunEnd, UndoResult
from labelplan.rules.versions import is_planned, marker_to_remove, state
from labelplan.store.runs import RunRecord

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from collections.abc import Callable, Collection, Iterator

    from labelplan.flow.batches import Observer
    from labelplan.model.plan import Decision
    from labelplan.model.run import ApplyResult
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Writer


class Undone(Struct, frozen=True):
    """What an undo came to. *run*: `BUCKET/RUN_ID`. *counts*: objects by outcome, of those that the run deleted.

    *others*: the first objects that were neither restored nor there already, and why.
    """

    run: str
    counts: dict[str, int]
    others: tuple[UndoResult, ...]

    @property
    def in_part(self) -> bool:
        """Tell whether something was left as it is, or failed."""
        return bool(self.others)


class _Window(NamedTuple):
    """What the record says about one run: *recorded* outcomes by key, and S3's times that the run lies between."""

    recorded: dict[str, ApplyResult]
    since: dt.datetime
    until: dt.datetime | None


def undo_run(  # noqa: PLR0913 - three of them are how the caller watches and stops it
    writer: Writer,
    run_id: str,
    keys: Collection[str] = (),
    *,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Undone:
    """Bring back what the run deleted, or only *keys*; return what became of each object.

    *run_id* is the part after the bucket's name. *stop*, *observer* as for `apply_plan`. Raises, before anything is
    changed, `RunNotFound`, `WrongTarget`, `PlanCorrupt`, `UsageError` for a key that the run was not to delete; and
    `AwsRefused` at any time.
    """
    record = RunRecord(writer, run_id)
    bucket = writer.target().bucket
    start = record.start()
    if start.target.bucket != bucket:
        raise WrongTarget(f"The record of the run {run_id} is of the bucket {start.target.bucket}, not of {bucket}.")
    window = _Window(record.outcomes(), record.start_time(), record.undone_time())
    observer = observer or Unobserved()
    counts: Counter[str] = Counter()
    others: list[UndoResult] = []
    with stored_plan(record, start) as plan:
        observer.started(f"{bucket}/{run_id}", _count(plan, window, set(keys)), resumed=False)
        for results in in_batches(
            _wanted(plan, window, set(keys)), lambda planned: _restore(writer, planned, window), stop=stop
        ):
            record.undo.add(results)
            counts.update(result.outcome for result in results)
            others += [one for one in results if one.outcome in {"left", "failed"}][: SHOWN - len(others)]
            observer.progressed(counts)
        over = record.end() is not None or all(_is_deleted(window, planned) for planned in _wanted(plan, window, ()))
    if over and not keys and "failed" not in counts:
        record.finish_undo(RunEnd(run_id, now(), dict(counts)))
    return Undone(f"{bucket}/{run_id}", dict(counts), tuple(others))


def _wanted(plan: PlanFile, window: _Window, keys: Collection[str]) -> Iterator[Decision]:
    """Stream the deletes of the plan that the run carried out, or may have; all of them, or those of *keys*."""
    for planned in deletes(plan):
        result = window.recorded.get(planned.key)
        if (not keys or planned.key in keys) and (result is None or result.outcome in {"deleted", "failed"}):
            yield planned


def _is_deleted(window: _Window, planned: Decision) -> bool:
    """Tell whether the run has settled an object: one that it has not, it may still be about to delete."""
    result = window.recorded.get(planned.key)
    return result is not None and result.outcome == "deleted"


def _count(plan: PlanFile, window: _Window, keys: Collection[str]) -> int:
    """Count the objects to bring back; raises `UsageError` if one of *keys* is not among them."""
    found = 0
    missing = set(keys)
    for planned in _wanted(plan, window, keys):
        found += 1
        missing.discard(planned.key)
    if missing:
        raise UsageError(
            f"The run did not delete {', '.join(sorted(missing))}.",
            hint="labelplan show PLAN --deletes lists what it was to delete.",
        )
    return found


def _restore(writer: Writer, planned: Decision, window: _Window) -> UndoResult:
    """Bring one object back, and look whether it is."""
    try:
        versions = writer.key_versions(planned.key)
        if state(versions, planned) == "planned":
            return _result(planned, "present")
        if not any(is_planned(version, planned) for version in versions):
            return _result(planned, "failed", "its version is gone for good: a lifecycle rule or somebody removed it")
        result = window.recorded.get(planned.key)
        marker = marker_to_remove(versions, planned, result.marker if result else "", window.since, window.until)
        if isinstance(marker, str):
            return _result(planned, "left", marker)
        (reply,) = writer.remove_markers([marker])
        return _judge(writer, planned, reply.message)
    except LabelplanError as error:
        return _result(planned, "failed", error.what)


def _judge(writer: Writer, planned: Decision, message: str) -> UndoResult:
    """Look at an object after its marker was to be removed: what is there counts, not the reply."""
    versions = writer.key_versions(planned.key)
    if versions and not versions[0].is_delete_marker and versions[0].etag == planned.etag:
        return _result(planned, "restored")
    return _result(planned, "failed", message or "its delete marker was removed, but another one lies on it")


def _result(
    planned: Decision, outcome: Literal["restored", "present", "left", "failed"], message: str = ""
) -> UndoResult:
    return UndoResult(planned.key, planned.version_id, outcome, message)
