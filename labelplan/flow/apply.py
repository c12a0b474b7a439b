"""Apply: delete exactly what a verified plan says, so that undo can bring it back.

The plan's signatures and guards have been checked by the caller. Here: the right bucket, versioning on, the plan
applied once, the record written before the first delete, and each object looked at before it is deleted. Being killed
anywhere leaves a state from which the same command goes on (docs/decisions/0005-apply-and-undo.md).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.errors import AwsRefused, LabelplanError, PlanExpired
from labelplan.flow.batches import Unobserved, in_batches
from labelplan.flow.checks import deletes, require_same_target, require_versioning, require_whole
from labelplan.flow.owner import begin, check_owner, require_not_undone
from labelplan.model.run import ApplyResult, RunEnd
from labelplan.rules.versions import marker_above, state

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
    `PlanCorrupt`, `NoWayBack`, `AlreadyApplied`, `PlanExpired`; and at any time `AwsRefused`, `NoWayBack` when
    versioning was switched off meanwhile, or `AlreadyApplied` when somebody undoes the run meanwhile.
    """
    target = check_plan(plan, writer, now)
    record, since, resumed = begin(plan, writer, target, signer, now)
    run = f"{target.bucket}/{record.run}"
    observer = observer or Unobserved()
    observer.started(run, plan.statement.predicate.totals.delete, resumed=resumed)
    tally = _Tally(record.outcomes().values() if resumed else ())

    def look_around() -> None:
        require_versioning(target.bucket, writer.versioning())
        require_not_undone(record)

    for results in in_batches(
        (decision for decision in deletes(plan) if decision.key not in tally.settled),
        lambda decision: _delete(writer, decision, since),
        before_each=look_around,
        stop=stop,
    ):
        record.results.add(results)
        tally.add(results)
        observer.progressed(tally.counts)
        _stop_if_hopeless(results)
    require_not_undone(record)
    applied = Applied(run, dict(tally.counts), tuple(tally.others))
    if applied.finished:
        record.finish(RunEnd(record.run, now(), applied.counts))
    return applied


def check_plan(plan: PlanFile, writer: Writer, now: Callable[[], dt.datetime] = utc_now) -> Target:
    """Refuse a plan that may not be applied here and now, or could not be undone; return what the bucket is now.

    It changes nothing, so a caller can ask it before asking a person. `apply_plan` does it again. Raises `PartialPlan`,
    `WrongTarget`, `NoWayBack`, `PlanCorrupt`, `AlreadyApplied`, `PlanExpired` (not for a run that goes on).
    """
    require_whole(plan.header)
    target = writer.target()
    require_same_target(plan.header.target, target)
    require_versioning(target.bucket, target.versioning)
    for _ in deletes(plan):
        pass  # all of them are looked at before the first is deleted
    if not check_owner(plan, writer) and plan.header.expires <= now():
        raise PlanExpired(f"The plan expired on {plan.header.expires:%Y-%m-%d %H:%M} UTC.")
    return target


def _delete(writer: Writer, planned: Decision, since: dt.datetime) -> ApplyResult:
    """Delete one object if it still is the planned one. *since*: from when on a marker is the run's."""
    try:
        versions = writer.key_versions(planned.key)
        if state(versions, planned) != "planned":
            return _untouched(versions, planned, since)
        reply = writer.delete_current(planned.key, planned.etag)
        if reply.outcome == "deleted":
            return _result(planned, "deleted", marker=reply.marker)
        versions = writer.key_versions(planned.key)
        if state(versions, planned) == "planned":
            return _result(planned, "failed", f"it is still there: {reply.message}")
        return _untouched(versions, planned, None)
    except LabelplanError as error:
        return _result(planned, "failed", error.what)


def _untouched(versions: Sequence[KeyVersion], planned: Decision, since: dt.datetime | None) -> ApplyResult:
    """Say why an object that is not there as planned is left alone, or that this run has deleted it.

    The run has, whatever the reply was, if a marker of its time lies directly on the planned version: the request may
    have been repeated on the way, or another attempt of this run been faster. *since* None: any marker is of its time,
    for the object was there a moment ago.
    """
    marker = marker_above(versions, planned)
    if marker and (since is None or marker.last_modified >= since):
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
