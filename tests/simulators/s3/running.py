"""Runs the simulator for as long as a `with` block, in a process of its own.

with running(ignore_bulk_etag=True) as s3:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
    s3.seed("wildlife", prefix="deer/", count=1000)
    s3.rules({"operation": "DeleteObjects", "skip": 1, "code": "SlowDown"})
    ...
    assert not [change for change in s3.changes() if change["version_id"]]
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from tests.simulators.process import started

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = 200
PATIENCE = 300


class Simulator(Struct, frozen=True):
    """A running simulator."""

    url: str
    pid: int

    def counts(self) -> dict[str, Any]:
        """Return how often each operation was asked for (`requests`), and refused with which code (`refused`)."""
        return _mapping(self._ask("GET", "counts"))

    def changes(self) -> list[dict[str, Any]]:
        """Return every request that would change something, in their order (`ledger.Change`)."""
        found: list[dict[str, Any]] = self._ask("GET", "ledger")["changes"]
        return found

    def forget(self) -> None:
        """Begin a new ledger."""
        self._ask("DELETE", "ledger")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings; return all of them. Access keys may make their requests anew."""
        return _mapping(self._ask("POST", "settings", changes))

    def rules(self, *rules: dict[str, Any]) -> Any:
        """Let next requests go wrong (`rules.Rule`); return the rules that wait."""
        return self._ask("POST", "rules", list(rules)) if rules else self._ask("GET", "rules")

    def clear_rules(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("DELETE", "rules")

    def seed(self, bucket: str, **objects: Any) -> dict[str, Any]:
        """Make many objects in a bucket that is there (`admin.Seed`)."""
        return _mapping(self._ask("POST", "seed", {"bucket": bucket, **objects}))

    def dump(self, bucket: str, prefix: str = "") -> dict[str, Any]:
        """Return all that a bucket holds: every version and delete marker, of each everything but the bytes."""
        return _mapping(self._ask("GET", f"dump?{urlencode({'bucket': bucket, 'prefix': prefix})}"))

    def body(self, bucket: str, key: str, version_id: str | None = None) -> bytes:
        """Return a version's bytes, past every condition and permission."""
        wanted = {"bucket": bucket, "key": key} | ({"version_id": version_id} if version_id else {})
        return base64.b64decode(self._ask("GET", f"body?{urlencode(wanted)}")["body"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        try:
            connection.request(method, f"/_sim/{path}", None if body is None else json.dumps(body))
            reply = connection.getresponse()
            found = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != OK:
            raise ValueError(found["message"])
        return found


def _mapping(found: dict[str, Any]) -> dict[str, Any]:
    return found


@contextmanager
def running(**options: Any) -> Iterator[Simulator]:
    """Start a simulator with the options of its command line, by name; end it with the block.

    True gives an option without a value.
    """
    with started("tests.simulators.s3", _words(options)) as (url, pid):
        yield Simulator(url, pid)


def _words(options: dict[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if value is False or value is None:
            continue
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield str(value)
