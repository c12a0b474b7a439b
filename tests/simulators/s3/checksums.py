"""The digests that come with a body, and those that S3 gives back: MD5, CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from functools import cache
from typing import TYPE_CHECKING

from tests.simulators.s3.errors import Refusal, invalid_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT = "CRC64NVME"
"""What S3 keeps of an object that came without a checksum."""

SLOW = frozenset({"CRC32C", "CRC64NVME"})
START = "x-amz-checksum-"
_OWN = {"mode", "algorithm", "type"}


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    table = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _crc(content: bytes, polynomial: int, width: int) -> bytes:
    """Compute a reflected CRC, all ones before and after, as Python can: 10 MB a second."""
    table = _table(polynomial)
    ones = (1 << 8 * width) - 1
    value = ones
    for byte in content:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return (value ^ ones).to_bytes(width, "big")


_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "CRC32C": lambda content: _crc(content, 0x82F63B78, 4),
    "CRC64NVME": lambda content: _crc(content, 0x9A6C9329AC4BC9B5, 8),
    "SHA1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "SHA256": lambda content: hashlib.sha256(content).digest(),
}


def written(name: str, content: bytes) -> str:
    """Write a content's digest as headers do."""
    return base64.b64encode(_DIGESTS[name](content)).decode()


def algorithm(headers: Mapping[str, str]) -> str:
    """Return the name of the checksum that a request brings; empty for none; raises `Refusal`."""
    found = [name[len(START) :].upper() for name in headers if name.startswith(START)]
    found = [name for name in found if name.lower() not in _OWN]
    if len(found) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if found and found[0] not in _DIGESTS:
        raise Refusal("NotImplemented", f"The checksum {found[0]} is not simulated.", 501)
    return found[0] if found else ""


def present(headers: Mapping[str, str]) -> bool:
    """Whether a digest of the body came with it."""
    return "content-md5" in headers or bool(algorithm(headers))


def check(headers: Mapping[str, str], body: bytes) -> None:
    """Hold a body against the digests that came with it; raises `Refusal`."""
    md5, name = headers.get("content-md5"), algorithm(headers)
    if md5 is not None:
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        if _decoded(md5, "The Content-MD5 you specified was invalid.", len(digest)) != digest:
            raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.")
    if name:
        given = headers[START + name.lower()]
        digest = _DIGESTS[name](body)
        if _decoded(given, f"Value for {START}{name.lower()} header is invalid.", len(digest)) != digest:
            raise Refusal("BadDigest", f"The {name} you specified did not match the calculated checksum.")


def _decoded(text: str, wrong: str, length: int) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != length:
        raise Refusal("InvalidDigest" if "MD5" in wrong else "InvalidRequest", wrong)
    return digest
