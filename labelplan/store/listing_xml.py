"""A page of ListObjectVersions, from the bytes that came to the current objects in it; see docs/decisions/0007.

Two ways to the same result. A page as AWS writes it is read by one expression that takes nothing else; anything else
goes through the XML parser that botocore uses. What a sequence of pages must keep to stands in `listing.py`; old
versions and markers are read by `versions_xml.py`, in the same two ways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.model.run import RUN_PREFIX
from labelplan.store.errors import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_VERSION = "null"
"""The version id of what was stored while versioning was off."""


class Marker(NamedTuple):
    """Where the next page begins: after this version of this key; an empty *version_id* if the server names none."""

    key: str
    version_id: str


class Page(NamedTuple):
    """The current objects of a page, without `.labelplan/`; *following* is None on the last page."""

    objects: list[S3Object]
    following: Marker | None


def read_page(body: bytes) -> Page | None:
    """Read an answer's body; None if it is not XML, or S3's `<Error>`: both are botocore's to explain, and to retry.

    Raises `AwsRefused` for an answer that is not a listing, or lacks what S3 says of every object.
    """
    try:
        return _read_as_written_by_aws(body) or _read_any(body)
    except ET.ParseError:
        return None


def refuse_listing() -> AwsRefused:
    """Explain an answer without an error that is not a listing either."""
    return AwsRefused("The server's answer is not a listing, so what it holds is unknown.", hint=SERVER)


# --- as AWS writes it, and a few others -----------------------------------------------------------------------------

# Text that is itself in XML: no entity, no line end that a parser would change, no character that XML forbids. All
# quantifiers are possessive, so that no page takes long.
TEXT = r"[^<>&\x00-\x1f\ufffe\uffff]*+"
WORD = r"[0-9A-Z_]*+"
_QUOTE = r"(?:&quot;|&#34;|\")"
ETAG = rf"{_QUOTE}([0-9A-Za-z.+/=_-]++){_QUOTE}"
SIZE = r"[0-9]{1,19}+"
_TIME = r"(?:<LastModified>[0-9TZ:.+-]*+</LastModified>)?+"  # SeaweedFS writes it last
OWNER = rf"(?:<Owner>(?:<ID>{TEXT}</ID>)?+(?:<DisplayName>{TEXT}</DisplayName>)?+</Owner>)?+"
CHECKSUMS = rf"(?:<ChecksumAlgorithm>{WORD}</ChecksumAlgorithm>)?+(?:<ChecksumType>{WORD}</ChecksumType>)?+"
_CLASS = rf"(?:<StorageClass>{WORD}</StorageClass>)?+"
_ENTRY = re.compile(
    rf"<Version><Key>({TEXT})</Key><VersionId>({TEXT})</VersionId><IsLatest>(true|false)</IsLatest>{_TIME}"
    rf"<ETag>{ETAG}</ETag>{CHECKSUMS}<Size>({SIZE})</Size>{_CLASS}{OWNER}{_CLASS}{_TIME}</Version>"
    rf"|<DeleteMarker><Key>{TEXT}</Key><VersionId>{TEXT}</VersionId><IsLatest>(?:true|false)</IsLatest>{_TIME}"
    rf"{OWNER}{_TIME}</DeleteMarker>"
)
_FIRST = re.compile("<(?:Version|DeleteMarker)><Key>")
_ENTRIES = "LabelplanEntries"


def _read_as_written_by_aws(body: bytes) -> Page | None:
    """Read a page whose entries stand side by side in AWS's layout; None for any other, which may be right as well."""
    taken = taken_by(_ENTRY, body)
    if taken is None:
        return None
    found, top = taken
    return Page(list(_current(found, top)), top.following())


