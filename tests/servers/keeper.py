"""Keeps one server for a test run: ends it, and its data with it, as soon as whoever asked for it is gone.

`python keeper.py FOLDER COMMAND…` starts the command in FOLDER, writes its process id to stdout, and waits until its
own stdin closes, which happens even when the test run is killed. Then the server is killed: what it holds is thrown
away, and SeaweedFS takes ten seconds to end by itself. When the server ends, it ends too, with the server's last words
on stderr.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG = "log"


def keep(folder: Path, command: Sequence[str]) -> str:
    """Run *command* until stdin closes or the server ends; return its last words if it ended by itself."""
    gone = threading.Event()
    with (
        (folder / LOG).open("wb") as log,
        subprocess.Popen(  # noqa: S603 - what the tests ask for
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as server,
    ):

        def watch() -> None:
            while os.read(sys.stdin.fileno(), 1):
                pass
            gone.set()
            server.kill()

        threading.Thread(target=watch, daemon=True).start()
        print(server.pid, flush=True)  # noqa: T201 - this is how the test run hears of it
        server.wait()
    return "" if gone.is_set() else last_words(folder)


def last_words(folder: Path) -> str:
    """Return the end of what the server in *folder* said."""
    said = (folder / LOG).read_text(errors="replace")[-2000:]
    return f"the server ended: {said}"


if __name__ == "__main__":
    try:
        sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]) or 0)
    finally:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
