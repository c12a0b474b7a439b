"""The plan file's only layout: its fixed lines, how each value is spelt, and the bytes that a signature covers.

Writer and reader share this module, so that "encoding it again gives the same bytes" means one thing. Not for files,
offsets or digests. docs/plan-format.md describes the format; format 1 is frozen by tests/golden.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from labelplan.model.plan import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.plan import Header, Signature, Summary

FIRST_LINE = b'{"format":"labelplan/plan/1",\n'
HEADER = b'"header":'
DECISIONS = b'"decisions":[\n'
END_DECISIONS = b"],\n"
SUMMARY = b'"summary":'
STATEMENT = b'"statement":'
SIGNATURES = b'"signatures":[\n'
LAST_LINE = b"]}\n"
NEXT = b",\n"

PAYLOAD_TYPE = b"application/vnd.in-toto+json"
MAX_STATEMENT = 3500
"""Bytes. AWS KMS signs at most 4,096 bytes of a raw message; the rest is the encoding around the statement."""

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Decision])

# What nobody sees, or what turns text around: control characters, spaces other than U+0020, line and paragraph
# separators, and Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties, Unicode 15.1). The list is part of
# format 1: `str.isprintable` would make a plan's spelling depend on the Python that reads it.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_DELETE_CHARACTER = b"\x7f"  # the one unseen ASCII character that JSON lets stand
_BEFORE_KEY = b'{"key":'


def encode(value: object) -> bytes:
    """Encode a header, summary, statement or signature: compact JSON, fields in the order of its class."""
    return _encoder.encode(value)


def settle(value: T) -> T:
    """Return *value* as a reader will see it: an int that stands for a float becomes one, whose spelling is `50.0`.

    Raises `ValueError` if a reader would refuse it.
    """
    try:
        return msgspec.json.decode(encode(value), type=type(value))
    except RecursionError as error:
        raise ValueError(str(error)) from None


def head(header: Header) -> bytes:
    """Return everything above the first decision."""
    return b"".join((FIRST_LINE, HEADER, encode(header), NEXT, DECISIONS))


def middle(summary: Summary) -> bytes:
    """Return everything between the last decision's line and the statement's."""
    return b"".join((END_DECISIONS, SUMMARY, encode(summary), NEXT))


def tail(statement: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return everything from the statement's line to the end of the file."""
    lines = NEXT.join(map(encode, signatures)) + (b"\n" if signatures else b"")
    return b"".join((STATEMENT, statement, NEXT, SIGNATURES, lines, LAST_LINE))


def encode_decisions(decisions: Sequence[Decision]) -> bytes:
    r"""Encode decisions as lines, with `,` at the end of each but the last, which has no line feed either.

    What is unseen in a key is written as `\uXXXX`. Raises `ValueError` on a response of several lines, and on a key
    with U+FFFD or a lone surrogate: the real bytes of such a key are unknown, and the delete could hit another object.
    """
    lines = _encoder.encode_lines(decisions)
    if not lines.isascii() or _DELETE_CHARACTER in lines:
        lines = b"".join(map(_visible_line, decisions))
    joined = lines[:-1].replace(b"\n", NEXT)
    if len(joined) != len(lines) + len(decisions) - 2:
        raise ValueError("a response is more than one line")
    return joined


def decode_decisions(lines: bytes) -> list[Decision]:
    """Decode what `encode_decisions` made; does not insist on the spelling, as `check_decisions` does."""
    return _decoder.decode(b"[%b]" % lines)


def check_decisions(lines: bytes) -> list[Decision]:
    """Decode what `encode_decisions` made, and only that; raises `ValueError` on any other spelling."""
    decisions = decode_decisions(lines)
    lines.decode()  # a response may hold what is not UTF-8
    if encode_decisions(decisions) != lines:
        raise ValueError("not the format's spelling of a decision")
    return decisions


def signed_message(statement: bytes) -> bytes:
    """Return the bytes that signatures cover: DSSE's pre-authentication encoding (secure-systems-lab/dsse)."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(statement), statement)


def _visible_line(decision: Decision) -> bytes:
    line = _encoder.encode(decision)
    if "\ufffd" in decision.key:
        raise ValueError("a key holds U+FFFD, so its real bytes are unknown")
    if _UNSEEN.search(decision.key):
        plain = _encoder.encode(decision.key)
        visible = _UNSEEN.sub(_escape, plain.decode()).encode()
        line = _BEFORE_KEY + visible + line[len(_BEFORE_KEY) + len(plain) :]
    return line + b"\n"


def _escape(unseen: re.Match[str]) -> str:
    units = unseen[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