def taken_by(entry: re.Pattern[str], body: bytes) -> tuple[list[tuple[Any, ...]], Top] | None:
    """Return the groups of all entries of a page, if *entry* takes every one of them; None if not.

    *entry* must take nothing but elements `<Version>` and `<DeleteMarker>` that hold plain text.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    first = _FIRST.search(text)
    if not first:
        return None
    found, end = entries_from(entry, text, first.start())
    # what stands around the entries is read as XML, with one element in their place: where that is a child of the
    # root, they are children of the root as well, and not in a comment
    around = f"{text[: first.start()]}<{_ENTRIES}/>{text[end:]}"
    if around.count(_ENTRIES) > 1:
        return None
    root = parse(around.encode())
    names = [name_of(child) for child in root]
    if name_of(root) == "Error" or names.count(_ENTRIES) != 1 or not {"Version", "DeleteMarker"}.isdisjoint(names):
        return None
    return found, Top(root)


def entries_from(entry: re.Pattern[str], text: str, at: int) -> tuple[list[tuple[Any, ...]], int]:
    """Return the groups of the entries that follow each other from *at* on, and where the last one ends."""
    found = []
    for match in entry.finditer(text, at):
        if match.start() != at:
            break
        at = match.end()
        found.append(match.groups())
    return found, at


def _current(found: Iterable[tuple[Any, ...]], top: Top) -> Iterator[S3Object]:
    for written, version_id, latest, etag, size in found:
        if latest != "true":
            continue
        key = top.plain(written)
        if not key:
            raise refuse_missing("Key", "an object")
        if not key.startswith(RUN_PREFIX):
            yield S3Object(key, version_id or NO_VERSION, etag, int(size))


# --- as anybody may write it ----------------------------------------------------------------------------------------


def _read_any(body: bytes) -> Page | None:
    root = parse(body)
    name = name_of(root)
    if name == "Error":
        return None
    top = Top(root)
    objects = [one for child in root if name_of(child) == "Version" and (one := _version(child, top))]
    return Page(objects, top.following())


class Top:
    """What a page says of itself."""

    def __init__(self, root: ET.Element) -> None:
        """Read the root of the answer; raises `AwsRefused` if it is not that of a listing of versions."""
        names = {name_of(child) for child in root}
        if not name_of(root).startswith("List") or "Contents" in names:  # those are ListObjects' entries
            raise refuse_listing()
        self._said = texts_of(root, ("EncodingType", "IsTruncated", "NextKeyMarker", "NextVersionIdMarker"))
        self._encoded = self._said.get("EncodingType") == "url"

    def plain(self, key: str) -> str:
        """Decode a key as it is written in the page."""
        return unquote_plus(key) if self._encoded and ("%" in key or "+" in key) else key

    def following(self) -> Marker | None:
        """Return where the next page begins; raises `AwsRefused` if there is one and the server does not say where."""
        truncated = self._said.get("IsTruncated", "false")
        key = self.plain(self._said.get("NextKeyMarker", ""))
        if truncated == "true" and key:
            return Marker(key, self._said.get("NextVersionIdMarker", ""))
        if truncated != "false":
            raise AwsRefused("The server does not say where its listing goes on.", hint=SERVER)
        return None


_FIELDS = frozenset({"Key", "VersionId", "IsLatest", "ETag", "Size"})
LATEST = {"true": True, "false": False}


def _version(entry: ET.Element, top: Top) -> S3Object | None:
    """Return the current object that a `<Version>` describes; None if it is not current, or under `.labelplan/`."""
    said = texts_of(entry, _FIELDS)
    written = said.get("Key", "")
    key = top.plain(written)
    latest = LATEST.get(said.get("IsLatest", ""))
    if latest is None:
        raise refuse_missing("IsLatest", key)
    if not latest:
        return None
    if not key:
        raise refuse_missing("Key", "an object")
    if key.startswith(RUN_PREFIX):
        return None
    etag, size = said.get("ETag", "").strip('"'), said.get("Size", "")
    if not etag:
        raise refuse_missing("ETag", key)
    if not re.fullmatch(SIZE, size):
        raise refuse_missing("Size", key)
    return S3Object(key, said.get("VersionId") or NO_VERSION, etag, int(size))


def refuse_missing(name: str, key: str) -> AwsRefused:
    """Explain that the server leaves out what S3 says of every object."""
    return AwsRefused(f"The server does not say the {name} of {key!r}, as S3 does.", hint=SERVER)


def parse(body: bytes) -> ET.Element:
    """Read an answer as XML; raises `ET.ParseError` if it is none."""
    # as botocore does: UTF-8, whatever the answer declares
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 - expat limits entities, and botocore parses the same bytes
    parser.feed(body)
    root: ET.Element = parser.close()
    return root


def name_of(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def texts_of(element: ET.Element, names: Iterable[str]) -> dict[str, str]:
    """Return the texts of the children with these *names*; raises `AwsRefused` if one is there twice."""
    found: dict[str, str] = {}
    for child in element:
        name = name_of(child)
        if name in names:
            if name in found:
                raise AwsRefused(f"The server says {name} twice where S3 says it once.", hint=SERVER)
            found[name] = child.text or ""
    return found
