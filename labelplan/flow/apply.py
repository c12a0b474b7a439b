"""Apply: delete exactly what a verified plan says, so that undo can bring it back.

The plan's signatures and guards have been checked by the caller. Here: the right bucket, versioning on, the plan
applied once, the record written before the first delete, and each object looked at before it is deleted. Being killed
anywhere leaves a state from which the same command goes on (docs/decisions/0005-apply-and-undo.md).
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.errors import AlreadyApplied, AwsRefused, LabelplanError, PartialPlan, PlanExpired
from labelplan.flow.batches import Unobserved, in_batches
from labelplan.flow.checks import deletes, require_same_target, require_versioning
from labelplan.model.run import ApplyResult, RunEnd, RunStart
from labelplan.rules.versions import marker_above, state
from labelplan.store.runs import RunRecord, claim, read_claim, run_name

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence

    from labelplan.flow.batches import Observer
    from labelplan.model.objects import KeyVersion, Target
    from labelplan.model.plan import Decision
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Writer

SHOWN = 100
"""How many of the objects that were not deleted a result names; all are counted, and in the record."""


_TOO_MANY = 100


class Applied(Struct, frozen=True):
    """What a run came to. *run*: `BUCKET/RUN_ID`, undo's argument. *counts*: the plan's deletes by outcome.

    *others*: the first objects that were not deleted, and why.
    """

    run: str
    counts: dict[str, int]
    others: tuple[ApplyResult, ...]

    @property
    def in_part(self) -> bool:
        """Tell whether an object that the plan deletes was skipped, or failed."""
        return any(outcome != "deleted" for outcome in self.counts)

    @property
    def finished(self) -> bool:
        """Tell whether nothing failed; if something did, the same command tries it again."""
        return "failed" not in self.counts


def utc_now() -> dt.datetime:
    """Return this machine's time, UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def apply_plan(  # noqa: PLR0913 - three of them are how the caller watches and stops it
    plan: PlanFile,
    writer: Writer,
    *,
    signer: str,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Applied:
    """Delete what *plan* lists as `delete`, or go on with the run that began to; return what became of each object.

    *signer*: the key id of who planned, for the record. Once *stop* is set, the batch in flight is finished and
    recorded, and `KeyboardInterrupt` raised. Raises, before anything is written, `PartialPlan`, `WrongTarget`,
    `PlanCorrupt`, `NoWayBack`, `AlreadyApplied`, `PlanExpired`; and at any time `AwsRefused`, or `NoWayBack` when
    versioning was switched off meanwhile.
    """
    target = check_plan(plan, writer, now)
    record, since = _begin(plan, writer, target, signer, now)
    run = f"{target.bucket}/{record.run}"
    observer = observer or Unobserved()
    observer.started(run, plan.statement.predicate.totals.delete, resumed=since is not None)
    tally = _Tally(record.outcomes().values() if since else ())
    for results in in_batches(
        (decision for decision in deletes(plan) if decision.key not in tally.settled),
        lambda decision: _delete(writer, decision, since),
        before_each=lambda: require_versioning(target.bucket, writer.versioning()),
        stop=stop,
    ):
        record.results.add(results)
        tally.add(results)
        observer.progressed(tally.counts)
        _stop_if_hopeless(results)
    applied = Applied(run, dict(tally.counts), tuple(tally.others))
    if applied.finished:
        record.finish(RunEnd(record.run, now(), applied.counts))
    return applied


def check_plan(plan: PlanFile, writer: Writer, now: Callable[[], dt.datetime] = utc_now) -> Target:
    """Refuse a plan that may not be applied here and now, or could not be undone; return what the bucket is now.

    It changes nothing, so a caller can ask it before asking a person. `apply_plan` does it again. Raises `PartialPlan`,
    `WrongTarget`, `NoWayBack`, `PlanCorrupt`, `AlreadyApplied`, `PlanExpired` (not for a run that goes on).
    """
    if plan.header.partial:
        raise PartialPlan(f"This plan covers only a part of the spec ({plan.header.partial}); it never applies.")
    target = writer.target()
    require_same_target(plan.header.target, target)
    require_versioning(target.bucket, target.versioning)
    for _ in deletes(plan):
        pass  # all of them are looked at before the first is deleted
    owner = read_claim(writer, plan.statement_sha256)
    if owner:
        _refuse_finished(RunRecord(writer, owner))
    elif plan.header.expires <= now():
        raise PlanExpired(f"The plan expired on {plan.header.expires:%Y-%m-%d %H:%M} UTC.")
    return target


