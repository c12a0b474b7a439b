"""What was asked: how often each operation, and every request that would change something, with its outcome."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Struct, structs

CONDITIONS = (
    "if-match",
    "if-none-match",
    "x-amz-copy-source",
    "x-amz-copy-source-if-match",
    "x-amz-expected-bucket-owner",
    "x-amz-source-expected-bucket-owner",
    "x-amz-bypass-governance-retention",
    "x-amz-mfa",
)


Listed = tuple[str, str | None, str | None, str]
"""An object of a DeleteObjects: key, version id and ETag (None where not sent), and the id of the marker it got."""


class Change(Struct, frozen=True):
    """A request that would change something, whether or not it did.

    *version_id*: the one that it named; *made*: of the version or delete marker that it made; *objects*: what a
    DeleteObjects listed, and *errors*: the codes of what it refused, by key.
    """

    operation: str
    bucket: str
    key: str
    version_id: str | None
    conditions: dict[str, str]
    status: int
    code: str = ""
    made: str = ""
    objects: list[Listed] = []
    errors: dict[str, str] = {}


class Ledger:
    """The counts and the changes, in their order."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.objects: Counter[str] = Counter()
        """Keys in DeleteObjects: `asked` and `refused`."""
        self.changes: list[Change] = []

    def everything(self) -> dict[str, Any]:
        return self.counts() | {"changes": [structs.asdict(change) for change in self.changes]}

    def counts(self) -> dict[str, Any]:
        return {"requests": dict(self.requests), "refused": dict(self.refused), "objects": dict(self.objects)}


def conditions(headers: dict[str, str]) -> dict[str, str]:
    """Pick the headers that say under which condition a request changes something."""
    return {name: headers[name] for name in CONDITIONS if name in headers}
