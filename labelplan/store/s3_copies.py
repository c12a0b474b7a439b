"""Copies within S3, and what they do not keep: the way back for buckets without versioning."""

from __future__ import annotations

import tempfile
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from labelplan.errors import AwsRefused
from labelplan.store.connect import open_client
from labelplan.store.copy_attributes import (
    LOST,
    acl_of,
    arguments_of,
    attributes_of,
    full_checksums,
    lost_by_upload,
    travels_of,
    why_no_copy,
)
from labelplan.store.errors import explained, no_reply, said, status, words
from labelplan.store.interface import Copied, Place
from labelplan.store.lean import learn
from labelplan.store.s3_changing import S3Changing
from labelplan.store.s3_reader import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from boto3.session import Session
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import S3Object
    from labelplan.model.run import Attributes, Grant
    from labelplan.store.interface import Writer
    from labelplan.store.lean import Lean
    from labelplan.store.lean_connections import Answer
    from labelplan.store.s3_reader import Opened

CHANGED = "it was changed or deleted a moment ago"
NO_HEAD = "S3 does not show it: it is encrypted with a key of the customer's (SSE-C), or the credentials have expired"

_REFUSED = frozenset({404, 412})  # no such source; another ETag, or something at the destination
_CONFLICT = 409  # somebody else writes the same key: who has won is to be seen
_UNKNOWN_HERE = frozenset({"AccessControlListNotSupported", "MethodNotAllowed", "NotImplemented", "405", "501"})
"""What servers answer that have no ACLs, or no tags; where they give no code, botocore takes the status for it."""
_BUSY = frozenset({429, 503})
_OK = 200
_BAD_REQUEST = 400
_SERVER_ERROR = 500


