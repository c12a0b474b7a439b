"""What is in a bucket: every version and marker, and all that an object carries. Asked of the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from msgspec import Struct

from tests.faults.asking import OK, asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.faults.asking import Answer

NOT_FOUND = 404
RECORDS = ".labelplan/"


class Entry(Struct, frozen=True):
    """One version or delete marker of a key."""

    version_id: str
    is_marker: bool
    etag: str
    size: int
    is_latest: bool


class Content(Struct, frozen=True):
    """All that a reader gets with an object, its bytes first."""

    body: bytes
    headers: dict[str, str]
    metadata: dict[str, str]
    tags: tuple[tuple[str, str], ...]
    storage_class: str
    etag: str


_HEADERS = (
    "Content-Type",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "x-amz-website-redirect-location",
)
_METADATA = "x-amz-meta-"


class Refused(RuntimeError):
    """A server that does not let us look, and its *status*."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: {status}")
        self.status = status


def history(s3: S3Client, bucket: str) -> dict[str, list[Entry]]:
    """List all versions and markers by key, the latest first, without labelplan's own records."""
    found: dict[str, list[Entry]] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        listed: list[tuple[Any, bool]] = [(one, False) for one in page.get("Versions", ())]
        listed += [(one, True) for one in page.get("DeleteMarkers", ())]
        for one, is_marker in listed:
            if not one["Key"].startswith(RECORDS):
                entry = Entry(
                    one.get("VersionId", "null"),
                    is_marker,
                    one.get("ETag", "").strip('"'),
                    one.get("Size", 0),
                    one["IsLatest"],
                )
                found.setdefault(one["Key"], []).append(entry)
    return {key: sorted(entries, key=lambda entry: not entry.is_latest) for key, entries in found.items()}


def contents(s3: S3Client, bucket: str, keys: dict[str, list[Entry]]) -> dict[tuple[str, str], Content]:
    """Read every version of *keys*, as `history` listed them."""
    return {
        (key, entry.version_id): content(s3, bucket, key, entry.version_id)
        for key, entries in keys.items()
        for entry in entries
        if not entry.is_marker
    }


def found(s3: S3Client, bucket: str, key: str) -> Content | None:
    """Read what is current at a key, None if nothing is."""
    try:
        return content(s3, bucket, key)
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return None


def content(s3: S3Client, bucket: str, key: str, version_id: str = "null") -> Content:
    """Read one object; a *version_id* of `null` reads what is current."""
    at = {} if version_id == "null" else {"versionId": version_id}
    got = _get(s3, bucket, key, at)
    tags = ET.fromstring(_get(s3, bucket, key, at | {"tagging": ""}).body)  # noqa: S314 - a server of ours
    headers = {name.lower(): value for name, value in got.headers.items()}
    return Content(
        got.body,
        {name: headers[name.lower()] for name in _HEADERS if name.lower() in headers},
        {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)},
        tuple(sorted((tag[0].text or "", tag[1].text or "") for tag in tags.iter() if tag.tag.endswith("Tag"))),
        headers.get("x-amz-storage-class", "STANDARD"),
        headers["etag"].strip('"'),
    )


def _get(s3: S3Client, bucket: str, key: str, query: dict[str, str]) -> Answer:
    answer = asking(s3).get(bucket, key, query)
    if answer.status != OK:
        raise Refused(f"{bucket}/{key!r} {query}", answer.status)
    return answer


def record_keys(s3: S3Client, bucket: str) -> list[str]:
    """List labelplan's own records."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=RECORDS)
    return [one["Key"] for page in pages for one in page.get("Contents", ())]


def runs(s3: S3Client, bucket: str) -> list[str]:
    """Name the runs that the bucket has a record of."""
    return sorted({key.split("/")[2] for key in record_keys(s3, bucket) if key.startswith(RECORDS + "runs/")})
