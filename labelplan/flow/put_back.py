"""Objects put back from a copy, or from an old version, only where no object is; then looked at.

What somebody wrote meanwhile is never replaced: the server is asked to compare (`If-None-Match: *`), or nothing is
sent. What lies there afterwards decides what is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec.structs import replace

from labelplan.errors import LabelplanError
from labelplan.flow.batches import TRIES, Pace, singly
from labelplan.flow.same_bytes import has_checksum, is_same
from labelplan.model.objects import S3Object
from labelplan.model.run import Attributes, UndoResult
from labelplan.rules.versions import NULL
from labelplan.store.copy_attributes import Locked, archived, etag_may_differ
from labelplan.store.interface import Copied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.objects import KeyVersion
    from labelplan.model.run import Capabilities, Intent
    from labelplan.store.interface import Place, Writer

UNSAFE = "this server does not compare when it copies or writes, so a newer object could be replaced"
NEWER = "another object was stored there meanwhile"

Results = dict[str, UndoResult]


class Source(NamedTuple):
    """What is put back: which object, its content's *place*, and what a copy does not keep."""

    planned: Intent
    place: Place
    attributes: Attributes


class _Sent(NamedTuple):
    """A reply, and the attributes that were sent; *note*: which were not, and why."""

    reply: Copied
    attributes: Attributes
    note: str = ""


def put_back(data: Writer, store: Writer, sources: Sequence[Source], capabilities: Capabilities, pace: Pace) -> Results:
    """Put each source of *store* back into *data*, unless an object is there; return what became of each, by key.

    Raises `LabelplanError` if the bucket cannot be listed.
    """
    if not (capabilities.copy_absent or capabilities.put_absent):
        return {one.planned.key: _result(one, "failed", UNSAFE) for one in sources}
    sender = _Sender(data, store, server_side=capabilities.copy_absent)
    results: Results = {}
    rest = sorted(sources, key=lambda one: one.planned.key)
    for tried in range(1, TRIES + 1):
        if not rest:
            break
        pace.wait()
        sent = singly(rest, sender.send)
        versions = data.versions_of([one.planned.key for one in rest])
        looked = [(one, reply, versions[one.planned.key]) for one, reply in zip(rest, sent, strict=True)]
        judged = singly(looked, lambda three: sender.judge(*three))
        again = []
        for (one, what, _), result in zip(looked, judged, strict=True):
            if result.outcome == "failed" and what.reply.outcome == "doubtful" and tried < TRIES:
                again.append(one)
            else:
                results[one.planned.key] = result
        if again:
            pace.hold_back(tried)
        rest = again
    return results


def put_version_back(data: Writer, capabilities: Capabilities, planned: Intent) -> UndoResult:
    """Copy an old version over the delete marker that hides it, where markers may not be removed.

    Raises `LabelplanError` if the bucket cannot be read.
    """
    item = _version_of(planned)
    attributes = data.describe(item, by_version=True)
    if isinstance(attributes, str):
        return UndoResult(planned.key, planned.version_id, "failed", attributes)
    acl = data.acl(item, by_version=True)
    if not isinstance(acl, str):
        attributes = replace(attributes, acl=acl)
    source = Source(planned, data.place(planned.key, planned.etag, planned.version_id), attributes)
    result = put_back(data, data, [source], capabilities, Pace())[planned.key]
    if isinstance(acl, str) and result.outcome == "restored":
        return replace(result, message=said_together(acl, result.message))
    return result


def look_at(data: Writer, store: Writer, source: Source, now: KeyVersion) -> UndoResult:
    """Say of what lies at a key, under another ETag, whether it is the object: `present`; if not, `left`."""
    sender = _Sender(data, store, server_side=True)
    return sender.judge(source, _Sent(Copied("refused"), source.attributes), [now])


def look_at_version(data: Writer, planned: Intent, now: KeyVersion) -> UndoResult:
    """Say so of what lies over an old version, which an undo may have put there.

    Raises `LabelplanError` if the version cannot be read.
    """
    attributes = data.describe(_version_of(planned), by_version=True)
    if isinstance(attributes, str) or not etag_may_differ(planned.etag, attributes.encryption):
        return UndoResult(planned.key, planned.version_id, "left", NEWER)
    source = Source(planned, data.place(planned.key, planned.etag, planned.version_id), attributes)
    return look_at(data, data, source, now)


def _version_of(planned: Intent) -> S3Object:
    return S3Object(planned.key, planned.version_id, planned.etag, planned.size)


def said_together(*messages: str) -> str:
    """Join what is to be said of one object; an empty message says nothing."""
    return "; ".join(message for message in messages if message)


