"""Starts clients, each a process of its own, without the second that Python and boto3 take: it has them, and forks.

`python -m tests.faults.zygote` reads one order a line on stdin and says the process id of each client on stdout, until
stdin ends. A client types a command line into `labelplan.cli.main`, exactly as `python -m labelplan` would. What is
changed in it: the size of a batch, how long it waits for an answer, and the pauses before it asks or sends again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import msgspec
from botocore.config import Config
from botocore.retries import standard
from msgspec import Struct

from labelplan.cli.main import run
from labelplan.flow import batches
from labelplan.store import connect, lean_connections
from labelplan.store.s3_records import S3Records
from tests.faults.warm import Kit, imports

PAUSE = 0.02
_MAKE_CONFIG = connect._config


class Order(Struct):
    """A command line to type, and where the client leaves what it said.

    *batch*: objects a batch; *in_flight*: batches at once; *read_timeout*: seconds.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    batch: int
    in_flight: int
    read_timeout: float

    @property
    def kit(self) -> tuple[object, ...]:
        """What boto3's clients are made for."""
        return tuple(sorted(self.environment.items())), self.read_timeout


def main() -> None:
    """Fork a client for each order."""
    imports()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them but by their process ids
    kits: dict[tuple[object, ...], Kit] = {}
    print("ready", flush=True)  # noqa: T201 - the harness waits for it
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        _patch(order)
        kit = kits.get(order.kit) or kits.setdefault(order.kit, Kit())
        pid = os.fork()
        if not pid:
            _be_client(order, kit)
        print(pid, flush=True)  # noqa: T201 - as above


def _be_client(order: Order, kit: Kit) -> NoReturn:
    """Run the command, leave its exit code in `code`, and end, whatever happens."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        folder = Path(order.folder)
        for number, name in enumerate((Path(os.devnull), folder / "out", folder / "err")):
            flags = os.O_RDONLY if not number else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            os.dup2(os.open(name, flags), number)
        os.chdir(folder)
        kit.lay_out()
        code = run(order.arguments)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - the judge looks for it
        traceback.print_exc()
    sys.stderr.flush()
    (Path(order.folder) / "code").write_text(str(code))
    os._exit(code)


def _patch(order: Order) -> None:
    """Take the order's environment, and change what the order says."""

    def impatient(attempts: int) -> Config:
        config: Config = _MAKE_CONFIG(attempts).merge(Config(read_timeout=order.read_timeout))
        return config

    os.environ.clear()
    os.environ.update(order.environment)
    connect._config = impatient
    lean_connections.READ = order.read_timeout  # type: ignore[assignment]  # a fraction, not whole seconds
    batches.BATCH, batches.IN_FLIGHT = order.batch, order.in_flight
    batches.Pace.wait = _at_once  # type: ignore[method-assign, assignment]  # no test waits
    S3Records.pause = lambda *_: time.sleep(PAUSE)  # type: ignore[method-assign]  # as above
    standard.ExponentialBackoff.delay_amount = lambda *_: PAUSE  # type: ignore[method-assign]  # as above


def _at_once(_: batches.Pace) -> None:
    """Keep no pace."""


if __name__ == "__main__":
    main()
