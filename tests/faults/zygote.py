"""Starts clients, each a process of its own, without the second that Python and boto3 take: it has them, and forks.

`python -m tests.faults.zygote` reads one order a line on stdin and says the process id of each client on stdout, until
stdin ends. A client types a command line into `labelplan.cli.main`, exactly as `python -m labelplan` would. What is
changed in it: the size of a batch, how long it waits for an answer, and the pauses before it asks or sends again.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import boto3
import botocore.session
import msgspec
from botocore import UNSIGNED
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.retries import standard
from msgspec import Struct

from labelplan.cli.main import COMMANDS, run
from labelplan.flow import batches
from labelplan.store import connect, lean_connections
from labelplan.store.s3_records import S3Records

PAUSE = 0.02


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


def main() -> None:
    """Fork a client for each order."""
    _warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them but by their process ids
    print("ready", flush=True)  # noqa: T201 - the harness waits for it
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        pid = os.fork()
        if not pid:
            _be_client(order)
        print(pid, flush=True)  # noqa: T201 - as above


def _warm() -> None:
    """Import what a client imports, and let botocore read its models once."""
    botocore.session.create_loader = functools.cache(create_loader)
    for command in ("apply", "undo", *COMMANDS):
        if command != "demo":
            importlib.import_module(f"labelplan.cli.{command}")
    for module in ("flow.apply", "flow.undo", "flow.verify", "flow.recheck", "store.s3", "planfile.keys"):
        importlib.import_module(f"labelplan.{module}")
    session = boto3.session.Session()
    for service in ("s3", "sts"):
        session.client(service, region_name="us-east-1", config=Config(signature_version=UNSIGNED))


def _be_client(order: Order) -> NoReturn:
    """Run the command, leave its exit code in `code`, and end, whatever happens."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        folder = Path(order.folder)
        for number, name in enumerate((Path(os.devnull), folder / "out", folder / "err")):
            flags = os.O_RDONLY if not number else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            os.dup2(os.open(name, flags), number)
        os.environ.clear()
        os.environ.update(order.environment)
        os.chdir(folder)
        _patch(order)
        code = run(order.arguments)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - the judge looks for it
        traceback.print_exc()
    sys.stderr.flush()
    (Path(order.folder) / "code").write_text(str(code))
    os._exit(code)


def _patch(order: Order) -> None:
    make_config = connect._config

    def impatient(attempts: int) -> object:
        config = make_config(attempts)
        config.read_timeout = order.read_timeout
        return config

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
