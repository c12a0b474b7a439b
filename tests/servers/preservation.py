"""What of an object comes back after an apply and an undo, attribute by attribute: what the tests try and a page says.

`python -m tests.servers.preservation` writes docs/preservation.md. `test_preservation.py` tries every cell, and holds
the page against this.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from tests.servers.acting import Mode

    Read = Callable[[S3Client, str, str], Any]
    Set = Callable[[S3Client, str, str], Any]

PAGE = Path(__file__).parents[2] / "docs" / "preservation.md"

KEPT = "kept"
EVERYWHERE = ("simulator", "ministack", "seaweedfs")
UPLOADED = "not where a server's CopyObject ignores `If-None-Match`, so that undo has to upload"
CUSTOMERS_KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
LATER = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=3)
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


def head(*names: str, **more: Any) -> Read:
    """Read fields of HeadObject's reply."""

    def read(s3: S3Client, bucket: str, key: str) -> Any:
        reply: Any = s3.head_object(Bucket=bucket, Key=key, **more)
        return [reply.get(name) for name in names]

    return read


def body(s3: S3Client, bucket: str, key: str) -> Any:
    """Read the bytes."""
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def tags(s3: S3Client, bucket: str, key: str) -> Any:
    """Read the tags, in any order."""
    found = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return sorted((one["Key"], one["Value"]) for one in found)


def acl(s3: S3Client, bucket: str, key: str) -> Any:
    """Read who may do what, in any order."""
    grants = s3.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    return sorted((one["Grantee"].get("ID", one["Grantee"].get("URI", "")), one["Permission"]) for one in grants)


def annotation(s3: S3Client, bucket: str, key: str) -> Any:
    """Read one annotation."""
    return s3.get_object_annotation(Bucket=bucket, Key=key, AnnotationName="seen-by")["AnnotationPayload"].read()


def annotate(s3: S3Client, bucket: str, key: str) -> Any:
    """Write one annotation."""
    s3.put_object_annotation(Bucket=bucket, Key=key, AnnotationName="seen-by", AnnotationPayload=b"a ranger")


class Row(NamedTuple):
    """One attribute: *put* are PutObject's arguments, *then* is what only another call sets, *read* reads it back.

    *copy*: `KEPT`, or a part of the reason why apply does not delete such an object where the way back is a copy.
    *on*: the servers that know the attribute, or tell of it as AWS does. *locked*: needs a bucket with Object Lock.
    *alone*: ministack copies it as AWS does, but has to be believed capable of conditional copies.
    """

    name: str
    put: dict[str, Any]
    read: Read
    copy: str = KEPT
    on: tuple[str, ...] = EVERYWHERE
    then: Set | None = None
    locked: bool = False
    alone: bool = False
    note: str = ""

    def expected(self, mode: Mode) -> str:
        """Return the cell."""
        return self.copy if mode == "copy" else KEPT


ROWS = [
    Row("bytes", {"Body": bytes(range(256)) * 5}, body),
    Row("size, ETag", {}, head("ContentLength", "ETag"), note="an upload in parts gets another ETag from its copy"),
    Row("content type", {"ContentType": "image/x-of a deer"}, head("ContentType")),
    Row("content encoding", {"ContentEncoding": "x-none"}, head("ContentEncoding")),
    Row("content disposition", {"ContentDisposition": 'inline; filename="a deer.jpg"'}, head("ContentDisposition")),
    Row("content language", {"ContentLanguage": "de-CH, rm"}, head("ContentLanguage")),
    Row("cache control", {"CacheControl": "max-age=60, private"}, head("CacheControl")),
    Row("expires", {"Expires": LATER}, head("ExpiresString")),
    Row("website redirect", {"WebsiteRedirectLocation": "/elk/"}, head("WebsiteRedirectLocation")),
    Row("user metadata", {"Metadata": {"seen-at": "a b+c%2B", "by": "us"}}, head("Metadata")),
    Row("tags", {"Tagging": "of=a%20deer&seen=1%2B1"}, tags),
    Row("ACL", {"ACL": "public-read"}, acl, on=("simulator", "ministack")),
    Row("storage class", {"StorageClass": "STANDARD_IA"}, head("StorageClass")),
    Row("archived (GLACIER, DEEP_ARCHIVE)", {"StorageClass": "GLACIER"}, head("StorageClass"), "it is archived"),
    Row(
        "SSE-S3",
        {"ServerSideEncryption": "AES256"},
        head("ServerSideEncryption"),
        on=("simulator", "ministack"),
        note="where nothing else is asked for, S3 does this by itself",
    ),
    Row(
        "SSE-KMS",
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY, "BucketKeyEnabled": True},
        head("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"),
        on=("simulator", "ministack"),
    ),
    Row(
        "SSE-C",
        CUSTOMERS_KEY,
        head("ETag", **CUSTOMERS_KEY),
        "it is encrypted with a key of the customer's",
        on=("simulator", "ministack"),
    ),
    Row(
        "checksum",
        {"ChecksumAlgorithm": "SHA256"},
        head("ChecksumSHA256", ChecksumMode="ENABLED"),
        note="the algorithm too; one of parts becomes one of the whole content, as the ETag does",
    ),
    Row(
        "Object Lock: retention",
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": LATER},
        head("ObjectLockMode", "ObjectLockRetainUntilDate"),
        "it is under Object Lock",
        locked=True,
    ),
    Row(
        "Object Lock: legal hold",
        {"ObjectLockLegalHoldStatus": "ON"},
        head("ObjectLockLegalHoldStatus"),
        "it is under Object Lock",
        locked=True,
    ),
    Row(
        "annotations",
        {},
        annotation,
        on=("ministack",),
        then=annotate,
        alone=True,
        note=f"`copy` needs s3:GetObjectAnnotation and s3:PutObjectAnnotation; {UPLOADED}",
    ),
]


_HEAD = """\
<!-- Written by tests/servers/preservation.py from what the tests try. Change that. -->

# What comes back

What of an object is the same again after `apply` and `undo`, by `backup.mode`. Each cell is a test on the servers that
are named: an object with that attribute is planned, deleted, brought back and compared
(`tests/servers/test_preservation.py`). What cannot be kept is not deleted: `apply` leaves the object where it is, says
why, and exits with 3.

With `versioning` an object is hidden behind a delete marker and never rewritten, so all of it comes back: its version
id, its history and its time too; unless delete markers may not be removed, as with MFA delete: then the old version is
copied over the marker, as under `copy`, with its Object Lock. With `copy` it is written anew: it has another version
id and time, and in a bucket without versioning no history. Objects of more than 5 GB, and those whose copy's name would
be longer than S3's 1,024 bytes, are not deleted either.

| attribute | `versioning` | `copy` | tried on | note |
|---|---|---|---|---|"""


def cell(row: Row, mode: Mode) -> str:
    """Write a cell."""
    found = row.expected(mode)
    return found if found == KEPT else f"not deleted: *{found}*"


def page() -> str:
    """Write the page."""
    lines = [_HEAD]
    lines += [
        f"| {row.name} | {cell(row, 'versioning')} | {cell(row, 'copy')} | {', '.join(row.on)} | {row.note} |"
        for row in ROWS
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
