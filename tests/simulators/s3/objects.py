"""PutObject, GetObject, HeadObject and DeleteObject."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tests.simulators.s3 import checksums, conditions, details, locks
from tests.simulators.s3.errors import Refusal, archived, denied, not_implemented
from tests.simulators.s3.times import http_date
from tests.simulators.s3.versions import Version, tag_of
from tests.simulators.s3.wire import Reply
from tests.simulators.s3.world import version_header

if TYPE_CHECKING:
    from tests.simulators.s3.versions import Details
    from tests.simulators.s3.world import Call

LONGEST_KEY = 1024
QUICK = 1 << 16
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_DIRECTORY_BUCKETS_ONLY = ("x-amz-if-match-last-modified-time", "x-amz-if-match-size")


def put(call: Call) -> Reply:
    checksums.check(call.request.headers, call.request.body)
    return Reply(200, said_of_write(call, write(call, details.details_of(call), call.request.body)))


def write(call: Call, found: Details, body: bytes | str, source: Version | None = None) -> Version:
    """Check the destination's conditions, and write *body*, which is the *source*'s if this is a copy."""
    check_key(call.key)
    bucket, settings = call.bucket, call.world.settings
    copies = call.operation == "CopyObject"
    if not (settings.ignore_copy_if_none_match if copies else settings.ignore_put_conditions):
        conditions.check_write(call.request.headers, call.key, bucket.current(call.key))
    size = source.size if source else len(body)
    version = Version(bucket.next_number(), b"", size, call.world.now(), body, found)
    version.tag = _tag(version, source)
    bucket.put(call.key, version)
    call.made = version.id
    return version


def _tag(version: Version, source: Version | None) -> bytes:
    """Return the ETag; a copy's is its source's, where both are the content's MD5."""
    wanted = version.details.encryption
    if source and source.plain and wanted.etag_is_md5:
        return source.tag
    return tag_of(version.content(), wanted)


def said_of_write(call: Call, version: Version) -> dict[str, str]:
    """Say of a new version what a PUT and a copy say."""
    said = {"ETag": f'"{version.etag}"'} | version_header(call.bucket, version)
    said |= details.encryption_headers(version.details.encryption)
    return said | checksum_headers(version, most=QUICK)


def checksum_headers(version: Version, most: int = sys.maxsize) -> dict[str, str]:
    """Say a version's checksum; none for an upload in parts, or if it is slow and the content over *most* bytes."""
    name = version.details.checksum
    if not name or (name in checksums.SLOW and version.size > most):
        return {}
    value = checksums.written(name, version.content())
    return {f"x-amz-checksum-{name.lower()}": value, "x-amz-checksum-type": "FULL_OBJECT"}


def check_key(key: str) -> None:
    if len(key.encode()) > LONGEST_KEY:
        raise Refusal("KeyTooLongError", "Your key is too long", MaxSizeAllowed=str(LONGEST_KEY))


def get(call: Call) -> Reply:
    """Answer GET and HEAD."""
    version = call.version()
    headers, query = call.request.headers, call.request.query
    details.check_customer_key(headers, details.SSE, version)
    conditions.check_read(headers, version)
    if call.request.method == "GET" and version.details.storage_class in details.ARCHIVES:
        raise archived(version.details.storage_class)
    said = details.described(call.bucket, version) | version_header(call.bucket, version)
    said |= {
        "ETag": f'"{version.etag}"',
        "Last-Modified": http_date(version.modified),
        "Accept-Ranges": "bytes",
    }
    said |= {name[9:]: value for name, value in query.items() if name.startswith("response-")}
    part = _part(headers.get("range", ""), version.size)
    if part is None:
        if headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
            said |= checksum_headers(version)
        part, status = (0, version.size), 200
    else:
        said["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{version.size}"
        status = 206
    if call.request.method == "HEAD":
        return Reply(status, said, length=part[1] - part[0])
    return Reply(status, said, version.content()[part[0] : part[1]])


def _part(written: str, size: int) -> tuple[int, int] | None:
    """Return where a range begins and ends, None for the whole; raises `Refusal`."""
    found = _RANGE.fullmatch(written.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, end = max(0, size - int(found[2])), size
    else:
        first, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    if first >= size or end <= first:
        message = "The requested range is not satisfiable"
        raise Refusal("InvalidRange", message, 416, RangeRequested=written, ActualObjectSize=str(size))
    return first, end


def delete(call: Call) -> Reply:
    for name in _DIRECTORY_BUCKETS_ONLY:
        if call.header(name):
            raise not_implemented(name)
    match = None if call.world.settings.ignore_delete_if_match else call.request.headers.get("if-match")
    locks.check_bypass(call.bucket, call.header(locks.BYPASS))
    return Reply(204, delete_one(call, call.key, call.version_id, match))


def delete_one(call: Call, key: str, version_id: str | None, match: str | None) -> dict[str, str]:
    """Delete the current object, or remove a version; the condition is on the current one in both cases.

    Returns what the headers say. Raises `Refusal`.
    """
    bucket = call.bucket
    conditions.check_delete(match, key, bucket.current(key))
    if version_id is None:
        marker = bucket.delete(key, call.world.now())
        if marker is None:
            return {}
        call.made = marker.id
        return {"x-amz-delete-marker": "true", "x-amz-version-id": marker.id}
    version = bucket.find(key, version_id)
    if bucket.mfa_delete and not call.header("x-amz-mfa"):
        raise denied("Mfa Authentication must be used for this request")
    if version is None:
        return {"x-amz-version-id": version_id}
    locks.check_removal(version, call.header(locks.BYPASS), call.world.now())
    bucket.remove(key, version)
    said = {"x-amz-version-id": version_id} if bucket.versioning else {}
    return said | ({"x-amz-delete-marker": "true"} if version.is_marker else {})
