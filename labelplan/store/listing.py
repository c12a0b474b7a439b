"""How a listing is read: which entries are current, in which order versions lie on each other, and what is refused.

Pure functions over the pages that boto3 gives; no call is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion, S3Object
from labelplan.model.run import RUN_PREFIX
from labelplan.store.errors import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_VERSION = "null"
"""The version id of what was stored while versioning was off."""

_ORDER = "LabelplanOrder"
_OK = 200


def current_objects(pages: Iterable[Any]) -> Iterator[S3Object]:
    """Stream the current objects of ListObjectVersions' *pages*, without `.labelplan/`.

    Raises `AwsRefused` if the keys do not come in UTF-8 byte order, each once, or if one holds U+FFFD.
    """
    last = ""
    for page in pages:
        for entry in page.get("Versions", ()):
            if field(entry, "IsLatest") and not field(entry, "Key").startswith(RUN_PREFIX):
                last = _next_key(entry["Key"], last)
                yield S3Object(last, entry.get("VersionId", NO_VERSION), etag(entry), field(entry, "Size"))


def field(entry: Any, name: str) -> Any:
    """Return what a server must say of an object; raises `AwsRefused` if it does not."""
    value = entry.get(name)
    if value is None or value == "":
        what = f"The server does not say the {name} of {entry.get('Key', 'an object')!r}, as S3 does."
        raise AwsRefused(what, hint=SERVER)
    return value


def etag(entry: Any) -> str:
    """Return an entry's ETag without quotes; raises `AwsRefused` if it has none."""
    return str(field({**entry, "ETag": (entry.get("ETag") or "").strip('"')}, "ETag"))


def _next_key(key: str, last: str) -> str:
    # code points sort as their UTF-8 bytes do
    if key <= last:
        what = f"The server lists {key!r} after {last!r}: keys must come once, in UTF-8 byte order, as S3 lists them."
        raise AwsRefused(what, hint=SERVER)
    if "\ufffd" in key:
        what = f"The key {key!r} holds U+FFFD, the sign for bytes that could not be read, so its real name is unknown."
        raise AwsRefused(what, hint="Copy the object to another key, or narrow the prefix.")
    return key


def keep_order(response_dict: Any, customized_response_dict: dict[str, Any], **_: object) -> None:
    """Note in which order versions and markers came: a `before-parse` handler for ListObjectVersions.

    boto3 parts them into two lists, and S3's times, in whole seconds, cannot tell which lies on which.
    """
    if response_dict["status_code"] == _OK:
        root = ET.fromstring(response_dict["body"])  # noqa: S314 - botocore parses the same bytes the same way
        if not root.tag.rpartition("}")[2].startswith("List"):
            raise AwsRefused("The server's answer is not a listing, so what it holds is unknown.", hint=SERVER)
        tags = [child.tag.rpartition("}")[2] for child in root]
        customized_response_dict[_ORDER] = [tag for tag in tags if tag in {"Version", "DeleteMarker"}]


def in_order(page: Any) -> list[KeyVersion]:
    """Return the entries of a page of ListObjectVersions in the order in which they came (see `keep_order`)."""
    entries = {"Version": iter(page.get("Versions", ())), "DeleteMarker": iter(page.get("DeleteMarkers", ()))}
    return [_entry(next(entries[tag], {}), is_delete_marker=tag == "DeleteMarker") for tag in page.get(_ORDER, ())]


def _entry(entry: Any, *, is_delete_marker: bool) -> KeyVersion:
    return KeyVersion(
        key=field(entry, "Key"),
        version_id=entry.get("VersionId", NO_VERSION),
        etag="" if is_delete_marker else etag(entry),
        size=0 if is_delete_marker else field(entry, "Size"),
        is_latest=field(entry, "IsLatest"),
        is_delete_marker=is_delete_marker,
        last_modified=field(entry, "LastModified"),
    )


def newest_first(versions: list[KeyVersion]) -> list[KeyVersion]:
    """Put one key's versions in order, newest first.

    S3 lists them so. Some servers list all versions before all markers: then the latest one first, the rest by time.
    """
    if not versions or versions[0].is_latest:
        return versions
    return sorted(versions, key=lambda version: (version.is_latest, version.last_modified), reverse=True)
