"""What an endpoint really does with conditions, found out with canary objects under `.labelplan/probe/`.

A condition counts as honoured only if the server refused the request that breaks it (412), the object is afterwards as
it was, and the request that meets it works. A lost reply or a server error proves nothing: at worst a server that
honours a condition is, for this once, taken for one that does not.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.model.run import RUN_PREFIX, Capabilities
from labelplan.store.errors import PERMISSION, explained, is_absence, no_reply, refused, status
from labelplan.store.s3_deletes import S3Deletes
from labelplan.store.s3_reader import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Deleted

    DeleteBatch = Callable[..., list[Deleted]]

PROBE_PREFIX = f"{RUN_PREFIX}probe/"
"""Where canaries live, those of each probe under a random name."""

_ONE, _TWO, _COPIED, _NEVER = "one", "two", "copied", "never"
_WRONG = "0" * 32  # an ETag that no canary has
_TAGS = [{"Key": "labelplan", "Value": "canary"}]
_OK, _DENIED, _BROKEN = 200, 403, 412


class S3Probe(S3Deletes):
    """A bucket whose server can be tried out."""

    def probe(self) -> Capabilities:
        """See `Writer.probe`. Makes 25 calls; up to 5 more where less is honoured.

        Canaries that are left are deleted at the end. As no version id is sent, those of a bucket with versioning stay
        as noncurrent versions and delete markers: about ten of a few bytes.
        """
        return _Probe(self._reading, self._changing, self._at, self.delete_batch).found()


class _Seen(NamedTuple):
    """A canary as it was last seen. *etag*: without quotes."""

    body: bytes
    etag: str


class _Reply(NamedTuple):
    """What was answered. *status*: the HTTP status, 0 if nothing came that could be read."""

    status: int
    body: dict[str, Any]

    @property
    def refused(self) -> bool:
        """Whether the server said that the condition does not hold."""
        return self.status == _BROKEN


class _Probe:
    """One probe: the canaries by name, each as it was last seen; None: there is none."""

    def __init__(self, reading: S3Client, changing: S3Client, at: dict[str, Any], delete_batch: DeleteBatch) -> None:
        self._reading = reading
        self._changing = changing
        self._at = at
        self._delete_batch = delete_batch
        self._folder = f"{PROBE_PREFIX}{secrets.token_hex(8)}/"
        self._seen: dict[str, _Seen | None] = dict.fromkeys((_ONE, _TWO, _COPIED, _NEVER))

    def found(self) -> Capabilities:
        """Try out one thing after the other; each goes on with what the one before has left."""
        put_absent, put_match = self._puts()
        tags = self._tags()
        copy_source, copy_absent = self._copies()
        bulk_delete = self._bulk_delete()
        single_delete = self._single_delete()
        self._tidy()
        return Capabilities(
            bulk_delete=bulk_delete,
            single_delete=single_delete,
            copy_source=copy_source,
            copy_absent=copy_absent,
            put_absent=put_absent,
            put_match=put_match,
            tags=tags,
        )

    # --- what is tried ----------------------------------------------------------------------------------------------

    def _puts(self) -> tuple[bool, bool]:
        """Write where nothing is, and in place of an ETag: unquoted, as Ceph's PutObject knows no other."""
        absent = self._make(_ONE, b"one")
        absent = self._kept(_ONE, refused=self._put(_ONE, b"overwritten", IfNoneMatch="*").refused) and absent
        match = self._kept(_ONE, refused=self._put(_ONE, b"overwritten as well", IfMatch=_WRONG).refused)
        self._put(_ONE, b"replaced", IfMatch=self._etag(_ONE))
        replaced = self._look(_ONE)
        return absent, match and replaced is not None and replaced.body == b"replaced"

    def _tags(self) -> bool:
        """Set tags: some servers take them for a new body."""
        before = self._seen[_ONE]
        self._send(self._changing.put_object_tagging, _ONE, Tagging={"TagSet": _TAGS})
        tags = self._send(self._reading.get_object_tagging, _ONE).body.get("TagSet")
        after = self._look(_ONE)
        return before is not None and after is not None and after.body == before.body and tags == _TAGS

    def _copies(self) -> tuple[bool, bool]:
        """Copy only the object of an ETag, and only where nothing is."""
        self._make(_TWO, b"the other")
        right = {"CopySourceIfMatch": quoted(self._etag(_TWO))}
        source = absent = self._copied(**right, IfNoneMatch="*")
        if not absent:  # the server may know one of the two conditions
            source = self._copied(**right)
        wrong = self._copy(_TWO, _NEVER, CopySourceIfMatch=quoted(_WRONG))
        source = self._kept(_NEVER, refused=wrong.refused) and source
        there = self._copy(_ONE, _COPIED, IfNoneMatch="*")
        absent = self._kept(_COPIED, refused=there.refused) and absent
        return source, absent

    def _copied(self, **conditions: Any) -> bool:
        self._copy(_TWO, _COPIED, **conditions)
        original, copied = self._seen[_TWO], self._look(_COPIED)
        return original is not None and copied is not None and copied.body == original.body

    def _bulk_delete(self) -> bool:
        """Delete two in one request: one has the ETag that is named, one has not."""
        if self._seen[_COPIED] is None:
            self._make(_COPIED, b"no copy")
        there = self._seen[_TWO] is not None and self._seen[_COPIED] is not None
        entries = [(_TWO, self._etag(_TWO)), (_COPIED, _WRONG)]
        objects = [S3Object(self._folder + name, "", etag, 0) for name, etag in entries]
        _, broken = self._delete_batch(objects, conditional=True)
        kept = self._kept(_COPIED, refused=broken.outcome == "refused")
        return self._look(_TWO) is None and there and kept

    def _single_delete(self) -> bool:
        there = self._seen[_ONE] is not None
        kept = self._kept(_ONE, refused=self._delete(_ONE, _WRONG).refused)
        if there and kept:
            self._delete(_ONE, self._etag(_ONE))
            return self._look(_ONE) is None
        return False

    def _tidy(self) -> None:
        """Delete what is left, under its ETag: a bucket's policy may want that. What stays does no harm."""
        for name, seen in self._seen.items():
            if seen is not None:
                self._delete(name, seen.etag)

    # --- calls ------------------------------------------------------------------------------------------------------

    def _make(self, name: str, body: bytes) -> bool:
        """Make a canary, without a condition if it must be; tell whether it could be made with one."""
        if self._made(name, body, IfNoneMatch="*"):
            return True
        self._made(name, body)
        return False

    def _made(self, name: str, body: bytes, **conditions: Any) -> bool:
        reply = self._put(name, body, **conditions)
        etag = reply.body.get("ETag", "").strip('"')
        if reply.status == _OK and etag:
            self._seen[name] = _Seen(body, etag)  # the next look compares
            return True
        return self._look(name) is not None

    def _put(self, name: str, body: bytes, **conditions: Any) -> _Reply:
        return self._send(self._changing.put_object, name, needed=True, Body=body, **conditions)

    def _copy(self, source: str, name: str, **conditions: Any) -> _Reply:
        place = {"Bucket": self._at["Bucket"], "Key": self._folder + source}
        return self._send(self._changing.copy_object, name, CopySource=place, **conditions)

    def _delete(self, name: str, etag: str) -> _Reply:
        return self._send(self._changing.delete_object, name, needed=True, IfMatch=quoted(etag))

    def _send(self, call: Callable[..., Any], name: str, *, needed: bool = False, **arguments: Any) -> _Reply:
        """Make a call. *needed*: raise `AwsRefused` if it is denied, as nothing can be found out then."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        try:
            return _Reply(_OK, call(**self._at, Key=self._folder + name, **arguments))
        except ClientError as error:
            if needed and status(error) == _DENIED:
                raise self._denied(error) from error
            return _Reply(status(error), {})
        except no_reply():
            return _Reply(0, {})

    def _denied(self, error: ClientError) -> AwsRefused:
        where = f"{PROBE_PREFIX} in the bucket {self._at['Bucket']}"
        told = refused(error, f"try out the server with objects under {where}")
        hint = f"{told.advice} Allow s3:PutObject, s3:GetObject and s3:DeleteObject for what is under {where}."
        return AwsRefused(told.what, hint=hint if told.advice == PERMISSION else told.advice)

    def _kept(self, name: str, *, refused: bool) -> bool:
        """Look whether a canary is as it was, after a request that had to be *refused*."""
        before, after = self._seen[name], self._look(name)
        body = None if before is None else before.body
        return refused and body == (None if after is None else after.body)

    def _look(self, name: str) -> _Seen | None:
        """See what is there now."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        with explained(f"read s3://{self._at['Bucket']}/{self._folder}{name}"):
            try:
                reply = self._reading.get_object(**self._at, Key=self._folder + name)
                self._seen[name] = _Seen(reply["Body"].read(), reply["ETag"].strip('"'))
            except ClientError as error:
                if not is_absence(error):
                    raise
                self._seen[name] = None
        return self._seen[name]

    def _etag(self, name: str) -> str:
        seen = self._seen[name]
        return _WRONG if seen is None else seen.etag
