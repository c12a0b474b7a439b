"""How a listing is read: page after page, in which order versions lie on each other, and what is refused.

The pages come through labelplan's own parsers (`listing_xml.py`, `versions_xml.py`). No call is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.errors import AwsRefused
from labelplan.store.errors import SERVER
from labelplan.store.listing_xml import read_page, refuse_listing, refuse_missing
from labelplan.store.versions_xml import read_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labelplan.model.objects import KeyVersion, S3Object
    from labelplan.store.listing_xml import Marker, Page

_PAGE = "LabelplanPage"
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
    _keep(read_page, response_dict, customized_response_dict)


def keep_versions(response_dict: Any, customized_response_dict: dict[str, Any], **_: object) -> None:
    """Read a page with all its versions and markers in botocore's place: like `keep_page`."""
    _keep(read_versions, response_dict, customized_response_dict)


def _keep(read: Callable[[bytes], Any], response: Any, kept: dict[str, Any]) -> None:
    if response["status_code"] == _OK and (page := read(response["body"])):
        kept[_PAGE] = page
        response["body"] = b"<ListVersionsResult/>"


def kept_page(reply: Any) -> Any:
    """Return what `keep_page` or `keep_versions` read; raises `AwsRefused` if the answer was nothing of the kind."""
    page = reply.get(_PAGE)
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


def newest_first(versions: list[KeyVersion]) -> list[KeyVersion]:
    """Put one key's versions in order, newest first.

    S3 lists them so. Some servers list all versions before all markers: then the latest one first, the rest by time.
    """
    if not versions or versions[0].is_latest:
        return versions
    return sorted(versions, key=lambda version: (version.is_latest, version.last_modified), reverse=True)
