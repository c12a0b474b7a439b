"""Runs the simulator for as long as a `with` block, in a process of its own.

with running(tps=50, latency=0.25) as rekognition:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", rekognition.url)
    ...
    assert rekognition.ledger()["keys"]["bucket/deer/1.jpg"]["billed"] == 1
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from tests.simulators.process import ROOT, started

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FAST", "ROOT", "Simulator", "running"]

OK = 200
FAST = {"tps": 10_000, "latency": 0, "refusal_latency": 0}
"""What a test wants that is not about time."""


class Simulator(Struct, frozen=True):
    """A running simulator."""

    url: str
    pid: int

    def ledger(self) -> dict[str, Any]:
        """Return what was asked and billed: in all, per key (`bucket/key`) and per content (sha256)."""
        return self._ask("GET", "/ledger")

    def totals(self) -> dict[str, Any]:
        """Return the ledger without keys and contents, which is cheap."""
        return self._ask("GET", "/totals")

    def control(self, **settings: Any) -> dict[str, Any]:
        """Change settings; return all of them."""
        return self._ask("POST", "/control", json.dumps(settings))

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path, body)
            reply = connection.getresponse()
            found: dict[str, Any] = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != OK:
            raise ValueError(found["message"])
        return found


@contextmanager
def running(**options: Any) -> Iterator[Simulator]:
    """Start a simulator with the options of its command line, by name; end it with the block.

    True gives an option without a value. Its quota is out of the way and it answers at once, unless asked otherwise.
    The environment is this process's: AWS_ENDPOINT_URL_S3, and the one access key that it knows.
    """
    with started("tests.simulators.rekognition", _words(FAST | options)) as (url, pid):
        yield Simulator(url, pid)


def _words(options: dict[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if value is False or value is None:
            continue
        yield f"--{name.replace('_', '-')}"
        if isinstance(value, (list, tuple)):
            yield from map(str, value)
        elif value is not True:
            yield str(value)
