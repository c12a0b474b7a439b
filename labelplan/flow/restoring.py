"""One batch of an undo: read what the run recorded, look, take the run's own deletes back, and look again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from labelplan.errors import LabelplanError, RunNotFound
from labelplan.flow.batches import BATCH, TRIES, Pace, singly
from labelplan.flow.closer_look import look_closer
from labelplan.flow.put_back import put_version_back
from labelplan.model.run import Intent, UndoResult
from labelplan.rules.versions import AT_WORK, NEWER, Recorded, WayBack, is_planned, way_back
from labelplan.store.segments import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labelplan.flow.batches import Batch
    from labelplan.flow.closer_look import Tools
    from labelplan.flow.lock import Lease
    from labelplan.model.objects import KeyVersion, S3Object
    from labelplan.store.interface import Deleted, Writer
    from labelplan.store.runs import RunRecord
    from labelplan.store.segments import Said

GONE = "its version is gone for good: a lifecycle rule or somebody removed it"
AGAIN = "its delete marker was removed, but another one lies on it"

LATE = dt.timedelta(minutes=15)
"""How long after it was sent a request may still arrive."""

Results = dict[str, UndoResult]


class Restored(NamedTuple):
    """What came of a batch.

    *unsettled*: how many of its objects the run had no last word on. *open*: how many are there, but a delete of them
    was never answered, so that it may still come.
    """

    results: list[UndoResult]
    unsettled: int
    open: int


@dataclass(frozen=True)
class Chosen:
    """What is undone: *keys*, what *rules* deleted, or with neither everything."""

    keys: frozenset[str]
    rules: frozenset[str]

    @property
    def is_part(self) -> bool:
        """Tell whether it is not everything."""
        return bool(self.keys or self.rules)

    def covers(self, key: str, rule: str) -> bool:
        """Tell whether an object is chosen."""
        return not self.is_part or key in self.keys or rule in self.rules


def is_deleted(said: Said, *, lost: bool = False) -> bool:
    """Tell whether the run deleted an object, or may have.

    *lost*: a part of the record is missing, so what it does not settle may be. What is gone though the run was about to
    delete it counts: if it was somebody else's doing, undo says so.
    """
    if said.result is None or (lost and not said.settled):
        return said.intent is not None or lost
    if said.result.marker or said.result.outcome == "deleted":
        return True
    return said.intent is not None and said.result.outcome in {"failed", "gone"} and not said.denied


def is_wanted(said: Said, *, lost: bool = False) -> bool:
    """Tell whether undo has to look at an object: also where something newer was found after the run's intent.

    The delete may have come before that, or come late, and hide the object once what is newer is taken away.
    """
    return is_deleted(said, lost=lost) or _was_changed(said)


def _was_changed(said: Said) -> bool:
    result = said.result
    return said.intent is not None and result is not None and result.outcome == "changed" and not result.marker


def recorded_of(said: Said, undone: dt.datetime | None = None, *, lost: bool = False) -> Recorded:
    """Return what the record says of the delete itself; *undone*: when, by S3's clock, an undo had found it there.

    *lost*: a part of the record is missing, so there may have been another attempt.

    What was deleted after a delete was settled, and undone, is somebody else's doing. One that was not settled may come
    late, but not for ever: neither after its intent, nor after that undo looked.
    """
    marker = said.result.marker if said.result else ""
    since = said.since or (said.until if marker else None)  # an intent that was lost is known by what came of it
    at_work = said.last + AT_WORK if said.last else None
    if said.settled or (said.denied and not lost):
        again = undone is not None and said.until is not None and undone > said.until  # else that undo looked before
        until = said.until if marker else min(filter(None, (said.until, at_work)), default=None)
        until = at_work if _was_changed(said) else until  # what became of the delete, nobody knows
        return Recorded(marker, since, until, said.compared, again)
    return Recorded(marker, since, undone + LATE if undone else at_work, said.compared)


@dataclass(frozen=True)
class Restoring:
    """Takes the deletes of one run back, batch by batch.

    *gone*: what is said of an object of which nothing is left. *ended*: the run had recorded a result of every object.
    """

    writer: Writer
    record: RunRecord
    chosen: Chosen
    tools: Tools
    lease: Lease
    gone: str
    ended: bool
    pace: Pace = field(default_factory=Pace)

    def restore(self, batch: Batch) -> Restored:
        """Bring back what the run deleted of a batch; return what became of each object, all of it recorded.

        Nothing is said of an object that had changed before it could be deleted, and still is there as it was then.
        """
        unread: list[RunNotFound] = []
        said = self.record.segments.read(batch.number, unreadable=unread.append)
        times = self.record.undo.times(batch.number)
        lost = self.ended or bool(unread)
        unsettled = sum(1 for one in batch.objects if not said.get(one.key, NOTHING).settled)
        wanted = [
            one
            for one, rule in zip(batch.objects, batch.rules, strict=True)
            if self.chosen.covers(one.key, rule) and is_wanted(said.get(one.key, NOTHING), lost=lost)
        ]
        if not wanted:
            return Restored([], unsettled, 0)
        self.lease.require()
        results = self._bring_back(
            wanted,
            {one.key: recorded_of(said.get(one.key, NOTHING), times.get(one.key), lost=lost) for one in wanted},
            said,
        )
        done = [results[one.key] for one in wanted if one.key in results]
        if done:
            self.record.undo.add(batch.number, done)
        present = [said.get(result.key, NOTHING) for result in done if result.outcome == "present"]
        return Restored(done, unsettled, sum(1 for one in present if one.open and not one.settled))

    def _bring_back(
        self, wanted: list[S3Object], recorded: Mapping[str, Recorded], said: Mapping[str, Said]
    ) -> Results:
        try:
            versions = self.writer.versions_of([one.key for one in wanted])
        except LabelplanError as error:
            return {one.key: _result(one, "failed", error.what) for one in wanted}
        ways = {one.key: way_back(versions[one.key], one, recorded[one.key]) for one in wanted}
        kept = {key for key, way in ways.items() if way.way == "present" or way.why == NEWER}
        wanted = [one for one in wanted if one.key not in kept or not _was_changed(said.get(one.key, NOTHING))]
        results: Results = {}
        for one in wanted:
            match ways[one.key]:
                case WayBack("present"):
                    results[one.key] = _result(one, "present")
                case WayBack("left", _, why):
                    results[one.key] = _result(one, "left", why)
        others = [one for one in wanted if ways[one.key].why == NEWER]
        intents = [_intent(one, said.get(one.key, NOTHING).intent) for one in others]
        results |= look_closer(self.writer, self.tools, intents, versions)
        denied = self._remove_markers([one for one in wanted if ways[one.key].way == "marker"], ways, results)
        denied |= {one: "" for one in wanted if ways[one.key].way == "version"}
        put_back = singly(list(denied.items()), lambda pair: self._put_back(*pair))
        results |= {result.key: result for result in put_back}
        self._copy_back([one for one in wanted if ways[one.key].way == "absent"], said, results)
        return results

    def _remove_markers(
        self, hidden: list[S3Object], ways: dict[str, WayBack], results: Results
    ) -> dict[S3Object, str]:
        """Remove markers and look what is there then; a removal is by id, so it can be sent again.

        Returns the objects whose markers may not be removed, each with why; all others have a result.
        """
        denied: dict[S3Object, str] = {}
        for tried in range(1, TRIES + 1):
            if not hidden:
                break
            self.pace.wait()
            try:
                replies = self._remove([(one, entry) for one in hidden for entry in ways[one.key].entries])
                versions = self.writer.versions_of([one.key for one in hidden])
            except LabelplanError as error:
                results |= {one.key: _result(one, "failed", error.what) for one in hidden}
                break
            again = []
            for one in hidden:
                there, reply = versions[one.key], replies[one.key]
                if not _lies_on_top(ways[one.key].entries, there):
                    results[one.key] = _judge(one, there)
                elif reply.busy and tried < TRIES:
                    again.append(one)
                elif reply.outcome == "denied" and any(is_planned(version, one) for version in there):
                    denied[one] = reply.message
                else:
                    results[one.key] = _result(one, "failed", reply.message or "its delete marker is still there")
            if again:
                self.pace.hold_back(tried)
            hidden = again
        return denied

    def _remove(self, markers: list[tuple[S3Object, KeyVersion]]) -> dict[str, Deleted]:
        """Remove markers, a thousand a request; return for each key the reply that matters most."""
        replies: dict[str, Deleted] = {}
        for at in range(0, len(markers), BATCH):
            some = markers[at : at + BATCH]
            for (one, _), reply in zip(some, self.writer.remove_markers([entry for _, entry in some]), strict=True):
                if one.key not in replies or replies[one.key].outcome == "deleted":
                    replies[one.key] = reply
        return replies

    def _put_back(self, one: S3Object, why: str) -> UndoResult:
        """Copy the planned version over its marker, where the marker may not be removed."""
        try:
            result = put_version_back(self.writer, self.tools.capabilities, _intent(one))
        except LabelplanError as error:
            result = _result(one, "failed", error.what)
        if result.outcome == "failed" and why:
            return _result(one, "failed", f"{why}; {result.message}")
        return result

    def _copy_back(self, absent: list[S3Object], said: Mapping[str, Said], results: Results) -> None:
        if not absent:
            return
        try:
            copies = self.tools.copies
            restored = (
                copies.restore([_intent(one, said.get(one.key, NOTHING).intent) for one in absent]) if copies else []
            )
        except LabelplanError as error:
            results |= {one.key: _result(one, "failed", error.what) for one in absent}
            return
        results |= {one.key: _result(one, "failed", self.gone) for one in absent}
        results |= {result.key: result for result in restored}


def _lies_on_top(markers: Sequence[KeyVersion], versions: Sequence[KeyVersion]) -> bool:
    ids = {marker.version_id for marker in markers}
    return any(version.is_delete_marker and version.version_id in ids for version in versions)


def _judge(one: S3Object, versions: Sequence[KeyVersion]) -> UndoResult:
    """Say what lies there now that the marker does not: that counts, not the reply."""
    if not versions:
        return _result(one, "failed", GONE)
    if versions[0].is_delete_marker:
        return _result(one, "failed", AGAIN)
    if (versions[0].etag, versions[0].size) == (one.etag, one.size):
        return _result(one, "restored")
    return _result(one, "left", "a newer object that the run had hidden is shown again")


def _intent(one: S3Object, recorded: Intent | None = None) -> Intent:
    """Return what is to come back: the planned object, with the attributes that were recorded of it."""
    return Intent(one.key, one.version_id, one.etag, one.size, recorded.attributes if recorded else None)


def _result(one: S3Object, outcome: Literal["restored", "present", "left", "failed"], message: str = "") -> UndoResult:
    return UndoResult(one.key, one.version_id, outcome, message)
