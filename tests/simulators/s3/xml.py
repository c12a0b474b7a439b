"""The bodies that are read and written, in AWS's layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

from tests.simulators.s3.errors import malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.s3.errors import Refusal

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
TYPE = {"Content-Type": "application/xml"}
_SPECIAL = re.compile(r"[&<>\"\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_PLAIN = re.compile(r"[A-Za-z0-9._/-]*")


def escaped(text: str) -> str:
    """Write text; characters that XML forbids become references, as S3 writes them, and no parser takes them."""
    return _SPECIAL.sub(lambda found: _NAMED.get(found[0]) or f"&#x{ord(found[0]):x};", text)


def url_encoded(text: str) -> str:
    """Write a key as listings do with `encoding-type=url`."""
    return text if _PLAIN.fullmatch(text) else quote_plus(text, safe="/*")


def elements(values: Mapping[str, str]) -> str:
    """Write elements with text."""
    return "".join(f"<{name}>{escaped(text)}</{name}>" for name, text in values.items())


def document(root: str, inside: str, attributes: str = "") -> bytes:
    return f'{DECLARATION}<{root} xmlns="{SPACE}"{attributes}>{inside}</{root}>'.encode()


def error(refusal: Refusal, request_id: str) -> bytes:
    """Write an error."""
    given = {"Code": refusal.code, "Message": refusal.message} | refusal.elements
    inside = elements(given | {"RequestId": request_id, "HostId": "simulated"})
    return f"{DECLARATION}<Error>{inside}</Error>".encode()


def parse(body: bytes, root: str) -> ET.Element:
    """Read a body, whose root must have this name; raises `Refusal`."""
    try:
        found = ET.fromstring(body)  # noqa: S314 - from a test
    except ET.ParseError:
        raise malformed() from None
    if local(found) != root:
        raise malformed()
    return found


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def texts(element: ET.Element) -> dict[str, str]:
    """Return the texts of an element's children."""
    return {local(child): child.text or "" for child in element}
