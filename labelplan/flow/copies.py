"""The copies of one run: made and checked before an object is deleted, and put back only where no object is.

A copy lies at `<backup prefix>runs/<run>/objects/<key>`. Whether it is there and the same is read from the bucket,
never taken from a reply. Putting back is `put_back.py`'s.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from labelplan.errors import LabelplanError
from labelplan.flow.batches import SINGLY, TRIES, Pace, singly
from labelplan.flow.put_back import Source, look_at, put_back, said_together
from labelplan.flow.same_bytes import has_checksum, is_same
from labelplan.model.run import Attributes, Intent, UndoResult, copies_folder
from labelplan.store.copy_attributes import of_copy
from labelplan.store.interface import Copied

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from labelplan.model.objects import KeyVersion, S3Object
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Backup
    from labelplan.store.interface import Place, Writer

UNRECORDED = "its ACL, storage class, encryption and redirect were not recorded: they are what a new object has"
LONGEST_KEY = 1024
"""Bytes that a key may have in S3."""

_NOT_SENT = Copied("denied")
Saved = dict[str, Attributes | str]


class _Attempt(NamedTuple):
    """One object's copying: what was read of it, or why it is not to be copied, and the reply."""

    one: S3Object
    attributes: Attributes | str
    reply: Copied


class Copies:
    """The copies of one run: *data* is the planned bucket, *backup* the one of the copies, which may be the same.

    *acls*: whether the objects can have ACLs of their own. *fresh*: the run begins only now, so it has no copies yet.
    """

    def __init__(  # noqa: PLR0913 - two buckets, the place in one, the run, and what can be relied upon
        self,
        data: Writer,
        backup: Writer,
        place: Backup,
        run: str,
        capabilities: Capabilities,
        *,
        acls: bool,
        fresh: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Name the run. Nothing is read yet."""
        self._data = data
        self._backup = backup
        self._folder = copies_folder(place.prefix, run)
        self._capabilities = capabilities
        self._acls = acls
        self._fresh = fresh
        self._pace = pace or Pace()
        self._one_batch = threading.Lock()

    def key_of(self, key: str) -> str:
        """Name an object's copy."""
        return self._folder + key

    def save(self, wanted: Sequence[S3Object]) -> Saved:
        """Copy objects that have just been seen as current, and look at the copies; at most 1,000, ascending.

        Attributes: its copy was made now, is there and the same, so it may be deleted. Text: why there is none. An
        earlier attempt's copy never counts: the object's tags may have changed since.

        Tags and an ACL that change after this are lost with the delete in a bucket without versioning, and undo brings
        back those of now: S3 compares nothing but the content's ETag. Raises `LabelplanError` if the copies cannot be
        listed.
        """
        found: Saved = {one.key: why for one in wanted if (why := self._why_not(one))}
        rest = [one for one in wanted if one.key not in found]
        before = dict.fromkeys(one.key for one in rest) if self._fresh else self._listed(rest)
        for tried in range(1, TRIES + 1):
            if not rest:
                break
            self._pace.wait()
            attempts = self._copy(rest)
            again = self._conclude(attempts, before, found, last=tried == TRIES)
            if again:
                self._pace.hold_back(tried)
            rest = again
        return {one.key: found[one.key] for one in wanted}

    def _why_not(self, one: S3Object) -> str:
        longer = len(self.key_of(one.key).encode()) - LONGEST_KEY
        return f"the name of its copy would be {longer} bytes too long for S3" if longer > 0 else ""

    def _listed(self, wanted: Sequence[S3Object]) -> dict[str, KeyVersion | None]:
        """Return what lies where each object's copy belongs."""
        versions = self._backup.versions_of([self.key_of(one.key) for one in wanted]) if wanted else {}
        return {one.key: current_of(versions[self.key_of(one.key)]) for one in wanted}

    def _copy(self, wanted: Sequence[S3Object]) -> list[_Attempt]:
        """Look at each object and copy it, several at once; the looks run ahead of the copies.

        One batch at a time: others wait here, so that no more is under way however many there are.
        """
        with self._one_batch:
            self._data.place("", "")  # whose bucket it is, is asked once, and not by several threads
            self._backup.place("", "")
            looking, copying = ThreadPoolExecutor(SINGLY), ThreadPoolExecutor(SINGLY)
            try:
                looks = [looking.submit(self._describe, one) for one in wanted]
                copies = [copying.submit(self._copy_one, *pair) for pair in zip(wanted, looks, strict=True)]
                return [copy.result() for copy in copies]
            finally:
                looking.shutdown(cancel_futures=True)
                copying.shutdown(cancel_futures=True)

    def _describe(self, one: S3Object) -> Attributes | str:
        try:
            found = self._data.describe(one, uploaded=not self._capabilities.copy_absent)
            if isinstance(found, str) or not self._acls:
                return found
            acl = self._data.acl(one)
        except LabelplanError as error:
            return error.what
        return acl if isinstance(acl, str) else replace(found, acl=acl)

    def _copy_one(self, one: S3Object, look: Future[Attributes | str]) -> _Attempt:
        attributes = look.result()
        if isinstance(attributes, str):
            return _Attempt(one, attributes, _NOT_SENT)
        source = self._data.place(one.key, one.etag)
        reply = self._backup.copy_in(source, self.key_of(one.key), of_copy(attributes), absent=False)
        return _Attempt(one, attributes, reply)

    def _conclude(
        self, attempts: Sequence[_Attempt], before: dict[str, KeyVersion | None], found: Saved, *, last: bool
    ) -> list[S3Object]:
        """Look at the copies; return what is to be tried again: what a reply left open and is not there.

        Only a copy of this attempt counts: the reply says that it was made, or what is listed is not what was *before*.
        """
        now = self._listed([one for one, attributes, _ in attempts if not isinstance(attributes, str)])
        made = [
            (one, copy)
            for one, _, reply in attempts
            if (copy := now.get(one.key)) and (reply.outcome == "copied" or _is_another(copy, before[one.key]))
        ]
        proofs = {one.key: copy.etag for one, copy in made if (copy.etag, copy.size) == (one.etag, one.size)}
        unsure = [(one, copy) for one, copy in made if one.key not in proofs]
        proofs |= dict(singly(unsure, lambda pair: (pair[0].key, self._prove(*pair))))
        again = []
        for one, attributes, reply in attempts:
            proof = proofs.get(one.key)
            if isinstance(attributes, str):
                found[one.key] = attributes
            elif proof:
                found[one.key] = replace(attributes, copy="" if proof == one.etag else proof)
            elif reply.outcome == "doubtful" and not last:
                again.append(one)
            else:
                found[one.key] = f"no copy of it was made, or not the same: {reply.message}".rstrip(": ")
        return again

    def _prove(self, one: S3Object, now: KeyVersion) -> str:
        """Return the ETag of a copy that holds the same bytes as the object; empty if this is none.

        A HEAD is asked for its ETag: some servers list another one for what came in parts.
        """
        if now.size != one.size:
            return ""
        copy = self._backup.head(now.key)
        if copy is None or copy.size != one.size:
            return ""
        if copy.etag == one.etag:
            return copy.etag
        original, place = self._data.place(one.key, one.etag), self._backup.place(copy.key, copy.etag)
        return copy.etag if is_same(self._data, original, self._backup, place) else ""

    def restore(self, wanted: Sequence[Intent]) -> list[UndoResult]:
        """Put copies back where no object is; at most 1,000 objects, in any order, which were just seen absent.

        Raises `LabelplanError` if the buckets cannot be listed.
        """
        keys = sorted(self.key_of(one.key) for one in wanted)
        versions = self._backup.versions_of(keys)
        results: dict[str, UndoResult] = {}
        sources = []
        for one in wanted:
            place = self._place_of(one, versions[self.key_of(one.key)])
            if place is None:
                message = f"its copy {self.key_of(one.key)} is not there any more, or is another object now"
                results[one.key] = UndoResult(one.key, one.version_id, "failed", message)
            else:
                sources.append(Source(one, place, one.attributes or Attributes()))
        results |= put_back(self._data, self._backup, sources, self._capabilities, self._pace)
        return [_with_what_is_unknown(one, results[one.key]) for one in wanted]

    def look_at(self, one: Intent, now: KeyVersion) -> UndoResult:
        """Say whether what lies at a key under another ETag is the object: `present`; if not, `left`."""
        place = self._place_of(one, self._backup.key_versions(self.key_of(one.key)))
        gone = self._backup.place(self.key_of(one.key), one.etag)
        return look_at(self._data, self._backup, Source(one, place or gone, one.attributes or Attributes()), now)

    def _place_of(self, one: Intent, versions: Sequence[KeyVersion]) -> Place | None:
        """Find the copy that was made; in a versioned bucket also under what somebody has put on it.

        A copy that came late, and has an ETag that nobody recorded, is known by its checksum.
        """
        attributes = one.attributes or Attributes()
        etag = attributes.copy or one.etag
        for copy in versions:
            if not copy.is_delete_marker and (copy.etag, copy.size) == (etag, one.size):
                return self._backup.place(copy.key, etag, "" if copy.is_latest else copy.version_id)
        now = self._backup.head(self.key_of(one.key)) if current_of(versions) else None
        if now is None or now.size != one.size:
            return None
        place = self._backup.place(now.key, now.etag)
        return place if now.etag == etag or has_checksum(self._backup, place, attributes.checksum) else None


def current_of(versions: Sequence[KeyVersion]) -> KeyVersion | None:
    """Return the current object of a key's version list; None if there is none, or a delete marker hides it."""
    return versions[0] if versions and not versions[0].is_delete_marker else None


def _is_another(now: KeyVersion, before: KeyVersion | None) -> bool:
    """Tell whether a key was written since; a lifecycle rule may move what lies there to another storage class."""
    if before is None:
        return True
    return (now.version_id, now.etag, now.last_modified) != (before.version_id, before.etag, before.last_modified)


def _with_what_is_unknown(one: Intent, result: UndoResult) -> UndoResult:
    if one.attributes or result.outcome != "restored":
        return result
    return replace(result, message=said_together(UNRECORDED, result.message))
