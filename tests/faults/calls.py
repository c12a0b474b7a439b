"""One S3 request as it was sent: which operation it is, and what it would change. Path-style addresses only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

READING = frozenset({"GET", "HEAD"})
_OF_BUCKETS = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "versioning"): "GetBucketVersioning",
    ("POST", "delete"): "DeleteObjects",
    ("HEAD", ""): "HeadBucket",
}
_SUBRESOURCES = ("tagging", "acl", "retention", "legal-hold", "attributes", "uploads", "uploadId", "restore")
_METHODS = {"PUT": "Put", "GET": "Get", "HEAD": "Head", "DELETE": "Delete", "POST": "Post"}


class Call(Struct, kw_only=True):
    """A request. *bucket*, *key* are decoded; names of *headers* are in lower case. *phase*: who sends, by the harness.

    *number* counts from 1 in its phase. *sent* is the list of header lines as they came, to be passed on.
    """

    method: str
    target: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    sent: list[tuple[str, str]]
    body: bytes
    phase: str = ""
    number: int = 0
    status: int = 0
    objects: list[tuple[str, str | None]] = field(default_factory=list)
    """What a DeleteObjects names: keys, each with its version id."""

    @property
    def operation(self) -> str:
        """Name it as S3 does; what is not known here gets a name that tells it apart."""
        if not self.bucket:
            return f"{self.method} /"
        if not self.key:
            known = [name for (method, part), name in _OF_BUCKETS.items() if method == self.method and self._has(part)]
            return known[0] if known else f"{_METHODS[self.method]}Bucket{'+'.join(sorted(self.query)).title()}"
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "CopyObject"
        about = next((name for name in _SUBRESOURCES if name in self.query), "")
        return f"{_METHODS[self.method]}Object{about.title()}"

    def _has(self, part: str) -> bool:
        return part in self.query if part else not self.query

    @property
    def changes(self) -> bool:
        return self.method not in READING

    def sender(self) -> str:
        """The command that sent it, as its client says in the User-Agent (`AWS_SDK_UA_APP_ID`)."""
        found = re.search(r"\bapp/(\S+)", self.headers.get("user-agent", ""))
        return found[1] if found else ""

    def named_versions(self) -> list[str]:
        """The version ids that it asks S3 to act on."""
        ids = [self.query["versionId"]] if "versionId" in self.query else []
        return ids + [version for _, version in self.objects if version is not None]

    def changed_keys(self) -> list[str]:
        """The keys that it would change; a bucket's own settings are the empty key."""
        if not self.changes:
            return []
        return [key for key, _ in self.objects] if self.operation == "DeleteObjects" else [self.key]

    def words(self) -> str:
        """Say what it is, on one line."""
        what = self.key or ", ".join(key for key, _ in self.objects)
        return f"{self.number}. {self.operation} {self.bucket}/{what!r} -> {self.status or 'no answer'}"


def read_call(method: str, target: str, sent: list[tuple[str, str]], body: bytes) -> Call:
    """Make a call of a request's parts."""
    path, _, query = target.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    headers = {name.lower(): value for name, value in sent}
    call = Call(
        method=method,
        target=target,
        bucket=bucket,
        key=unquote(key),
        query=pairs,
        headers=headers,
        sent=sent,
        body=body,
    )
    if call.operation == "DeleteObjects":
        call.objects = list(_objects(body))
    return call


def _objects(body: bytes) -> Iterator[tuple[str, str | None]]:
    for element in ET.fromstring(body).iter():  # noqa: S314 - our own client's
        if element.tag.rpartition("}")[2] == "Object":
            parts = {part.tag.rpartition("}")[2]: part.text or "" for part in element}
            yield parts["Key"], parts.get("VersionId")
