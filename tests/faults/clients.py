"""Clients of labelplan as the harness sees them: real processes, forked from one that is warm, or started afresh."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.simulators.process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60
"""Seconds that a client may run: far more than it needs."""

PATIENT, HASTY = 5.0, 0.3
"""Seconds that a client waits for an answer; labelplan's own minute is too long, and hasty is who gets none."""


@dataclass(frozen=True)
class Manner:
    """How a client works. *batch*: objects a batch; *in_flight*: batches at once; *read_timeout*: seconds.

    *afresh*: in a Python of its own, with nothing changed in it.
    """

    batch: int = 3
    in_flight: int = 1
    read_timeout: float = PATIENT
    afresh: bool = False


ONE = Manner()
"""One batch after the other, so that every time the same calls come in the same order."""

SEVERAL = Manner(batch=2, in_flight=4)
AFRESH = Manner(afresh=True)
"""As a person starts it: `python -m labelplan`, with nothing changed in it."""


@dataclass(frozen=True)
class Ended:
    """How a client ended. *code*: its exit code, None if it was killed."""

    code: int | None
    out: str
    err: str

    def words(self) -> str:
        return f"exit {self.code}: {self.out.strip()} {self.err.strip()}"


class Client:
    """A running one."""

    def __init__(self, pid: int, folder: Path, own: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._folder = folder
        self._own = own
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = -1

    def wait(self) -> Ended:
        """Wait until it ends; raises `TimeoutError`, and kills it, if it does not."""
        if self._handle >= 0:
            try:
                if not select.select([self._handle], [], [], PATIENCE)[0]:
                    self._signal(signal.SIGKILL)
                    raise TimeoutError(f"a client did not end: {self._read('out')} {self._read('err')}")
            finally:
                os.close(self._handle)
                self._handle = -1
        return Ended(self._code(), self._read("out"), self._read("err"))

    def _code(self) -> int | None:
        if self._own is not None:
            code = self._own.wait()
            return None if code < 0 else code
        left = self._read("code")
        return int(left) if left else None

    def has_ended(self) -> bool:
        return self._handle < 0 or bool(select.select([self._handle], [], [], 0)[0])

    def resume(self) -> None:
        """Continue it after SIGSTOP."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _read(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return (self._folder / name).read_text(errors="replace")
        return ""


class Clients:
    """Starts clients. *environment*: theirs, all of it."""

    def __init__(self, zygote: subprocess.Popen[bytes], folder: Path, environment: dict[str, str]) -> None:
        self._zygote = zygote
        self.folder = folder
        self.environment = environment

    def start(self, *arguments: str, manner: Manner = ONE) -> Client:
        """Start a client that types `labelplan ARGUMENTS`."""
        if manner.afresh:
            return self._start_afresh(arguments)
        folder = tempfile.mkdtemp(dir=self.folder)
        order = {
            "arguments": arguments,
            "environment": self._environment(arguments),
            "folder": folder,
            "batch": manner.batch,
            "in_flight": manner.in_flight,
            "read_timeout": manner.read_timeout,
        }
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.write(msgspec.json.encode(order) + b"\n")
        self._zygote.stdin.flush()
        return Client(int(self._zygote.stdout.readline()), Path(folder))

    def _environment(self, arguments: tuple[str, ...]) -> dict[str, str]:
        """Let every request say in its User-Agent which command sends it."""
        return self.environment | {"AWS_SDK_UA_APP_ID": arguments[0]}

    def _start_afresh(self, arguments: tuple[str, ...]) -> Client:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "labelplan", *arguments],
                cwd=folder,
                env=self._environment(arguments) | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return Client(process.pid, folder, process)


@contextmanager
def warm(url: str) -> Iterator[Clients]:
    """Run the process that clients are forked from; they speak to *url*, and sign with a key of their own."""
    with tempfile.TemporaryDirectory(prefix="labelplan-faults-") as name:
        environment = _environment(Path(name), url)
        command = [sys.executable, "-P", "-m", "tests.faults.zygote"]
        with subprocess.Popen(  # noqa: S603 - this Python
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment | {"PYTHONPATH": str(ROOT)},
        ) as zygote:
            try:
                assert zygote.stdout
                if zygote.stdout.readline() != b"ready\n":
                    raise RuntimeError("no clients: the last words are on stderr")
                yield Clients(zygote, Path(name), environment)
            finally:
                assert zygote.stdin
                zygote.stdin.close()


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "LABELPLAN_KEY": str(folder / "key"),
        "LABELPLAN_TRUST_OWN_KEY": "1",
        "LABELPLAN_CACHE": str(folder / "answers.sqlite"),
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_COLOR": "1",
    }
