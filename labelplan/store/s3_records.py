"""Records under `.labelplan/`: written once or under a condition, and what is there decides, not the reply."""

from __future__ import annotations

import hashlib
import io
import random
import tempfile
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from labelplan.errors import AwsRefused
from labelplan.model.run import RUN_PREFIX
from labelplan.store.errors import explained, no_reply, status
from labelplan.store.interface import Record
from labelplan.store.listing import etag as etag_of
from labelplan.store.listing import field
from labelplan.store.s3_changing import S3Changing
from labelplan.store.s3_reader import CHUNK

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from typing import BinaryIO

_READS = 3
"""How often a record is read when the connection breaks in the middle of it."""
_WRITES = 4
"""How often a record is sent that does not get there."""
_PASSES = frozenset({409, 429, 500, 502, 503, 504})  # 409: another write at the same moment
_REFUSALS = frozenset({404, 409, 412})  # nothing there; a change at the same moment; another ETag


class S3Records(S3Changing):
    """A bucket that keeps records."""

    def pause(self, tried: int) -> None:
        """Wait before a record is written again that was *tried* so many times; tests replace this."""
        time.sleep(0.25 * 2 ** (tried - 1) * random.uniform(0.5, 1))  # noqa: S311 - spreads requests, guards nothing

    def put_once(self, key: str, body: bytes | BinaryIO) -> bool:
        """See `Writer.put_once`."""
        _require_record(key)
        with explained(f"write s3://{self._bucket}/{key}"):
            for tried in range(1, _WRITES):
                holds = self._write_once(key, body, last=False)
                if holds is not None:
                    return holds
                self.pause(tried)
            return bool(self._write_once(key, body, last=True))

    def _write_once(self, key: str, body: bytes | BinaryIO, *, last: bool) -> bool | None:
        """Write a record unless it exists; None if it is not there, and the next write may well get there.

        Nothing is sent a second time before somebody has looked, and only under a condition that a late first copy of
        the request would make fail. *last*: raise instead.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        unclear: tuple[type[Exception], ...] = (ClientError, *no_reply())
        if not isinstance(body, bytes):
            body.seek(0)
        try:
            self._changing.put_object(**self._at, Key=key, Body=body, IfNoneMatch="*")
        except unclear as error:
            # the write may have happened all the same: the bucket knows
            holds = self._holds(key, body)
            if holds is None and (last or not _may_pass(error)):
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

    def replace_record(self, key: str, body: bytes, etag: str) -> str | None:
        """See `Writer.replace_record`. None as well if S3 refused because of a change at the same moment.

        Sent once: whoever keeps a lease knows how long it may be tried.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        # AwsRefused: the reply lacks the ETag
        unclear: tuple[type[Exception], ...] = (ClientError, AwsRefused, *no_reply())
        _require_record(key)
        with explained(f"write s3://{self._bucket}/{key}"):
            try:
                # without quotes, for Ceph takes no others here; AWS and all others take both
                reply = self._changing.put_object(**self._at, Key=key, Body=body, IfMatch=etag)
                return etag_of({"Key": key, **reply})
            except unclear as error:
                # a refusal too may be the answer to a second copy of the request: the bucket knows
                there = self.dated_record(key)
                if there is not None and there.body == body:
                    return there.etag
                if there is None or there.etag != etag or _is_refusal(error):
                    return None
                raise

    def dated_record(self, key: str) -> Record | None:
        """See `Writer.dated_record`."""
        _require_record(key)
        with explained(f"read s3://{self._bucket}/{key}"):
            return self._dated(key, _READS)

    def _dated(self, key: str, attempts: int) -> Record | None:
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - as above

        reply = self._found(key, self._reading.get_object)
        if reply is None:
            return None
        try:
            body = reply["Body"].read()
        except (HTTPClientError, IncompleteReadError):
            if attempts == 1:
                raise
            return self._dated(key, attempts - 1)
        return Record(body, etag_of({"Key": key, **reply}), _clock(reply))

    def list_records(self, prefix: str) -> Iterator[tuple[str, dt.datetime]]:
        """See `Writer.list_records`."""
        _require_record(prefix)
        pages = self._reading.get_paginator("list_objects_v2").paginate(**self._at, Prefix=prefix)
        with explained(f"list s3://{self._bucket}/{prefix}"):
            for page in pages:
                yield from ((field(entry, "Key"), field(entry, "LastModified")) for entry in page.get("Contents", ()))

    def names_in(self, folder: str) -> set[str]:
        """See `Writer.names_in`."""
        _require_record(folder)
        pages = self._reading.get_paginator("list_objects_v2").paginate(**self._at, Prefix=folder, Delimiter="/")
        with explained(f"list s3://{self._bucket}/{folder}"):
            names = {
                found
                for page in pages
                for found in (
                    *(field(entry, "Key") for entry in page.get("Contents", ())),
                    *(entry["Prefix"] for entry in page.get("CommonPrefixes", ())),
                )
            }
        return {name.removeprefix(folder) for name in names}


def _require_record(key: str) -> None:
    if not key.startswith(RUN_PREFIX):
        msg = f"{key} is not a record: it is not under {RUN_PREFIX}"
        raise ValueError(msg)


def _may_pass(error: Exception) -> bool:
    """Tell whether an error says nothing against the request: the server is busy or broken, or there is no reply."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    if not isinstance(error, ClientError):
        return True
    busy = error.response.get("Error", {}).get("Code") in {"SlowDown", "RequestTimeout"}
    return busy or status(error) in _PASSES


def _is_refusal(error: Exception) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    return isinstance(error, ClientError) and status(error) in _REFUSALS


def _clock(reply: Any) -> dt.datetime:
    """Return what S3's clock showed when it answered, in whole seconds; raises `ValueError` for no time."""
    when = parsedate_to_datetime(reply["ResponseMetadata"]["HTTPHeaders"]["date"])
    if when.tzinfo is None:
        msg = "a time without its zone"
        raise ValueError(msg)
    return when


def _sha256(body: bytes | BinaryIO) -> bytes:
    file = io.BytesIO(body) if isinstance(body, bytes) else body
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(CHUNK), b""):
        digest.update(chunk)
    return digest.digest()
