"""A version of an object, or a delete marker, in as few bytes as Python needs: a million of them must fit."""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

NULL = "null"
MD5_BYTES = 16
_ODD, _EVEN_OUT, _MASK = 0x9E3779B97F4A7C15, 0xF1DE83E19937733D, 0xFFFFFFFFFFFFFFFF
_END = ".Qs1mV5LtFtjoIl_"
_ID = re.compile(r"[0-9a-f]{16}" + re.escape(_END))

Pairs = tuple[tuple[str, str], ...]


class Encryption(Struct, frozen=True):
    """How an object is encrypted, by name; *customer_md5*: the MD5 of SSE-C's key, which is kept nowhere."""

    kind: str = "AES256"
    kms_key: str = ""
    bucket_key: bool = False
    customer_md5: str = ""

    @property
    def etag_is_md5(self) -> bool:
        return self.kind == "AES256" and not self.customer_md5


class Lock(Struct, frozen=True):
    """Object Lock; *until*: seconds since 1970."""

    mode: str = ""
    until: int = 0
    hold: str = ""


class Details(Struct, frozen=True):
    """What an object has besides its bytes; many objects share one.

    *headers*: Content-Type and the like, in lower case; *grants*: None for private, else type, who and permission.
    """

    headers: Pairs = ()
    metadata: Pairs = ()
    tags: Pairs = ()
    storage_class: str = "STANDARD"
    encryption: Encryption = Encryption()
    grants: tuple[tuple[str, str, str], ...] | None = None
    lock: Lock = Lock()
    redirect: str = ""
    checksum: str = "CRC64NVME"


@lru_cache(8192)
def shared(details: Details) -> Details:
    """Return one object for all equal details."""
    return details


class Version(Struct, gc=False):
    """A version; *older* is the next one of the same key, so the newest holds them all.

    *number*: larger for the newer, negative for the null version; *tag*: the ETag's bytes, with `-2` and the like after
    them for an upload in parts, and none for a delete marker; *body*: a text stands for what `made` makes of it;
    *modified*: whole seconds since 1970.
    """

    number: int
    tag: bytes
    size: int
    modified: int
    body: bytes | str
    details: Details
    older: Version | None = None

    @property
    def is_marker(self) -> bool:
        return not self.tag

    @property
    def plain(self) -> bool:
        """Whether the ETag is the content's MD5."""
        return len(self.tag) == MD5_BYTES and self.details.encryption.etag_is_md5

    @property
    def etag(self) -> str:
        """Without quotes."""
        return self.tag[:MD5_BYTES].hex() + self.tag[MD5_BYTES:].decode()

    @property
    def id(self) -> str:
        return id_of(self.number)

    def content(self) -> bytes:
        return made(self.body, self.size) if isinstance(self.body, str) else self.body

    def change(self, **details: object) -> None:
        """Change some of the details."""
        self.details = shared(replace(self.details, **details))


def made(text: str, size: int) -> bytes:
    """Make the content of an object that was seeded: its key's SHA-256, over and over."""
    digest = hashlib.sha256(text.encode()).digest()
    return (digest * (size // len(digest) + 1))[:size]


def tag_of(content: bytes, encryption: Encryption) -> bytes:
    """Return the ETag's bytes: the content's MD5; under SSE-KMS and SSE-C another one each time.

    AWS documents of these only that they are no MD5 of the content.
    """
    salt = b"" if encryption.etag_is_md5 else os.urandom(MD5_BYTES)
    return hashlib.md5(salt + content, usedforsecurity=False).digest()


def id_of(number: int) -> str:
    """Write a version's number as an id that says nothing of its age."""
    return NULL if number < 0 else f"{number * _ODD & _MASK:016x}{_END}"


def number_of(version_id: str) -> int | None:
    """Read an id back; None for one that this server never wrote. `null` has no number of its own: -1."""
    if version_id == NULL:
        return -1
    return int(version_id[:16], 16) * _EVEN_OUT & _MASK if _ID.fullmatch(version_id) else None
