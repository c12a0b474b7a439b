"""How a listing is read: page after page, in which order versions lie on each other, and what is refused.

The current objects of a prefix come through labelplan's own parser (`listing_xml.py`), a key's versions through
boto3's. No call is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion
from labelplan.store.errors import SERVER
from labelplan.store.listing_xml import NO_VERSION, read_page, refuse_listing, refuse_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labelplan.model.objects import S3Object
    from labelplan.store.listing_xml import Marker, Page

_ORDER, _PAGE = "LabelplanOrder", "LabelplanPage"
_OK = 200


def in_turn(ask: Callable[[Marker | None], Page], prefix: str) -> Iterator[list[S3Object]]:
    """Stream the current objects under *prefix*, page by page; *ask* gets the page after a marker, None for the first.

    Raises `AwsRefused` if the keys do not come in UTF-8 byte order, each once, or if one holds U+FFFD, or is not under
    *prefix*, and if the pages never end.
    """
    last, marker = "", None
    asked: set[Marker] = set()
    while True:
        page = ask(marker)
        if page.objects:
            last = _last_key(page.objects, last, prefix)
            asked.clear()  # a page that comes again is out of order
            yield page.objects
        marker = page.following
        if marker is None:
            return
        _require_known(marker.key)
        if marker in asked:
            what = f"The server's listing goes round in circles: once more it goes on after {marker.key!r}."
            raise AwsRefused(what, hint=SERVER)
        asked.add(marker)


def _last_key(objects: list[S3Object], last: str, prefix: str) -> str:
    """Check the order after the key *last*, and return the new last one."""
    for one in objects:
        key = one.key
        if key <= last:  # code points sort as their UTF-8 bytes do
            what = (
                f"The server lists {key!r} after {last!r}: keys must come once, in UTF-8 byte order, as S3 lists them."
            )
            raise AwsRefused(what, hint=SERVER)
        if "\ufffd" in key:
            _require_known(key)
        last = key
    for one in (objects[0], objects[-1]):  # what lies between two keys that begin alike begins as they do
        if not one.key.startswith(prefix):
            raise AwsRefused(f"The server lists {one.key!r}, which is not under {prefix!r}.", hint=SERVER)
    return last


def _require_known(key: str) -> None:
    if "\ufffd" in key:
        what = f"The key {key!r} holds U+FFFD, the sign for bytes that could not be read, so its real name is unknown."
        raise AwsRefused(what, hint="Copy the object to another key, or narrow the prefix.")


def keep_page(response_dict: Any, customized_response_dict: dict[str, Any], **_: object) -> None:
    """Read a page in botocore's place: a `before-parse` handler for ListObjectVersions, of a client that only lists."""
    if response_dict["status_code"] == _OK and (page := read_page(response_dict["body"])):
        customized_response_dict[_PAGE] = page
        response_dict["body"] = b"<ListVersionsResult/>"


def kept_page(reply: Any) -> Page:
    """Return what `keep_page` read; raises `AwsRefused` if the answer was nothing of the kind."""
    page: Page | None = reply.get(_PAGE)
    if page is None:
        raise refuse_listing()
    return page


def field(entry: Any, name: str) -> Any:
    """Return what a server must say of an object; raises `AwsRefused` if it does not."""
    value = entry.get(name)
    if value is None or value == "":
        raise refuse_missing(name, entry.get("Key", "an object"))
    return value


def etag(entry: Any) -> str:
    """Return an entry's ETag without quotes; raises `AwsRefused` if it has none."""
    return str(field({**entry, "ETag": (entry.get("ETag") or "").strip('"')}, "ETag"))


def keep_order(response_dict: Any, customized_response_dict: dict[str, Any], **_: object) -> None:
    """Note in which order versions and markers came: a `before-parse` handler for ListObjectVersions.

    boto3 parts them into two lists, and S3's times, in whole seconds, cannot tell which lies on which.
    """
    if response_dict["status_code"] == _OK:
        root = ET.fromstring(response_dict["body"])  # noqa: S314 - botocore parses the same bytes the same way
        if not root.tag.rpartition("}")[2].startswith("List"):
            raise refuse_listing()
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
