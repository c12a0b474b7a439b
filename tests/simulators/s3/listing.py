"""ListObjectVersions, ListObjectsV2 and ListObjects, page by page, in UTF-8 byte order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.simulators.s3 import xml
from tests.simulators.s3.acl import OWNER
from tests.simulators.s3.errors import invalid
from tests.simulators.s3.times import iso
from tests.simulators.s3.versions import number_of
from tests.simulators.s3.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.versions import Version
    from tests.simulators.s3.world import Call

MOST = 1000
_OWNER = f"<Owner><ID>{OWNER}</ID></Owner>"


class Asked(Struct):
    """What a listing is asked for; *write* writes a key, encoded or not."""

    prefix: str
    delimiter: str
    most: int
    encoding: str
    write: Callable[[str], str]

    def elements(self, **others: str) -> str:
        """Write what all three say about themselves; *others* stand before them."""
        said = {"Prefix": self.write(self.prefix)} | others | {"MaxKeys": str(self.most)}
        if self.delimiter:
            said["Delimiter"] = self.write(self.delimiter)
        if self.encoding:
            said["EncodingType"] = self.encoding
        return "".join(f"<{name}>{text}</{name}>" for name, text in said.items())


class Page:
    """The entries of a page while it fills, and where it ended if there are more."""

    def __init__(self, most: int) -> None:
        self.entries: list[str] = []
        self.prefixes: list[str] = []
        self.truncated = False
        self.last: tuple[str, Version | None] = ("", None)
        self._most = most

    def full(self) -> bool:
        """Whether one more does not fit."""
        self.truncated = len(self.entries) + len(self.prefixes) >= self._most > 0
        return self.truncated or not self._most


def asked(call: Call) -> Asked:
    """Read what the three have in common; raises `Refusal`."""
    query = call.request.query
    encoding = query.get("encoding-type", "")
    if encoding not in {"", "url"}:
        raise invalid("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    most = query.get("max-keys", "") or str(MOST)
    if not most.isdecimal():
        raise invalid("Provided max-keys not an integer or within integer range", "max-keys", most)
    write = xml.url_encoded if encoding else xml.escaped
    return Asked(query.get("prefix", ""), query.get("delimiter", ""), min(int(most), MOST), encoding, write)


def _keys(bucket: Bucket, wanted: Asked, after: str, page: Page, *, versions: bool) -> Iterator[str]:
    """List the keys under the prefix, after *after*; those that hold the delimiter go into the page, as prefixes.

    *versions*: list *after* itself as well, and keys whose current version is a delete marker.
    """
    prefix, delimiter = wanted.prefix, wanted.delimiter
    for key in bucket.order.at_least(max(prefix, after)):
        if not key.startswith(prefix):
            break
        if not versions and (key == after or bucket.newest[key].is_marker):
            continue
        if delimiter and (at := key.find(delimiter, len(prefix))) >= 0:
            group = key[: at + len(delimiter)]
            if group in {after, page.last[0]}:
                continue
            if page.full():
                return
            page.prefixes.append(group)
            page.last = (group, None)
            continue
        yield key


def versions(call: Call) -> Reply:
    """Answer ListObjectVersions."""
    wanted, query = asked(call), call.request.query
    after, after_id = query.get("key-marker", ""), query.get("version-id-marker", "")
    if after_id and not after:
        raise invalid("A version-id marker cannot be specified without a key marker.", "version-id-marker", after_id)
    if after_id and number_of(after_id) is None:
        raise invalid("Invalid version id specified", "version-id-marker", after_id)
    page = Page(wanted.most)
    _fill_with_versions(call.bucket, wanted, page, after, after_id)
    others = {"KeyMarker": wanted.write(after), "VersionIdMarker": after_id}
    if page.truncated:
        key, version = page.last
        others["NextKeyMarker"] = wanted.write(key)
        if version:
            others["NextVersionIdMarker"] = version.id
    inside = wanted.elements(**others)
    return _reply("ListVersionsResult", call, inside, page, wanted)


def _fill_with_versions(bucket: Bucket, wanted: Asked, page: Page, after: str, after_id: str) -> None:
    for key in _keys(bucket, wanted, after, page, versions=True):
        newest, written = bucket.newest[key], wanted.write(key)
        for version in _older(bucket, key, after_id) if key == after else bucket.history(key):
            if page.full():
                return
            page.entries.append(_version(written, version, "true" if version is newest else "false"))
            page.last = (key, version)


def _older(bucket: Bucket, key: str, after_id: str) -> Iterator[Version]:
    """List the versions of *key* after the one with this id, which may be gone; without an id, none."""
    history = list(bucket.history(key))
    number = number_of(after_id)
    for at, version in enumerate(history):
        if version.id == after_id:
            return iter(history[at + 1 :])
    return (version for version in history if number and abs(version.number) < number)


def _version(key: str, version: Version, latest: str) -> str:
    head = (
        f"<Key>{key}</Key><VersionId>{version.id}</VersionId><IsLatest>{latest}</IsLatest>"
        f"<LastModified>{iso(version.modified)}</LastModified>"
    )
    if version.is_marker:
        return f"<DeleteMarker>{head}{_OWNER}</DeleteMarker>"
    return f"<Version>{head}{_tail(version)}{_OWNER}</Version>"


def _tail(version: Version) -> str:
    details = version.details
    checksum = f"<ChecksumAlgorithm>{details.checksum}</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    return (
        f"<ETag>&quot;{version.etag}&quot;</ETag>{checksum if details.checksum else ''}<Size>{version.size}</Size>"
        f"<StorageClass>{details.storage_class}</StorageClass>"
    )


def objects(call: Call) -> Reply:
    """Answer ListObjectsV2 (`list-type=2`) and ListObjects."""
    wanted, query = asked(call), call.request.query
    second = query.get("list-type") == "2"
    if second:
        after = _from_token(query["continuation-token"]) if "continuation-token" in query else ""
        after = after or query.get("start-after", "")
    else:
        after = query.get("marker", "")
    page = Page(wanted.most)
    owner = _OWNER if not second or query.get("fetch-owner") == "true" else ""
    for key in _keys(call.bucket, wanted, after, page, versions=False):
        version = call.bucket.newest[key]
        if page.full():
            break
        modified = f"<LastModified>{iso(version.modified)}</LastModified>"
        page.entries.append(f"<Contents><Key>{wanted.write(key)}</Key>{modified}{_tail(version)}{owner}</Contents>")
        page.last = (key, version)
    others = (_second if second else _first)(query, wanted, page, after)
    return _reply("ListBucketResult", call, wanted.elements(**others), page, wanted)


def _first(query: dict[str, str], wanted: Asked, page: Page, after: str) -> dict[str, str]:
    del query
    said = {"Marker": wanted.write(after)}
    if page.truncated and wanted.delimiter:
        said["NextMarker"] = wanted.write(page.last[0])
    return said


def _second(query: dict[str, str], wanted: Asked, page: Page, after: str) -> dict[str, str]:
    del after
    said = {}
    if "start-after" in query:
        said["StartAfter"] = wanted.write(query["start-after"])
    if "continuation-token" in query:
        said["ContinuationToken"] = xml.escaped(query["continuation-token"])
    if page.truncated:
        said["NextContinuationToken"] = _token(page.last[0])
    return said | {"KeyCount": str(len(page.entries) + len(page.prefixes))}


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(b"1" + key.encode()).decode()


def _from_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token)[1:].decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("The continuation token provided is incorrect", "continuation-token") from None


def _reply(root: str, call: Call, inside: str, page: Page, wanted: Asked) -> Reply:
    groups = "".join(f"<CommonPrefixes><Prefix>{wanted.write(one)}</Prefix></CommonPrefixes>" for one in page.prefixes)
    truncated = f"<IsTruncated>{'true' if page.truncated else 'false'}</IsTruncated>"
    name = f"<Name>{xml.escaped(call.request.bucket)}</Name>"
    return Reply(200, xml.TYPE, xml.document(root, f"{name}{inside}{truncated}{''.join(page.entries)}{groups}"))
