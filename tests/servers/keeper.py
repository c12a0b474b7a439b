"""Keeps one server for a test run: ends it, and its data with it, as soon as whoever asked for it is gone.

`python keeper.py FOLDER COMMAND…` starts the command in FOLDER, writes its process id to stdout, and waits until its
own stdin closes, which happens even when the test run is killed. Ends at once when the server does, with the server's
last words on stderr.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG = "log"


def keep(folder: Path, command: Sequence[str]) -> None:
    """Run *command* until stdin closes or the server ends; then remove *folder*."""
    signal.signal(signal.SIGCHLD, lambda *_: sys.exit(last_words(folder)))
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(shutil.rmtree, folder, ignore_errors=True)
        log = at_the_end.enter_context((folder / LOG).open("wb"))
        server = subprocess.Popen(  # noqa: S603 - what the tests ask for
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        at_the_end.callback(end, server)
        print(server.pid, flush=True)  # noqa: T201 - this is how the test run hears of it
        sys.stdin.read()


def last_words(folder: Path) -> str:
    """Return the end of what the server in *folder* said."""
    said = (folder / LOG).read_text(errors="replace")[-2000:]
    return f"the server ended: {said}"


def end(server: subprocess.Popen[bytes]) -> None:
    """Kill the server: what it holds is thrown away, and SeaweedFS takes ten seconds to end by itself."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    server.kill()
    server.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2:])
