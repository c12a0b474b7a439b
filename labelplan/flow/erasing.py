"""One batch of a purge: look, destroy what this look shows to be the run's and hidden, and look again.

Every request rests on a look of its own, right before it, also when a busy server is asked once more: in the meantime
somebody may have brought an object back, and its version is the live one again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from labelplan.errors import NoWayBack
from labelplan.flow.batches import BATCH, TRIES, Pace
from labelplan.flow.copies import LONGEST_KEY
from labelplan.flow.restoring import is_deleted, recorded_of
from labelplan.model.objects import S3Object
from labelplan.model.run import copies_folder
from labelplan.rules.purging import OldVersion, old_version
from labelplan.store.interface import Deleted
from labelplan.store.segments import NOTHING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from labelplan.flow.batches import Batch
    from labelplan.model.objects import KeyVersion, Versioning
    from labelplan.model.run import RunStart
    from labelplan.rules.versions import Recorded
    from labelplan.store.interface import Purger
    from labelplan.store.runs import RunRecord
    from labelplan.store.segments import Said

SHOWN_AGAIN = "it is not hidden by the run's delete marker any more"

_UNSENT = Deleted("doubtful", message="the server was too busy, so this was not sent", busy=True)

Listed = dict[str, list["KeyVersion"]]


class PurgeResult(Struct, frozen=True):
    """What became of one version or copy; *message*: why it is still there. `kept`: not surely the run's to destroy."""

    key: str
    version_id: str
    outcome: Literal["erased", "kept", "failed"]
    message: str = ""


class Found(NamedTuple):
    """What a look shows: what may be destroyed, and what the run deleted as well, but is left, each with the reason."""

    doomed: Sequence[KeyVersion]
    kept: Sequence[OldVersion] = ()


class WayBackKind(Protocol):
    """What a run's way back consists of."""

    def find(self, batch: Batch) -> Found:
        """Return what is there of a batch."""

    def erase(self, batch: Batch, require: Callable[[], None]) -> list[PurgeResult]:
        """Destroy it, and look; *require* raises if nothing more may be sent."""


def way_back_of(purger: Purger, record: RunRecord, start: RunStart) -> WayBackKind:
    """Return what the run's way back consists of; raises `NoWayBack` if it has none."""
    backup = start.backup
    if backup.mode == "versioning":
        versions = _OldVersions(purger, record, record.end() is not None)
        versions.versioning()
        return versions
    beside = purger.beside(backup.bucket or start.target.bucket, region=backup.region, account=backup.account)
    return _RunCopies(beside, copies_folder(backup.prefix, record.run))


@dataclass(frozen=True)
class _OldVersions:
    """The versions that the run's own markers hide. *ended*: the run had recorded a result of every object."""

    purger: Purger
    record: RunRecord
    ended: bool
    pace: Pace = field(default_factory=Pace)

    def find(self, batch: Batch) -> Found:
        wanted = self._wanted(batch)
        return _sort(wanted, self.purger.versions_of([one.key for one, _ in wanted]), self.versioning())

    def erase(self, batch: Batch, require: Callable[[], None]) -> list[PurgeResult]:
        wanted = self._wanted(batch)
        keys = [one.key for one, _ in wanted]

        def pick(listed: Listed) -> Sequence[KeyVersion]:
            return _sort(wanted, listed, self.versioning()).doomed

        tried, listed = _Sending(self.purger, self.pace, require).send(keys, pick, self.purger.erase_versions)
        doomed, kept = _sort(wanted, listed, self.versioning())
        results = _became(tried, listed, hidden=set(doomed))
        untried = ((one, why) for one, why in kept if one not in tried)
        return results + [PurgeResult(one.key, one.version_id, "kept", why) for one, why in untried]

    def _wanted(self, batch: Batch) -> list[tuple[S3Object, Recorded]]:
        said = self.record.segments.read(batch.number)
        undone = self.record.undo.times(batch.number)
        recorded = ((one, said.get(one.key, NOTHING), undone.get(one.key)) for one in batch.objects)
        return [(one, _recorded_of(words, when)) for one, words, when in recorded if is_deleted(words, lost=self.ended)]

    def versioning(self) -> Versioning:
        """Return the bucket's state; raises `NoWayBack` if there are no versions."""
        versioning = self.purger.versioning()
        if versioning == "Disabled":  # some servers take an id there as if it were none
            raise NoWayBack(
                "The bucket has no versioning, so the run has no way back that could be ended.",
                hint="Nothing was erased. Versioning is never off again once it was on: this is another bucket of the "
                "same name, or the record was put here from another one.",
            )
        return versioning