def _begin(
    plan: PlanFile, writer: Writer, target: Target, signer: str, now: Callable[[], dt.datetime]
) -> tuple[RunRecord, dt.datetime | None]:
    """Make the plan this run's own and write it into the record, or find the run that it belongs to.

    Returns the record and, for a run that goes on, S3's time of its beginning.
    """
    owner = read_claim(writer, plan.statement_sha256)
    fresh = ""
    if owner is None:
        fresh = _reserve(plan, writer, target, signer, now)
        owner = claim(writer, plan.statement_sha256, fresh)
    record = RunRecord(writer, owner)
    _store_plan(plan, record)
    return record, None if owner == fresh else record.start_time()


def _reserve(plan: PlanFile, writer: Writer, target: Target, signer: str, now: Callable[[], dt.datetime]) -> str:
    """Write the record's first file under a name that no other run has; return the name."""
    while True:
        started = now()
        run = run_name(started, secrets.token_hex(2))
        start = RunStart("labelplan/run/1", run, plan.statement_sha256, plan.sha256, target, started, signer)
        if RunRecord(writer, run).reserve(start):
            return run


def _refuse_finished(record: RunRecord) -> None:
    if undone := record.undone():
        raise AlreadyApplied(
            f"This plan was applied by the run {record.run}, and undone on {undone.finished:%Y-%m-%d}."
        )
    if end := record.end():
        raise AlreadyApplied(f"This plan was applied by the run {record.run} on {end.finished:%Y-%m-%d %H:%M} UTC.")
    if next(record.undo.read(), None):
        raise AlreadyApplied(f"This plan was applied in part by the run {record.run}, and undone in part.")


def _store_plan(plan: PlanFile, record: RunRecord) -> None:
    """See to it that the record holds the plan, byte for byte as its `run.json` says, before the first delete."""
    if record.has_plan():
        return
    if record.start().plan_sha256 != plan.sha256 or not record.put_plan(plan.file):
        raise AlreadyApplied(
            f"The run {record.run} was begun with another copy of this plan, signed otherwise, and stopped at once.",
            hint="Apply that copy, or plan again.",
        )


def _delete(writer: Writer, planned: Decision, since: dt.datetime | None) -> ApplyResult:
    """Delete one object if it still is the planned one. *since*: when the run began, for one that goes on."""
    try:
        versions = writer.key_versions(planned.key)
        if state(versions, planned) != "planned":
            return _untouched(versions, planned, since)
        reply = writer.delete_current(planned.key, planned.etag)
        if reply.outcome == "deleted":
            return _result(planned, "deleted", marker=reply.marker)
        versions = writer.key_versions(planned.key)
        marker = marker_above(versions, planned) if reply.outcome == "doubtful" else None
        if marker:
            return _result(planned, "deleted", marker=marker.version_id)
        if state(versions, planned) == "planned":
            return _result(planned, "failed", f"it is still there: {reply.message}")
        return _untouched(versions, planned, None)
    except LabelplanError as error:
        return _result(planned, "failed", error.what)


def _untouched(versions: Sequence[KeyVersion], planned: Decision, since: dt.datetime | None) -> ApplyResult:
    """Say why an object that is not there as planned is left alone, or that this run deleted it before it stopped."""
    marker = marker_above(versions, planned)
    if marker and since and marker.last_modified >= since:
        return _result(planned, "deleted", marker=marker.version_id)
    if state(versions, planned) == "gone":
        return _result(planned, "gone", "it was deleted by somebody else")
    return _result(planned, "changed", "another version has been stored since it was labelled")


def _result(
    planned: Decision, outcome: Literal["deleted", "gone", "changed", "failed"], message: str = "", *, marker: str = ""
) -> ApplyResult:
    return ApplyResult(planned.key, planned.version_id, outcome, marker, message)


def _stop_if_hopeless(results: Sequence[ApplyResult]) -> None:
    """Raise `AwsRefused` after a whole batch of nothing but failures: the next ones would fail as well."""
    if len(results) > _TOO_MANY and all(result.outcome == "failed" for result in results):
        raise AwsRefused(
            f"Stopped: none of {len(results)} deletes worked. The last one: {results[-1].message}.",
            hint="Nothing is lost. When the cause is gone, the same command goes on.",
        )


class _Tally:
    """Counts and examples of outcomes; *settled*: the keys with which earlier attempts are done."""

    def __init__(self, earlier: Iterable[ApplyResult]) -> None:
        self.counts: Counter[str] = Counter()
        self.others: list[ApplyResult] = []
        settled = [result for result in earlier if result.outcome != "failed"]
        self.settled = {result.key for result in settled}
        self.add(settled)

    def add(self, results: Sequence[ApplyResult]) -> None:
        self.counts.update(result.outcome for result in results)
        others = [result for result in results if result.outcome != "deleted"]
        self.others += others[: SHOWN - len(self.others)]
