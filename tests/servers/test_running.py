"""The servers run where they should and end with whoever started them, also when it is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import keeper, running
from tests.servers.where import on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.running import Server

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]


def listening(pid: int) -> set[str]:
    """The addresses that a process listens at, as /proc writes them."""
    sockets = {
        str(one.readlink()).partition("[")[2][:-1] for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(fields[1].partition(":")[0])
    return found


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="only Linux tells")
@on("ministack", "seaweedfs", "rclone")
def test_a_server_listens_to_this_machine_only(server: Server) -> None:
    assert listening(server.pid) == {"0100007F"}  # 127.0.0.1


@contextlib.contextmanager
def kept(folder: Path, command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    words = [sys.executable, keeper.__file__, str(folder), *command]
    with subprocess.Popen(  # noqa: S603 - this Python
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout
        try:
            yield one, int(one.stdout.readline())
        finally:
            one.kill()


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_server_ends_with_its_data_when_who_asked_for_it_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with kept(folder, SLEEPER) as (one, pid):
        assert not ended(pid)
        assert one.stdin
        one.stdin.close()
        assert one.wait(20) == 0
    assert ended(pid)
    assert not folder.exists()


def test_a_server_ends_when_the_test_run_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    run = f"""
import os, signal, subprocess, sys
one = subprocess.Popen({[sys.executable, keeper.__file__, str(folder), *SLEEPER]!r}, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, text=True)
print(one.stdout.readline(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", run], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    # the keeper has the same stderr, so all this comes when it has ended
    assert ended(int(done.stdout))
    assert not folder.exists()


def test_a_server_that_ends_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with kept(folder, SLEEPER) as (one, pid):
        os.kill(pid, signal.SIGTERM)
        assert one.wait(20) == 1
    assert not folder.exists()


def test_a_server_that_does_not_start_says_its_last_words() -> None:
    def command(_: Path) -> tuple[int, list[str], dict[str, str]]:
        return running.free_port(), [sys.executable, "-c", "import sys; sys.exit('no space left')"], {}

    refused = pytest.raises(running.NotReady, match=r"broken did not start at http://127\.0\.0\.1:[\s\S]*no space left")
    with refused, running._started("broken", command):
        pytest.fail("it did not start")


def test_a_port_is_free_and_so_is_the_one_beside_it() -> None:
    port = running.free_port(running.GRPC)
    assert all(map(running._is_free, (port, port + running.GRPC)))
