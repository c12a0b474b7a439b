"""One batch of an apply: look, record what is about to go, delete it, look where in doubt, record what came of it.

The order is what makes a run resumable and undoable: docs/decisions/0010-apply-in-bulk.md.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from labelplan.errors import AwsRefused, LabelplanError
from labelplan.flow.batches import TRIES, Pace, singly
from labelplan.model.run import ApplyResult, Intent
from labelplan.rules.versions import AT_WORK, is_planned, own_marker, state, uncovered, would_lose
from labelplan.store.bulk_xml import fits
from labelplan.store.interface import Deleted
from labelplan.store.segments import NOTHING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from labelplan.flow.batches import Batch
    from labelplan.flow.copies import Copies
    from labelplan.flow.lock import Lease
    from labelplan.model.objects import KeyVersion, S3Object, Versioning
    from labelplan.model.run import Attributes, Strategy
    from labelplan.store.interface import Writer
    from labelplan.store.segments import Said, Segments

LOOKED_AT = 100
"""Objects deleted one a request before the next look around; where the server does not compare, before one at them."""

_HOPELESS = 100
"""So many failures of a batch, and nothing else, are enough: the next batches would fail as well."""

_SENT = NOTHING._replace(since=dt.datetime.min.replace(tzinfo=dt.UTC))
"""Of what was there a moment ago, and a delete was sent for: any marker is of its time."""

_NOT_SENT = Deleted("denied", message="stopped before it was sent")
COVERED = "something newer may be hidden by this delete, since the server does not compare; undo shows it"

Versions = dict[str, list["KeyVersion"]]
Results = dict[str, ApplyResult]


@dataclass(frozen=True)
class Deleting:
    """Deletes the batches of one run. *copies*: where the way back is a copy.

    *before_each*: called before each request for many, or each hundred for one; raises if the run may not go on.
    *versioning*: the bucket's state, which *before_each* makes sure of.
    """

    writer: Writer
    segments: Segments
    strategy: Strategy
    versioning: Versioning
    copies: Copies | None
    lease: Lease
    before_each: Callable[[], None]
    stop: threading.Event | None
    pace: Pace = field(default_factory=Pace)

    @property
    def _compares(self) -> bool:
        return self.strategy != "check"

    def delete(self, batch: Batch) -> list[ApplyResult]:
        """Delete a batch, or what is left of it; return what became of each object, all of it recorded.

        Raises `LabelplanError` if it may not go on, or the record cannot be read or written.
        """
        said = self.segments.read(batch.number)
        rest = [one for one in batch.objects if not said.get(one.key, NOTHING).settled]
        earlier = {key: one.result for key, one in said.items() if one.result}
        if not rest:
            return [earlier[one.key] for one in batch.objects]
        self.lease.require()
        try:
            versions = self.writer.versions_of([one.key for one in rest])
        except LabelplanError as error:
            results = {one.key: _result(one, "failed", error.what) for one in rest}
            self.segments.settle(batch.number, None, list(results.values()))
            self._stop_if_hopeless(list(results.values()))
        else:
            results = self._not_there(batch.number, rest, versions, said)
            self._delete_and_settle(batch.number, rest, versions, results)
        return [results.get(one.key) or earlier[one.key] for one in batch.objects]

    def _delete_and_settle(self, number: int, rest: Sequence[S3Object], versions: Versions, results: Results) -> None:
        """Delete what has no result yet, between its intent and its result; what is known is recorded in any case."""
        intents = self._intents([one for one in rest if one.key not in results], versions, results)
        going = [one for one in rest if one.key not in results]
        attempt = self.segments.intend(number, intents) if intents else None
        try:
            self._delete_those(going, results)
        except LabelplanError:
            if known := [results[one.key] for one in rest if one.key in results]:
                self.segments.settle(number, attempt, known)
            raise
        self.segments.settle(number, attempt, [results[one.key] for one in rest])
        self._stop_if_hopeless([results[one.key] for one in going])

    def _not_there(
        self, number: int, rest: Sequence[S3Object], versions: Versions, said: Mapping[str, Said]
    ) -> Results:
        """Say of each object that is not there as planned why, or that the run deleted it."""
        away = [one for one in rest if state(versions[one.key], one) != "planned"]
        if any(said.get(one.key, NOTHING).since is None for one in away):
            said = self.segments.read(number, anew=True)  # another process may have been faster
        return {one.key: self._untouched(versions[one.key], one, said.get(one.key, NOTHING)) for one in away}

    def _delete_those(self, going: Sequence[S3Object], results: Results) -> None:
        """Delete what is there as planned and recorded as about to go; raises if the run may not go on."""
        step = len(going) if self.strategy == "bulk" and all(fits(one.key) for one in going) else LOOKED_AT
        for at in range(0, len(going), step or 1):
            self._send_and_look(going[at : at + step], results)

    def _stop_if_hopeless(self, sent: Sequence[ApplyResult]) -> None:
        """Raise `AwsRefused` after a whole batch of nothing but failures."""
        stopped = self.stop is not None and self.stop.is_set()
        if len(sent) > _HOPELESS and not stopped and all(result.outcome == "failed" for result in sent):
            raise AwsRefused(
                f"Stopped: none of {len(sent)} deletes worked. The last one: {sent[-1].message}.",
                hint="Nothing is lost. When the cause is gone, the same command goes on.",
            )

    def _intents(self, there: list[S3Object], versions: Versions, results: Results) -> list[Intent]:
        """Return what may be deleted; what may not gets its result."""
        sure = []
        for one in there:
            if would_lose(versions[one.key], one, self.versioning):
                results[one.key] = _result(one, "failed", "an older version of it would be lost for good")
            else:
                sure.append(one)
        saved: dict[str, Attributes | str] = self.copies.save(sure) if self.copies and sure else {}
        intents = []
        for one in sure:
            attributes = saved.get(one.key)
            if isinstance(attributes, str):
                results[one.key] = _result(one, "failed", attributes)
            else:
                intents.append(Intent(one.key, one.version_id, one.etag, one.size, attributes, self._compares))
        return intents

    def _send_and_look(self, going: Sequence[S3Object], results: Results) -> None:
        """Delete, look wherever the reply is not a plain yes, and try again what the server was too busy for."""
        for tried in range(1, TRIES + 1):
            self.pace.wait()
            self.before_each()  # as late as can be: it may have been stopped for hours since
            if not self._compares:
                going = self._still_there(going, results)
            replies = self._send(going)
            unclear = [(one, reply) for one, reply in zip(going, replies, strict=True) if reply.outcome != "deleted"]
            for one, reply in zip(going, replies, strict=True):
                if reply.outcome == "deleted":
                    results[one.key] = _result(one, "deleted", marker=reply.marker)
            if not self._compares:
                self._look_at_covered(going, results)
            again = self._conclude(unclear, results, tried)
            if not again:
                return
            self.pace.hold_back(tried)
            going = again

    def _send(self, going: Sequence[S3Object]) -> list[Deleted]:
        if self.strategy == "single":
            return singly(going, self._send_one)
        return self.writer.delete_batch(going, conditional=self.strategy == "bulk") if going else []

    def _send_one(self, one: S3Object) -> Deleted:
        if self.stop is not None and self.stop.is_set():
            return _NOT_SENT
        try:
            self.lease.require()
        except LabelplanError:
            return _NOT_SENT  # the next look around says why
        return self.writer.delete_current(one.key, one.etag)

    def _conclude(self, unclear: Sequence[tuple[S3Object, Deleted]], results: Results, tried: int) -> list[S3Object]:
        """Look at what a reply left open; return what is still there and may be sent once more.

        Sent again is only what carries a condition: a first copy that comes late is refused, or refuses the second.
        """
        if not unclear:
            return []
        try:
            versions = self.writer.versions_of([one.key for one, _ in unclear])
        except LabelplanError as error:
            results |= {one.key: _result(one, "failed", error.what) for one, _ in unclear}
            return []
        again = []
        for one, reply in unclear:
            if state(versions[one.key], one) != "planned":
                results[one.key] = self._untouched(versions[one.key], one, _SENT._replace(compared=self._compares))
            elif reply.busy and tried < TRIES and self._compares:
                again.append(one)
            else:
                why = f"it is still there: {reply.message}"
                # what is sent again had been left open before: that request may still come
                denied = tried == 1 and reply.outcome == "denied"
                results[one.key] = replace(_result(one, "failed", why), denied=denied)
        return again

    def _still_there(self, going: Sequence[S3Object], results: Results) -> list[S3Object]:
        """Look just before, where the server does not compare; what has changed gets its result."""
        try:
            versions = self.writer.versions_of([one.key for one in going])
        except LabelplanError as error:
            results |= {one.key: _result(one, "failed", error.what) for one in going}
            return []
        there = [one for one in going if state(versions[one.key], one) == "planned"]
        keys = {one.key for one in there}
        results |= {one.key: self._untouched(versions[one.key], one, NOTHING) for one in going if one.key not in keys}
        return there

    def _look_at_covered(self, going: Sequence[S3Object], results: Results) -> None:
        """Find out, where the server did not compare, which delete hid a newer object, and say so."""
        deleted = [one for one in going if one.key in results and results[one.key].outcome == "deleted"]
        try:
            versions = self.writer.versions_of([one.key for one in deleted])
        except LabelplanError:
            return  # undo looks again
        for one in deleted:
            there = versions[one.key]
            if there and there[0].is_delete_marker and not _is_on_top(uncovered(there), one):
                results[one.key] = _result(one, "changed", COVERED, marker=there[0].version_id)

    def _untouched(self, versions: Sequence[KeyVersion], planned: S3Object, said: Said) -> ApplyResult:
        """Say why an object that is not there as planned is left alone, or that this run has deleted it.

        The run has, whatever the reply was, if it was about to and a marker of that time lies directly on the planned
        bytes: the request may have been repeated on the way, or another attempt been faster. Where the way back is a
        copy, also if no version is left, or the marker `null` replaced it. Where the server does not compare, any
        marker of that time may be the run's.
        """
        if state(versions, planned) == "changed":
            return _result(planned, "changed", "another version has been stored since it was labelled")
        if said.since is not None:
            if marker := own_marker(versions, planned, said.since, said.last and said.last + AT_WORK):
                return _result(planned, "deleted", marker=marker.version_id)
            if not said.compared and versions and versions[0].last_modified >= said.since:
                covered = not _is_on_top(uncovered(versions), planned)
                outcome: Literal["changed", "deleted"] = "changed" if covered else "deleted"
                return _result(planned, outcome, COVERED if covered else "", marker=versions[0].version_id)
            if self.copies and not any(is_planned(version, planned) for version in versions):
                return _result(planned, "deleted", marker=versions[0].version_id if versions else "")
        return _result(planned, "gone", "it was deleted, and not by this run as far as can be seen")


def _is_on_top(shown: KeyVersion | None, planned: S3Object) -> bool:
    return shown is not None and (shown.etag, shown.size) == (planned.etag, planned.size)


def _result(
    planned: S3Object, outcome: Literal["deleted", "gone", "changed", "failed"], message: str = "", *, marker: str = ""
) -> ApplyResult:
    return ApplyResult(planned.key, planned.version_id, outcome, marker, message)