class _Sender:
    """Sends, and says from what is there what came of it. *server_side*: with CopyObject, else through this machine."""

    def __init__(self, data: Writer, store: Writer, *, server_side: bool) -> None:
        self._data = data
        self._store = store
        self._server_side = server_side

    def send(self, one: Source) -> _Sent:
        """Write an object where none is; without its ACL, or its Object Lock, if that is what the server minds.

        A lock that could not be set protects the old version all the same.
        """
        sent = _Sent(self._send(one, one.attributes), one.attributes)
        for attributes, what in _less(one.attributes):
            if sent.reply.outcome != "denied":
                break
            note = said_together(sent.note, f"{what} could not be set ({sent.reply.message})")
            sent = _Sent(self._send(one, attributes), attributes, note)
        return sent

    def _send(self, one: Source, attributes: Attributes) -> Copied:
        key = one.planned.key
        try:
            if self._server_side:
                return self._data.copy_in(one.place, key, attributes, absent=True)
            return self._data.upload_in(self._store, one.place, key, attributes)
        except LabelplanError as error:
            return Copied("denied", error.what)  # reading failed, and nothing was sent

    def judge(self, one: Source, sent: _Sent, versions: Sequence[KeyVersion]) -> UndoResult:
        """Say what became of an object, from what lies there now."""
        if not versions or versions[0].is_delete_marker:
            return _result(one, "failed", sent.reply.message or "it is still not there")
        now = versions[0]
        try:
            if not self._is_back(one, now):
                return _result(one, "left", NEWER)
            if sent.reply.outcome == "refused":
                return _result(one, "present", self._differs(one.attributes, now))
            differs = self._differs(sent.attributes, now)
        except LabelplanError as error:
            return _result(one, "failed", f"what is there now cannot be read: {error.what}")
        return _result(one, "restored", said_together(sent.note, sent.reply.lost, differs))

    def _is_back(self, one: Source, now: KeyVersion) -> bool:
        if now.size != one.planned.size:
            return False
        if now.etag in {one.planned.etag, one.place.etag}:
            return True
        found = self._data.head(now.key)  # some servers list another ETag for what came in parts
        if found is None or found.size != one.planned.size:
            return False
        if found.etag in {one.planned.etag, one.place.etag}:
            return True
        place = self._data.place(found.key, found.etag)
        said = has_checksum(self._data, place, one.attributes.checksum)
        return is_same(self._data, place, self._store, one.place) if said is None else said

    def _differs(self, attributes: Attributes, now: KeyVersion) -> str:
        """Say what is not as it was; only asked where an attribute is not what every new object has."""
        wanted = replace(attributes, copy="", checksum="")
        if wanted in {Attributes(), Attributes("STANDARD"), Attributes("", "AES256"), Attributes("STANDARD", "AES256")}:
            return ""
        item = S3Object(now.key, now.version_id, now.etag, now.size)
        found = self._data.describe(item, by_version=now.version_id != NULL)
        if isinstance(found, str):
            # archived again, as it was: no more is to be seen of it
            return "" if found == archived(wanted.storage_class) else f"whether all is as it was is unknown: {found}"
        acl = self._data.acl(item) if wanted.acl else ()
        found = replace(found, acl=() if isinstance(acl, str) else acl)
        named = (name for name in _NAMES if hasattr(wanted, name))
        names = [name for name in named if not _alike(getattr(wanted, name), getattr(found, name, ()))]
        return f"not as it was: {', '.join(_NAMES[name] for name in names)}" if names else ""


_NAMES = {
    "storage_class": "its storage class",
    "encryption": "its encryption",
    "kms_key": "its KMS key",
    "bucket_key": "its S3 Bucket Key",
    "website_redirect": "its redirect",
    "acl": "its ACL",
    "lock": "its Object Lock",
}


def _less(attributes: Attributes) -> Iterator[tuple[Attributes, str]]:
    """Yield the attributes with less and less of what a server may mind, and what was left out last."""
    if attributes.acl:
        attributes = replace(attributes, acl=())
        yield attributes, _NAMES["acl"]
    if isinstance(attributes, Locked) and attributes.lock:
        yield replace(attributes, lock=()), _NAMES["lock"]


def _alike(wanted: object, found: object) -> bool:
    if isinstance(wanted, tuple) and isinstance(found, tuple):
        return set(wanted) == set(found)
    return (wanted or "STANDARD") == (found or "STANDARD")  # of this class S3 says nothing


def _result(one: Source, outcome: Literal["restored", "present", "left", "failed"], message: str = "") -> UndoResult:
    return UndoResult(one.planned.key, one.planned.version_id, outcome, message)
