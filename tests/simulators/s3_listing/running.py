"""Runs the simulator for as long as a `with` block, in a process of its own.

with running(objects=100_000, prefixes=4) as url:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@contextmanager
def running(*, objects: int, prefixes: int = 1, latency: float = 0.0) -> Iterator[str]:
    """Start a simulator and give its URL; end it with the block."""
    options = [f"--objects={objects}", f"--prefixes={prefixes}", f"--latency={latency}", "--end-with-stdin"]
    command = [sys.executable, "-P", "-m", "tests.simulators.s3_listing", *options]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(  # noqa: S603 - this Python
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the simulator did not start; its last words are on stderr")
            yield url
        finally:
            process.terminate()
