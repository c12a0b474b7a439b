"""Records under `.labelplan/`: written once or under a condition, and what is there decides, not the reply."""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import TYPE_CHECKING

from labelplan.model.run import RUN_PREFIX
from labelplan.store.errors import explained, no_reply
from labelplan.store.listing import field
from labelplan.store.s3_changing import S3Changing
from labelplan.store.s3_reader import CHUNK

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from typing import BinaryIO

    from labelplan.store.interface import Record


class S3Records(S3Changing):
    """A bucket that keeps records."""

    def put_once(self, key: str, body: bytes | BinaryIO) -> bool:
        """See `Writer.put_once`."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

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

    def replace_record(self, key: str, body: bytes, etag: str) -> str | None:
        """See `Writer.replace_record`."""
        raise NotImplementedError

    def dated_record(self, key: str) -> Record | None:
        """See `Writer.dated_record`."""
        raise NotImplementedError

    def list_records(self, prefix: str) -> Iterator[tuple[str, dt.datetime]]:
        """See `Writer.list_records`."""
        _require_record(prefix)
        pages = self._reading.get_paginator("list_objects_v2").paginate(**self._at, Prefix=prefix)
        with explained(f"list s3://{self._bucket}/{prefix}"):
            for page in pages:
                yield from ((field(entry, "Key"), field(entry, "LastModified")) for entry in page.get("Contents", ()))


def _require_record(key: str) -> None:
    if not key.startswith(RUN_PREFIX):
        msg = f"{key} is not a record: it is not under {RUN_PREFIX}"
        raise ValueError(msg)


def _sha256(body: bytes | BinaryIO) -> bytes:
    file = io.BytesIO(body) if isinstance(body, bytes) else body
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(CHUNK), b""):
        digest.update(chunk)
    return digest.digest()