@dataclass(frozen=True)
class _RunCopies:
    """The run's copies, with whatever lies under their keys: nothing but this run writes there."""

    purger: Purger
    folder: str
    pace: Pace = field(default_factory=Pace)

    def find(self, batch: Batch) -> Found:
        listed = self.purger.versions_of(self._keys(batch))
        return Found([*_copies(listed, latest=True), *_copies(listed, latest=False)])

    def erase(self, batch: Batch, require: Callable[[], None]) -> list[PurgeResult]:
        keys, sending = self._keys(batch), _Sending(self.purger, self.pace, require)
        current, _ = sending.send(keys, lambda listed: _copies(listed, latest=True), self._delete)
        old, listed = sending.send(keys, lambda listed: _copies(listed, latest=False), self.purger.erase_versions)
        tried = {(one.key, one.version_id): (one, reply) for one, reply in (current | old).items()}
        return _became(dict(tried.values()), listed)

    def _delete(self, current: Sequence[KeyVersion]) -> list[Deleted]:
        objects = [S3Object(one.key, one.version_id, one.etag, one.size) for one in current]
        return self.purger.delete_batch(objects, conditional=False)

    def _keys(self, batch: Batch) -> list[str]:
        keys = (self.folder + one.key for one in batch.objects)
        return [key for key in keys if len(key.encode()) <= LONGEST_KEY]


@dataclass(frozen=True)
class _Sending:
    """Sends what destroys. *require*: raises if nothing more may be sent."""

    purger: Purger
    pace: Pace
    require: Callable[[], None]

    def send(
        self,
        keys: Sequence[str],
        pick: Callable[[Listed], Sequence[KeyVersion]],
        send: Callable[[Sequence[KeyVersion]], list[Deleted]],
    ) -> tuple[dict[KeyVersion, Deleted], Listed]:
        """Send what *pick* takes out of a look, and what the server was too busy for once more, a few times.

        Sent again is only what the next look shows as the first one did. Returns each with its last reply, and what
        the last look showed, when nothing was left to send.
        """
        listed = self._look(keys)
        found = pick(listed)
        replies = dict.fromkeys(found, _UNSENT)
        busy = 0
        while (some := [one for one in found if one in replies and replies[one].busy][:BATCH]) and busy < TRIES:
            self.require()
            said = send(some)
            replies.update(zip(some, said, strict=True))
            if any(reply.busy for reply in said):
                busy += 1
                self.pace.hold_back(busy)
            listed = self._look(keys)
            found = pick(listed)
        return replies, listed

    def _look(self, keys: Sequence[str]) -> Listed:
        self.pace.wait()
        return self.purger.versions_of(keys)


def _recorded_of(said: Said, undone: dt.datetime | None) -> Recorded:
    recorded = recorded_of(said, undone)
    # an undo that saw it there came after the delete, if that is known by its marker, also in the same second
    return replace(recorded, undone=True) if undone and recorded.marker else recorded


def _sort(wanted: Iterable[tuple[S3Object, Recorded]], listed: Listed, versioning: Versioning) -> Found:
    told = (old_version(listed[one.key], one, recorded, versioning) for one, recorded in wanted)
    found = [old for old in told if old]
    return Found([old.version for old in found if not old.why], [old for old in found if old.why])


def _copies(listed: Listed, *, latest: bool) -> list[KeyVersion]:
    every = (version for found in listed.values() for version in found)
    return [version for version in every if version.is_latest is latest and not version.is_delete_marker]


def _became(
    tried: dict[KeyVersion, Deleted], listed: Listed, hidden: set[KeyVersion] | None = None
) -> list[PurgeResult]:
    """Say what became of each version: whether it is there counts, not the reply.

    *hidden*: what is still hidden as it was; what is there and is not, is left. None: of copies, which all had to go.
    """
    results = []
    for one, reply in tried.items():
        there = any((now.version_id, now.etag) == (one.version_id, one.etag) for now in listed[one.key])
        if not there:
            results.append(PurgeResult(one.key, one.version_id, "erased"))
        elif hidden is None or one in hidden:
            results.append(PurgeResult(one.key, one.version_id, "failed", reply.message or "it is still there"))
        else:
            results.append(PurgeResult(one.key, one.version_id, "kept", SHOWN_AGAIN))
    return results
