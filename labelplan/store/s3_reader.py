"""The bucket for reading, through boto3: what `Reader` in `interface.py` promises.

Its clients refuse to send anything that could change the bucket (`connect.py`). No policy here: what an object is
worth, the flows know.
"""

from __future__ import annotations

import io
import sys
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from labelplan.errors import AwsRefused, WrongTarget
from labelplan.model.objects import S3Object, Target
from labelplan.store.connect import caller_account, endpoint_of, open_client
from labelplan.store.errors import explained, is_absence, refused, status, unanswered
from labelplan.store.listing import etag, field, in_turn, keep_page, kept_page
from labelplan.store.listing_ahead import side_by_side
from labelplan.store.listing_xml import NO_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from boto3.session import Session
    from botocore.exceptions import ClientError
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import Versioning
    from labelplan.store.listing_xml import Marker, Page

CHUNK = 1 << 20
"""Bytes that are read at once."""


class Opened(NamedTuple):
    """A bucket as it was asked for: *account* is its owner's, None the caller's, and an empty one is not sent."""

    bucket: str
    account: str | None = None
    requester_pays: bool = False


class S3Reader:
    """A bucket that can only be read: its client refuses to send anything else."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client) -> None:
        """Keep what is needed for the calls."""
        self._opened = opened
        self._bucket = opened.bucket
        self._session = session
        self._reading = reading

    @cached_property
    def _bucket_at(self) -> dict[str, Any]:
        """The arguments that every call carries: which bucket, and whose it must be."""
        account = self._opened.account
        if account is None:
            account = caller_account(self._session, self._reading)
        return {"Bucket": self._bucket, **({"ExpectedBucketOwner": account} if account else {})}

    @cached_property
    def _at(self) -> dict[str, Any]:
        """The arguments that every call about objects carries: the bucket's, and who pays."""
        return {**self._bucket_at, **({"RequestPayer": "requester"} if self._opened.requester_pays else {})}

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
        return chain.from_iterable(self._list(prefix))

    def list_pages(self, prefixes: Sequence[str]) -> Iterator[tuple[int, list[S3Object]]]:
        """See `Reader.list_pages`."""
        _ = self._at, self._listing  # made once, and not by several threads
        yield from side_by_side([partial(self._list, prefix) for prefix in prefixes])

    def _list(self, prefix: str) -> Iterator[list[S3Object]]:
        with explained(f"list s3://{self._bucket}/{prefix}"):
            yield from in_turn(partial(self._page, prefix), prefix)

    def _page(self, prefix: str, after: Marker | None) -> Page:
        marker: dict[str, Any] = {}
        if after:
            marker = {"KeyMarker": after.key}
            if after.version_id:
                marker["VersionIdMarker"] = after.version_id
        reply = self._listing.list_object_versions(**self._at, Prefix=prefix, EncodingType="url", **marker)
        page: Page = kept_page(reply)
        return page

    @cached_property
    def _listing(self) -> S3Client:
        """A client of its own, since its answers are read by labelplan."""
        client = open_client(self._session, self._reading.meta.region_name, changes=False)
        # named so, it is asked before botocore's own handlers, which parse every page to see whether it is an error
        client.meta.events.register("before-parse.*.ListObjectVersions", keep_page)
        return client

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
        into = io.BytesIO()
        return into.getvalue() if self._download(image.key, into, **_exactly(image)) else None

    def first_bytes(self, image: S3Object, count: int) -> bytes | None:
        """See `Reader.first_bytes`."""
        # of nothing there is no range
        part: dict[str, Any] = {"Range": f"bytes=0-{count - 1}"} if image.size else {}
        into = io.BytesIO()
        return into.getvalue() if self._download(image.key, into, limit=count, **_exactly(image), **part) else None

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

    def _download(
        self, key: str, into: BinaryIO, *, limit: int = sys.maxsize, attempts: int = 3, **arguments: Any
    ) -> bool:
        """Stream an object, or its first *limit* bytes, into a file; False if there is none.

        When the connection breaks, it begins again.
        """
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - as above

        start = into.tell()
        reply = self._found(key, self._reading.get_object, **arguments)
        if reply is None:
            return False
        try:
            _copy(reply["Body"], into, limit)
        except (HTTPClientError, IncompleteReadError) as error:
            if attempts == 1:
                raise unanswered(error, f"read s3://{self._bucket}/{key}") from error
            into.seek(start)
            into.truncate()
            return self._download(key, into, limit=limit, attempts=attempts - 1, **arguments)
        return True


def _copy(body: StreamingBody, into: BinaryIO, limit: int) -> None:
    for chunk in body.iter_chunks(min(limit, CHUNK)):
        into.write(chunk[:limit])
        limit -= len(chunk)
        if limit <= 0:
            body.close()  # what is left of it, if the server knows no ranges, need not come
            return


def quoted(etag: str) -> str:
    """Write an ETag as HTTP's conditions want it."""
    return f'"{etag}"'


def _exactly(image: S3Object) -> dict[str, Any]:
    """Return the arguments that ask for this version and ETag of an object, and no other."""
    version = {} if image.version_id == NO_VERSION else {"VersionId": image.version_id}
    return {"IfMatch": quoted(image.etag), **version}
