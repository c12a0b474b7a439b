"""What the tests of the lock speak through: S3's clock and this machine's, moved by hand, and a second process."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from labelplan.flow import lock as locking
from labelplan.flow.lock_record import LOCK
from labelplan.model.run import Lock
from labelplan.store.s3 import open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from botocore.awsrequest import AWSResponse

    from labelplan.flow.lock import Lease
    from labelplan.store.interface import Writer
    from tests.wire import Sent

NOON = dt.datetime(2031, 11, 22, 12, tzinfo=dt.UTC)
WORK = "statement"


@dataclass
class Clocks:
    """S3's clock, as its replies tell it, and this machine's: they differ by years. *fault*: what else goes wrong.

    *delay*: seconds that each reply takes, after S3 has looked at its clock.
    """

    s3: dt.datetime = NOON
    here: float = 1_000_000.0
    fault: Any = None
    delay: float = 0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.here

    def pass_by(self, seconds: float) -> None:
        self.s3 += dt.timedelta(seconds=seconds)
        self.here += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_by(seconds)

    def disturb(self, one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        reply: AWSResponse = self.fault(one, carry_out) if self.fault else carry_out()
        reply.headers["Date"] = format_datetime(self.s3.replace(microsecond=0), usegmt=True)
        self.pass_by(self.delay)
        return reply


def hold(bucket: str | Writer, clocks: Clocks, work: str = WORK, **options: Any) -> AbstractContextManager[Lease]:
    writer = open_writer(bucket) if isinstance(bucket, str) else bucket
    values: dict[str, Any] = {"command": "apply deer.plan.json", "clock": clocks, "sleep": clocks.sleep} | options
    return locking.hold(writer, work=work, **values)


def renew(lease: Lease) -> bool:
    """Do what the thread does after a while."""
    assert isinstance(lease, locking._Held)
    return lease.renew()


def there(writer: Writer) -> Lock:
    """Read the lock, whoever's it is."""
    return msgspec.json.decode(writer.read_record(LOCK) or b"", type=Lock)


def put(writer: Writer, lock: Lock | None = None, **changes: Any) -> Lock:
    """Put a lock there as somebody else would, by default one that is held on another machine."""
    record = writer.dated_record(LOCK)
    until = NOON + dt.timedelta(seconds=120)
    lock = lock or Lock("labelplan/lock/1", "other", 7, "anna", "elsewhere", 42, "undo wild/1", WORK, NOON, until)
    body = msgspec.json.encode(replace(lock, **changes))
    assert writer.replace_record(LOCK, body, record.etag) if record else writer.put_once(LOCK, body)
    return replace(lock, **changes)


_CHILD = """
import sys
from labelplan.errors import Locked
from labelplan.flow.lock import hold
from labelplan.store.s3 import open_writer

writer = open_writer(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    with hold(writer, command="apply", work=sys.argv[2]):
        print("held", flush=True)
        sys.stdin.readline()
except Locked:
    print("locked", flush=True)
"""


class Child:
    """Another process that wants the lock of a bucket, and holds it until it is told to end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self, *, reap: bool = True) -> None:
        self.process.send_signal(signal.SIGKILL)
        if reap:
            self.process.wait()
        else:
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)


@contextmanager
def child(bucket: str, work: str = WORK) -> Iterator[Child]:
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", _CHILD, bucket, work],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            made = Child(process)
            assert made.says() == "ready"
            yield made
        finally:
            process.kill()