class S3Copies(S3Changing):
    """A bucket that objects can be copied into."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients."""
        super().__init__(opened, session, reading, changing)
        self._learning = threading.Lock()

    @property
    def _lean(self) -> Lean | None:
        """The shorter way to ask, where there is one."""
        with self._learning:
            return self._learnt

    @cached_property
    def _learnt(self) -> Lean | None:
        """A client of its own tells how requests go; it sends none."""
        client = open_client(self._session, self._reading.meta.region_name, changes=False)
        return learn(self._session, client, self._at)

    def place(self, key: str, etag: str, version_id: str = "") -> Place:
        """See `Writer.place`."""
        return Place(self._bucket, key, etag, version_id, self._bucket_at.get("ExpectedBucketOwner", ""))

    def describe(self, item: S3Object, *, by_version: bool = False, uploaded: bool = False) -> Attributes | str:
        """See `Writer.describe`."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        place = self.place(item.key, item.etag, item.version_id if by_version else "")
        exactly = _exactly(place) | {"ChecksumMode": "ENABLED"}
        head = self._lean.head(item.key, **exactly) if self._lean and not by_version else None
        if head is None:
            try:
                head = self._found(item.key, self._reading.head_object, **exactly)
            except AwsRefused as error:
                if isinstance(error.__cause__, ClientError) and status(error.__cause__) == _BAD_REQUEST:
                    return NO_HEAD
                raise
        if head is None or head.get("ETag", "").strip('"') != item.etag:
            return CHANGED
        if uploaded and (lost := lost_by_upload(head)):
            return f"on this server undo has to upload it, and would lose {lost}"
        return why_no_copy(item.size, head, stays=by_version) or attributes_of(head)

    def acl(self, item: S3Object, *, by_version: bool = False) -> tuple[Grant, ...] | str:
        """See `Writer.acl`. On a server that says it knows no ACLs, an object has none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        version: dict[str, Any] = {"VersionId": item.version_id} if by_version else {}
        with explained(f"read the ACL of s3://{self._bucket}/{item.key}"):
            try:
                reply = self._reading.get_object_acl(**self._at, Key=item.key, **version)
            except ClientError as error:
                if _code(error) in _UNKNOWN_HERE:
                    return ()
                return f"its ACL cannot be read ({said(error)})"
        return acl_of(reply, self._owner)

    @cached_property
    def _owner(self) -> str:
        """The canonical id of the bucket's owner; empty if it may not be read."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        with explained(f"read the ACL of the bucket {self._bucket}"):
            try:
                return self._reading.get_bucket_acl(**self._bucket_at).get("Owner", {}).get("ID", "")
            except ClientError as error:
                if _code(error) in _UNKNOWN_HERE | {"AccessDenied"}:
                    return ""
                raise

    def copy_in(self, source: Place, key: str, attributes: Attributes, *, absent: bool) -> Copied:
        """See `Writer.copy_in`."""
        arguments = {
            "CopySourceIfMatch": quoted(source.etag),
            **({"ExpectedSourceBucketOwner": source.account} if source.account else {}),
            **({"IfNoneMatch": "*"} if absent else {}),
            **arguments_of(attributes),
        }
        try:
            answer = self._lean.copy(key, source, **arguments) if self._lean else None
        except no_reply() as error:
            return Copied("doubtful", words(error))
        if answer is not None:
            return _read(answer)
        version = {"VersionId": source.version_id} if source.version_id else {}
        copied_from = {"Bucket": source.bucket, "Key": source.key, **version}
        return self._put(self._changing.copy_object, Key=key, CopySource=copied_from, **arguments)

    def upload_in(self, source: Writer, place: Place, key: str, attributes: Attributes) -> Copied:
        """See `Writer.upload_in`."""
        with tempfile.TemporaryFile() as body:
            travels = source.take(place, body)
            if travels is None:
                return Copied("refused", "what is to be copied is not there any more")
            body.seek(0)
            lost = travels.pop(LOST, "")
            said = arguments_of(attributes)
            reply = self._put(self._changing.put_object, Key=key, Body=body, IfNoneMatch="*", **travels, **said)
        return replace(reply, lost=f"not as it was: {lost}" if lost else "")

    def _put(self, call: Callable[..., Any], **arguments: Any) -> Copied:
        """Send what writes an object, once."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        try:
            call(**self._at, **arguments)
        except ClientError as error:
            return _reply(error)
        except no_reply() as error:
            return Copied("doubtful", words(error))
        return Copied("copied")

    def take(self, place: Place, into: BinaryIO) -> dict[str, Any] | None:
        """See `Writer.take`."""
        exactly = _exactly(place)
        head = self._found(place.key, self._reading.head_object, ChecksumMode="ENABLED", **exactly)
        if head is None or not self._download(place.key, into, **exactly):
            return None
        tags, lost = self._tags(place), lost_by_upload(head)
        return travels_of(head) | ({"Tagging": tags} if tags else {}) | ({LOST: lost} if lost else {})

    def _tags(self, place: Place) -> str:
        """Return an object's tags as a PUT writes them; none where the server knows no tags."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        version: dict[str, Any] = {"VersionId": place.version_id} if place.version_id else {}
        with explained(f"read the tags of s3://{self._bucket}/{place.key}"):
            try:
                reply = self._reading.get_object_tagging(**self._at, Key=place.key, **version)
            except ClientError as error:
                if _code(error) in _UNKNOWN_HERE:
                    return ""
                raise
        return urlencode([(tag["Key"], tag["Value"]) for tag in reply.get("TagSet", ())], quote_via=quote)

    def checksums(self, place: Place) -> dict[str, str]:
        """See `Writer.checksums`."""
        head = self._found(place.key, self._reading.head_object, ChecksumMode="ENABLED", **_exactly(place))
        return full_checksums(head) if head else {}


def _exactly(place: Place) -> dict[str, Any]:
    """Return the arguments that ask for this object and no other."""
    return {"IfMatch": quoted(place.etag), **({"VersionId": place.version_id} if place.version_id else {})}


def _read(answer: Answer) -> Copied:
    """Read what CopyObject answered; an error can also come with 200, S3's yes to the request's beginning."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above
    from botocore.parsers import create_parser  # noqa: PLC0415 - as above

    code = answer.status_code
    if code == _OK and b"CopyObjectResult" in answer.content and b"<ETag" in answer.content:
        return Copied("copied")
    reply = {"status_code": _SERVER_ERROR if code == _OK else code, "headers": answer.headers, "body": answer.content}
    no_shape: Any = None
    try:
        return _reply(ClientError(create_parser("rest-xml").parse(reply, no_shape), "CopyObject"))
    except no_reply() as error:
        return Copied("doubtful", words(error))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _reply(error: ClientError) -> Copied:
    code = status(error)
    name = _code(error)
    if code in _BUSY or name in {"SlowDown", "RequestTimeout"}:
        return Copied("doubtful", said(error), busy=True)
    if code in _REFUSED and name != "NoSuchBucket":
        return Copied("refused", said(error))
    doubtful = code >= _SERVER_ERROR or code == _CONFLICT
    return Copied("doubtful" if doubtful else "denied", said(error))
