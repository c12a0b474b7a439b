"""A page of ListObjectVersions, from the bytes that came to every version and delete marker in it, in their order.

The same two ways as in `listing_xml.py`: a page in AWS's layout is read by one expression, any other as XML. boto3
parts the two kinds into two lists, and S3's times, in whole seconds, cannot tell which lies on which.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

from labelplan.model.objects import KeyVersion
from labelplan.store.listing_xml import (
    CHECKSUMS,
    ETAG,
    LATEST,
    NO_VERSION,
    OWNER,
    SIZE,
    TEXT,
    WORD,
    Marker,
    Top,
    name_of,
    parse,
    refuse_missing,
    taken_by,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class VersionsPage(NamedTuple):
    """All that a page lists, in its order; *following* is None on the last page."""

    entries: list[KeyVersion]
    following: Marker | None


def read_versions(body: bytes) -> VersionsPage | None:
    """Read an answer's body; None if it is not XML, or S3's `<Error>`: both are botocore's to explain, and to retry.

    Raises `AwsRefused` for an answer that is not a listing, or lacks what S3 says of every version.
    """
    try:
        return _read_as_written_by_aws(body) or _read_any(body)
    except ET.ParseError:
        return None


_NAMED = rf"<Key>({TEXT})</Key><VersionId>({TEXT})</VersionId><IsLatest>(true|false)</IsLatest>"
_WHEN = "[0-9TZ:.+-]++"
_CLASS = rf"<StorageClass>({WORD})</StorageClass>"
_ENTRY = re.compile(
    rf"<Version>{_NAMED}(?:<LastModified>(?P<first>{_WHEN})</LastModified>)?+"
    rf"<ETag>{ETAG}</ETag>{CHECKSUMS}<Size>({SIZE})</Size>(?:{_CLASS}{OWNER}|{OWNER}(?:{_CLASS})?+)"
    rf"(?(first)|<LastModified>({_WHEN})</LastModified>)</Version>"  # SeaweedFS writes it last
    rf"|<DeleteMarker>{_NAMED}(?:<LastModified>(?P<marked>{_WHEN})</LastModified>)?+{OWNER}"
    rf"(?(marked)|<LastModified>({_WHEN})</LastModified>)</DeleteMarker>"
)


def _read_as_written_by_aws(body: bytes) -> VersionsPage | None:
    taken = taken_by(_ENTRY, body)
    if taken is None:
        return None
    found, top = taken
    return VersionsPage([_taken(groups, top) for groups in found], top.following())


def _taken(groups: tuple[Any, ...], top: Top) -> KeyVersion:
    written, version_id, latest, modified, etag, size, class_first, class_last, modified_last, *marker = groups
    is_marker = written is None
    if is_marker:
        written, version_id, latest, modified, modified_last = marker
        etag, size = "", "0"
    key = top.plain(written)
    if not key:
        raise refuse_missing("Key", "an object")
    return KeyVersion(
        key,
        version_id or NO_VERSION,
        etag,
        int(size),
        latest == "true",
        is_marker,
        _time(modified or modified_last, key),
        class_first or class_last or "",
    )


_FIELDS = frozenset({"Key", "VersionId", "IsLatest", "LastModified", "ETag", "Size", "StorageClass"})


def _read_any(body: bytes) -> VersionsPage | None:
    root = parse(body)
    if name_of(root) == "Error":
        return None
    top = Top(root)
    return VersionsPage(list(_entries(root, top)), top.following())


def _entries(root: ET.Element, top: Top) -> Iterable[KeyVersion]:
    for child in root:
        name = name_of(child)
        if name in {"Version", "DeleteMarker"}:
            yield _entry(child, top, is_marker=name == "DeleteMarker")


def _entry(element: ET.Element, top: Top, *, is_marker: bool) -> KeyVersion:
    said = texts_of(element, _FIELDS)
    key = top.plain(said.get("Key", ""))
    if not key:
        raise refuse_missing("Key", "an object")
    latest = LATEST.get(said.get("IsLatest", ""))
    if latest is None:
        raise refuse_missing("IsLatest", key)
    etag, size = ("", "0") if is_marker else (said.get("ETag", "").strip('"'), said.get("Size", ""))
    if not etag and not is_marker:
        raise refuse_missing("ETag", key)
    if not re.fullmatch(SIZE, size):
        raise refuse_missing("Size", key)
    return KeyVersion(
        key,
        said.get("VersionId") or NO_VERSION,
        etag,
        int(size),
        latest,
        is_marker,
        _time(said.get("LastModified", ""), key),
        said.get("StorageClass", ""),
    )


def _time(text: str, key: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise refuse_missing("LastModified", key) from None
    if time.tzinfo is None:  # of an unknown time zone
        raise refuse_missing("LastModified", key)
    return time
