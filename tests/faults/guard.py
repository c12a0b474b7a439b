"""What no local server insists on, and what no labelplan may send: looked at on the wire, request by request.

Like S3, and unlike the servers behind it: a wrong `ExpectedBucketOwner` is refused with 403, a DeleteObjects whose
digest is missing or wrong with 400. Besides, what breaks a promise is written down: an apply that names a version, a
change outside of what is planned and of labelplan's own records.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.calls import Call

OWNER = "123456789012"
RECORDS = ".labelplan/"
_OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


class Answer(Struct, frozen=True):
    """An HTTP answer, its body whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Scope(Struct):
    """What a phase may change. *keys*: the planned deletes; *copies*: the other bucket that holds copies, if any."""

    bucket: str
    keys: frozenset[str]
    copies: str = ""
    must_say_owner: bool = False


class Guard(Struct):
    """The rules, and what broke them so far."""

    scope: Scope | None = None
    broken: list[str] = field(default_factory=list)

    def refusal(self, call: Call) -> Answer | None:
        """Return S3's own refusal of a request that the server behind would take."""
        return self._wrong_owner(call) or _wrong_digest(call)

    def look(self, call: Call) -> None:
        """Write down what the request breaks."""
        if call.phase == "apply" and call.named_versions():
            self._breaks(call, f"an apply names the versions {call.named_versions()}")
        if self.scope is None:
            return
        for key in call.changed_keys():
            if not self._may_change(call.bucket, key):
                self._breaks(call, f"{call.phase} changes {key!r}, which is not planned")

    def _may_change(self, bucket: str, key: str) -> bool:
        assert self.scope is not None
        if bucket == self.scope.bucket:
            return key in self.scope.keys or key.startswith(RECORDS)
        return bool(key) and bucket == self.scope.copies

    def _wrong_owner(self, call: Call) -> Answer | None:
        said = [call.headers[name] for name in _OWNERS if name in call.headers]
        if any(owner != OWNER for owner in said):
            return error(403, "AccessDenied")
        if not said and self.scope and self.scope.must_say_owner and call.phase == "apply" and call.changes:
            self._breaks(call, "no expected owner is sent")
        return None

    def _breaks(self, call: Call, what: str) -> None:
        self.broken.append(f"{what}: {call.words()}")


def error(status: int, code: str, message: str = "a disturbance") -> Answer:
    """Make S3's error of this *code*."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Answer(status, [("Content-Type", "application/xml"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")], body)


def _wrong_digest(call: Call) -> Answer | None:
    """S3 wants one of them on a DeleteObjects, and every one that is sent has to be right."""
    if call.operation != "DeleteObjects":
        return None
    digests: dict[str, Callable[[bytes], bytes]] = {
        "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
        "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
        "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
        "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    }
    sent = [name for name in digests if name in call.headers]
    if not sent:
        return error(400, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    for name in sent:
        if base64.b64decode(call.headers[name]) != digests[name](call.body):
            return error(400, "BadDigest", f"The {name} you specified did not match what we received.")
    return None
