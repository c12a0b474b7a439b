"""The bucket, through boto3: what `interface.py` promises, one method per need.

Reading and changing go through separate clients (`connect.py`): a reader has no client that could change anything, and
what a writer changes is sent once. No policy here: what to delete, and what a reply means for a run, the flows know.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from labelplan.errors import AwsRefused, WrongTarget
from labelplan.model.objects import S3Object, Target
from labelplan.model.run import RUN_PREFIX
from labelplan.store.connect import caller_account, endpoint_of, open_client, open_session
from labelplan.store.errors import explained, is_absence, no_reply, refused, said, status, unanswered, words
from labelplan.store.interface import Deleted
from labelplan.store.listing import NO_VERSION, current_objects, etag, field, in_order, keep_order, newest_first

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from boto3.session import Session
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import KeyVersion, Versioning
    from labelplan.store.interface import Reader, Writer

_CHUNK = 1 << 20
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
    return S3Reader(bucket, account, session, reading, requester_pays=requester_pays)


def open_writer(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Writer:
    """Open a bucket for changing as well; otherwise like `open_reader`."""
    session = open_session()
    reading, changing = (open_client(session, region, changes=changes) for changes in (False, True))
    return S3Writer(bucket, account, session, reading, changing, requester_pays=requester_pays)


class S3Reader:
    """A bucket that can only be read: its client refuses to send anything else."""

    def __init__(
        self,
        bucket: str,
        account: str | None,
        session: Session,
        reading: S3Client,
        *,
        requester_pays: bool = False,
    ) -> None:
        """Keep what is needed for the calls; *account* None means the caller's."""
        self._bucket = bucket
        self._account = account
        self._session = session
        self._reading = reading
        self._payer = {"RequestPayer": "requester"} if requester_pays else {}

    @cached_property
    def _bucket_at(self) -> dict[str, Any]:
        """The arguments that every call carries: which bucket, and whose it must be."""
        account = caller_account(self._session, self._reading) if self._account is None else self._account
        return {"Bucket": self._bucket, **({"ExpectedBucketOwner": account} if account else {})}

    @cached_property
    def _at(self) -> dict[str, Any]:
        """The arguments that every call about objects carries: the bucket's, and who pays."""
        return {**self._bucket_at, **self._payer}

    def target(self) -> Target:
        """See `Reader.target`."""
        self._look()
        return Target(
            endpoint=endpoint_of(self._reading),
            account=self._bucket_at.get("ExpectedBucketOwner", ""),
            region=self._reading.meta.region_name,
            bucket=self._bucket,
            versioning=self.versioning(),
        )

    def _look(self) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        with explained(f"look at the bucket {self._bucket}"):
            try:
                reply: Any = self._reading.head_bucket(**self._bucket_at)
            except ClientError as error:
                self._check_region(error.response)
                raise self._why_not(error) from error
        self._check_region(reply)

    def _check_region(self, reply: Any) -> None:
        actual = reply["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        used = self._reading.meta.region_name
        if actual and actual != used:
            what = f"The bucket {self._bucket} is in the region {actual}, not in {used}."
            raise AwsRefused(what, hint=f"Write `region: {actual}` into the spec, or set AWS_DEFAULT_REGION={actual}.")

    def _why_not(self, error: ClientError) -> Exception:
        owner = self._bucket_at.get("ExpectedBucketOwner")
        match status(error):
            case 403 if owner and self._visible_without_owner():
                what = f"The bucket {self._bucket} does not belong to the account {owner}."
                return WrongTarget(what, hint='Write the owner into the spec, such as `account: "123456789012"`.')
            case 404:
                what = f"There is no bucket {self._bucket}."
                return AwsRefused(what, hint="Check the bucket's name, and the AWS account and endpoint in use.")
        return refused(error, f"look at the bucket {self._bucket}")

    def _visible_without_owner(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        try:
            self._reading.head_bucket(Bucket=self._bucket)
        except ClientError:
            return False
        return True

    def versioning(self) -> Versioning:
        """See `Reader.versioning`."""
        with explained(f"read the versioning state of {self._bucket}"):
            return self._reading.get_bucket_versioning(**self._bucket_at).get("Status", "Disabled")

    def list_current(self, prefix: str) -> Iterator[S3Object]:
        """See `Reader.list_current`. Works for buckets with and without versioning."""
        pages = self._reading.get_paginator("list_object_versions").paginate(**self._at, Prefix=prefix)
        with explained(f"list s3://{self._bucket}/{prefix}"):
            yield from current_objects(pages)

    def list_pages(self, prefixes: Sequence[str]) -> Iterator[tuple[int, list[S3Object]]]:
        """See `Reader.list_pages`."""
        for position, prefix in enumerate(prefixes):
            objects = self.list_current(prefix)
            while page := list(islice(objects, 1000)):
                yield position, page

    def head(self, key: str) -> S3Object | None:
        """See `Reader.head`."""
        reply = self._found(key, self._reading.head_object)
        if reply is None:
            return None
        named = {"Key": key, **reply}
        return S3Object(key, reply.get("VersionId", NO_VERSION), etag(named), field(named, "ContentLength"))

    def fetch(self, image: S3Object, limit: int) -> bytes | None:
        """See `Reader.fetch`."""
        if image.size > limit:
            return None
        version: dict[str, Any] = {} if image.version_id == NO_VERSION else {"VersionId": image.version_id}
        into = io.BytesIO()
        found = self._download(image.key, into, IfMatch=_quoted(image.etag), **version)
        return into.getvalue() if found else None

    def first_bytes(self, image: S3Object, count: int) -> bytes | None:
        """See `Reader.first_bytes`."""
        version: dict[str, Any] = {} if image.version_id == NO_VERSION else {"VersionId": image.version_id}
        if image.size:  # of nothing there is no range
            version["Range"] = f"bytes=0-{count - 1}"
        into = io.BytesIO()
        found = self._download(image.key, into, IfMatch=_quoted(image.etag), **version)
        return into.getvalue()[:count] if found else None

    def _found(self, key: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Return the reply of a call about *key*; None if there is no such object (any more)."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        with explained(f"read s3://{self._bucket}/{key}"):
            try:
                return call(**self._at, Key=key, **arguments)
            except ClientError as error:
                if is_absence(error):
                    return None
                raise

    def _download(self, key: str, into: BinaryIO, *, attempts: int = 3, **arguments: Any) -> bool:
        """Stream an object into a file, from its start again when the connection breaks; False if there is none."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - as above

        start = into.tell()
        reply = self._found(key, self._reading.get_object, **arguments)
        if reply is None:
            return False
        try:
            into.writelines(reply["Body"].iter_chunks(_CHUNK))
        except (HTTPClientError, IncompleteReadError) as error:
            if attempts == 1:
                raise unanswered(error, f"read s3://{self._bucket}/{key}") from error
            into.seek(start)
            into.truncate()
            return self._download(key, into, attempts=attempts - 1, **arguments)
        return True


class S3Writer(S3Reader):
    """A bucket whose objects can be hidden and shown again, and that keeps records under `.labelplan/`."""

    def __init__(
        self,
        bucket: str,
        account: str | None,
        session: Session,
        reading: S3Client,
        changing: S3Client,
        *,
        requester_pays: bool = False,
    ) -> None:
        """Keep both clients; *changing* sends nothing twice."""
        super().__init__(bucket, account, session, reading, requester_pays=requester_pays)
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
        return self._delete(Key=key, IfMatch=_quoted(etag))

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
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        digest.update(chunk)
    return digest.digest()


def _quoted(etag: str) -> str:
    return f'"{etag}"'
