"""The bucket, through boto3: what `interface.py` promises, one method per need. Reading stands in `s3_reader.py`.

Reading and changing go through separate clients (`connect.py`): a reader has no client that could change anything, and
what a writer changes is sent once. No policy here: what to delete, and what a reply means for a run, the flows know.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import TYPE_CHECKING, Any, Literal

from labelplan.model.run import RUN_PREFIX
from labelplan.store.connect import open_client, open_session
from labelplan.store.errors import explained, no_reply, said, status, words
from labelplan.store.interface import Deleted
from labelplan.store.listing import field, in_order, keep_order, newest_first
from labelplan.store.listing_xml import NO_VERSION
from labelplan.store.s3_reader import CHUNK, Opened, S3Reader, quoted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from typing import BinaryIO

    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import KeyVersion
    from labelplan.store.interface import Reader, Writer

_SERVER_ERROR = 500
_REFUSALS = frozenset({404, 409, 412})  # no such key (any more); a change at the same moment; another ETag
_VERSIONS_A_PAGE = 50  # a key has few versions; the rest of the page is other keys that start alike


def open_reader(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Reader:
    """Open a bucket for reading; no call is made before the first method.

    *region*: None takes the AWS configuration's. *account*: the 12-digit id of the bucket's owner, sent with every
    call; None takes the caller's, an empty one sends none. *requester_pays*: agree with every call to pay for it.
    Raises `AwsRefused` when the AWS configuration is unusable.
    """
    session = open_session()
    reading = open_client(session, region, changes=False)
    return S3Reader(Opened(bucket, account, requester_pays), session, reading)


def open_writer(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Writer:
    """Open a bucket for changing as well; otherwise like `open_reader`."""
    session = open_session()
    reading, changing = (open_client(session, region, changes=changes) for changes in (False, True))
    return S3Writer(Opened(bucket, account, requester_pays), session, reading, changing)


class S3Writer(S3Reader):
    """A bucket whose objects can be hidden and shown again, and that keeps records under `.labelplan/`."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients; *changing* sends nothing twice."""
        super().__init__(opened, session, reading)
        self._changing = changing
        reading.meta.events.register("before-parse.s3.ListObjectVersions", keep_order)

    def key_versions(self, key: str) -> list[KeyVersion]:
        """See `Writer.key_versions`."""
        pages = self._reading.get_paginator("list_object_versions").paginate(
            **self._at, Prefix=key, PaginationConfig={"PageSize": _VERSIONS_A_PAGE}
        )
        found: list[KeyVersion] = []
        with explained(f"list the versions of s3://{self._bucket}/{key}"):
            for page in pages:
                entries = in_order(page)
                found += [entry for entry in entries if entry.key == key]
                if entries and any(entry.key != key for entry in entries):
                    break  # keys that start alike sort after it
        return newest_first(found)

    def delete_current(self, key: str, etag: str) -> Deleted:
        """See `Writer.delete_current`."""
        return self._delete(Key=key, IfMatch=quoted(etag))

    def remove_marker(self, marker: KeyVersion) -> Deleted:
        """See `Writer.remove_marker`. The marker `null` is refused as well: a new object could have taken its place."""
        if not marker.is_delete_marker or marker.version_id == NO_VERSION:
            msg = f"only a delete marker with an id of its own may be removed, not {marker}"
            raise ValueError(msg)
        return self._delete(Key=marker.key, VersionId=marker.version_id)

    def _delete(self, **arguments: Any) -> Deleted:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        try:
            reply = self._changing.delete_object(**self._at, **arguments)
        except ClientError as error:
            return Deleted(_outcome(status(error)), message=said(error))
        except no_reply() as error:
            return Deleted("doubtful", message=words(error))
        return Deleted("deleted", marker=reply.get("VersionId", ""))

    def put_once(self, key: str, body: bytes | BinaryIO) -> bool:
        """See `Writer.put_once`."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        unclear: tuple[type[Exception], ...] = (ClientError, *no_reply())
        _require_record(key)
        if not isinstance(body, bytes):
            body.seek(0)
        with explained(f"write s3://{self._bucket}/{key}"):
            try:
                self._changing.put_object(**self._at, Key=key, Body=body, IfNoneMatch="*")
            except unclear:
                # the write may have happened all the same: the bucket knows
                holds = self._holds(key, body)
                if holds is None:
                    raise
                return holds
        return True

    def _holds(self, key: str, body: bytes | BinaryIO) -> bool | None:
        """Compare a record with *body*; None if there is no such record."""
        with tempfile.TemporaryFile() as stored:
            if not self.copy_record(key, stored):
                return None
            return _sha256(stored) == _sha256(body)

    def read_record(self, key: str) -> bytes | None:
        """See `Writer.read_record`."""
        into = io.BytesIO()
        return into.getvalue() if self.copy_record(key, into) else None

    def record_time(self, key: str) -> dt.datetime | None:
        """See `Writer.record_time`."""
        _require_record(key)
        reply = self._found(key, self._reading.head_object)
        return field({"Key": key, **reply}, "LastModified") if reply else None

    def copy_record(self, key: str, into: BinaryIO) -> bool:
        """See `Writer.copy_record`."""
        _require_record(key)
        return self._download(key, into)

    def list_records(self, prefix: str) -> Iterator[str]:
        """See `Writer.list_records`."""
        _require_record(prefix)
        pages = self._reading.get_paginator("list_objects_v2").paginate(**self._at, Prefix=prefix)
        with explained(f"list s3://{self._bucket}/{prefix}"):
            for page in pages:
                yield from (field(entry, "Key") for entry in page.get("Contents", ()))


def _require_record(key: str) -> None:
    if not key.startswith(RUN_PREFIX):
        msg = f"{key} is not a record: it is not under {RUN_PREFIX}"
        raise ValueError(msg)


def _outcome(code: int) -> Literal["refused", "denied", "doubtful"]:
    if code in _REFUSALS:
        return "refused"
    return "denied" if code < _SERVER_ERROR else "doubtful"


def _sha256(body: bytes | BinaryIO) -> bytes:
    file = io.BytesIO(body) if isinstance(body, bytes) else body
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(CHUNK), b""):
        digest.update(chunk)
    return digest.digest()
