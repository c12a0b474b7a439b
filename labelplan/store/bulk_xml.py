"""What DeleteObjects sends and answers, as XML; a tenth of botocore's CPU time (benchmarks/bulk_xml.py).

What is sent is put in the place of botocore's (`take_over`); digest, signature and connection stay botocore's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

from labelplan.store.listing_xml import TEXT, entries_from, name_of, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client

MOST = 1000
"""How many keys one request may name."""


class Named(NamedTuple):
    """A key as one request names it; what is empty is not sent. *etag*: as HTTP writes it, in quotes."""

    key: str
    etag: str = ""
    version_id: str = ""


_SPECIAL = re.compile("[&<>\t\n\r\x85\u2028]")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", **{odd: f"&#{ord(odd)};" for odd in "\t\n\r\x85\u2028"}}
)


def fits(key: str) -> bool:
    """Tell whether XML 1.0 can carry a key; one that it cannot makes S3 refuse the whole request."""
    return not _NOT_IN_XML.search(key)


def written(objects: Iterable[Named]) -> bytes:
    """Write a request's body, which asks for a verbose reply."""
    parts = ['<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">']
    for key, etag, version_id in objects:
        parts.append(f"<Object><Key>{_escaped(key)}</Key>")
        if etag:
            parts.append(f"<ETag>{_escaped(etag)}</ETag>")
        if version_id:
            parts.append(f"<VersionId>{_escaped(version_id)}</VersionId>")
        parts.append("</Object>")
    parts.append("</Delete>")
    return "".join(parts).encode()


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text  # four times as fast as `translate` alone


def read(body: bytes) -> dict[str, list[dict[str, Any]]] | None:
    """Read a reply's body into what botocore would make of it; None for what is left to botocore: no XML, an error.

    Two ways to the same result, as in `listing_xml.py`: a plain yes to every key, as AWS writes it, by one expression.
    """
    if deleted := _read_plain_yes(body):
        return {"Deleted": deleted, "Errors": []}
    try:
        root = parse(body)
    except ET.ParseError:
        return None
    if name_of(root) == "Error":
        return None
    found: dict[str, list[dict[str, Any]]] = {"Deleted": [], "Errors": []}
    for child in root:
        kind = _KINDS.get(name_of(child))
        if kind:
            found[kind].append({name_of(field): field.text or "" for field in child})
    return found


_KINDS = {"Deleted": "Deleted", "Error": "Errors"}
_FIELDS = ("Key", "VersionId", "DeleteMarker", "DeleteMarkerVersionId")
_YES = re.compile(f"<Deleted>(?:{'|'.join(f'<{name}>({TEXT})</{name}>' for name in _FIELDS)})++</Deleted>")
_BEGINNING = re.compile(r"(?:<\?xml [^<>&]*+>)?+\s*+<DeleteResult(?: xmlns=\"[^\"<>&]*+\")?+>")
_END = "</DeleteResult>"


def _read_plain_yes(body: bytes) -> list[dict[str, str]] | None:
    """Read a reply that holds nothing but `<Deleted>`; None for any other, which may be right as well."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if not (beginning := _BEGINNING.match(text)):
        return None
    found, end = entries_from(_YES, text, beginning.end())
    if text[end:].strip() != _END:
        return None
    return [{name: said for name, said in zip(_FIELDS, entry, strict=True) if said is not None} for entry in found]


_BODY = "LabelplanBody"
_OK = 200


def take_over(client: S3Client) -> None:
    """Let a client's DeleteObjects also take a body of `written` as `Delete`, and read its replies here."""
    client.meta.events.register("before-parameter-build.s3.DeleteObjects", _set_aside)
    client.meta.events.register("before-call.s3.DeleteObjects", _put_back)
    client.meta.events.register("before-parse.*.DeleteObjects", _read)  # before botocore's own, as in `S3Reader`


def _set_aside(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if isinstance(params.get("Delete"), bytes):
        context[_BODY] = params["Delete"]
        params["Delete"] = {"Objects": []}


def _put_back(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if _BODY in context:
        params["body"] = context[_BODY]


def _read(response_dict: Any, customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] == _OK and (found := read(response_dict["body"])):
        customized_response_dict.update(found)
        response_dict["body"] = b"<DeleteResult/>"
