"""Runs the simulator for as long as a `with` block, in a process of its own.

with running(objects=100_000, prefixes=4) as url:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.simulators.process import started

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running(*, objects: int, prefixes: int = 1, latency: float = 0.0) -> Iterator[str]:
    """Start a simulator and give its URL; end it with the block."""
    options = [f"--objects={objects}", f"--prefixes={prefixes}", f"--latency={latency}"]
    with started("tests.simulators.s3_listing", options) as (url, _):
        yield url
