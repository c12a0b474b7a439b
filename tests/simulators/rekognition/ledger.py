"""What was asked and what it cost: per key, per content and in all. Only the event loop's thread writes here."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulators.rekognition.errors import Refusal


class Counts(Struct):
    """Calls of DetectLabels.

    *attempts*: all; *throttled*: told to slow down; *refused*: other errors of the caller's or the image's; *errors*:
    HTTP 500s; *billed*: answers made, whether or not the reply arrived; *lost*: connections reset or hung on purpose.
    """

    attempts: int = 0
    throttled: int = 0
    refused: int = 0
    errors: int = 0
    billed: int = 0
    lost: int = 0


class Ledger:
    """The counts, and how many calls are under way."""

    def __init__(self) -> None:
        self.total = Counts()
        self.admitted = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self._keys: defaultdict[str, Counts] = defaultdict(Counts)
        self._contents: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a call as in flight, from its request to its reply."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def attempt(self, key: str) -> None:
        self._add(key, "attempts")

    def admit(self) -> None:
        """Note that a call passed the quota."""
        self.admitted += 1

    def bill(self, key: str, sha256: str) -> None:
        self._add(key, "billed")
        self._contents[sha256] += 1

    def lose(self, key: str) -> None:
        self._add(key, "lost")

    def refuse(self, key: str, refusal: Refusal) -> None:
        kind = "throttled" if refusal.throttle else "errors" if refusal.status >= 500 else "refused"
        self._add(key, kind)

    def totals(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("admitted", "in_flight", "peak_in_flight")}
        return structs.asdict(self.total) | own

    def everything(self) -> dict[str, Any]:
        keys = {key: structs.asdict(counts) for key, counts in self._keys.items()}
        return self.totals() | {"keys": keys, "contents": dict(self._contents)}

    def _add(self, key: str, kind: str) -> None:
        for counts in (self.total, self._keys[key]):
            setattr(counts, kind, getattr(counts, kind) + 1)
