"""Starts a simulator in a process of its own, and ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def started(module: str, options: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Run a simulator's *module* with *options* and this process's environment; give its URL and its process id.

    It ends with the block, or with this process if that is killed.
    """
    command = [sys.executable, "-P", "-m", module, "--end-with-stdin", *options]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(  # noqa: S603 - this Python
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the simulator did not start; its last words are on stderr")
            yield url, process.pid
        finally:
            process.terminate()
