"""`python -m tests.simulators.rekognition`: the first line on stdout is the URL; SIGTERM and SIGINT end it.

From the repository's root, or with it on PYTHONPATH. Paths besides the service's own: GET /ledger (what was asked and
billed, per key and per content), GET /totals (the same in all), POST /control (JSON: any setting below, with
underscores, at run time).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.simulators.rekognition.answers import open_answers
from tests.simulators.rekognition.caller import Caller
from tests.simulators.rekognition.objects import Objects
from tests.simulators.rekognition.server import Server
from tests.simulators.rekognition.service import THREADS, Service
from tests.simulators.rekognition.settings import Settings, changed, described

CALLERS = """who may ask, a JSON file: {"ACCESS KEY": {"secret": "...", "token": "", "expired": false,
"rekognition": true, "quotas": true}}; default: the key of AWS_ACCESS_KEY_ID, and anybody, unchecked, without it"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; every setting is an option."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulators.rekognition",
        description="A stand-in for Rekognition's DetectLabels on 127.0.0.1.",
        epilog=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=int, default=0, help="of its luck: faults and latencies")
    parser.add_argument("--s3", metavar="URL", help="default: AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL")
    parser.add_argument("--callers", type=Path, metavar="FILE", help=CALLERS)
    parser.add_argument(
        "--answers",
        default="generated",
        metavar="FROM",
        help="generated (default), local (the small model), or a table: a JSON object by sha256, or a folder",
    )
    parser.add_argument("--verbatim", action="store_true", help="send the table's answers byte for byte")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when stdin closes, so with who started it")
    group = parser.add_argument_group("settings, also at run time")
    for name, kind, default, description in described():
        option = f"--{name.replace('_', '-')}"
        if kind is bool:
            group.add_argument(option, action="store_true", help=description)
        elif kind is tuple:
            group.add_argument(option, nargs="+", default=(), metavar="FAULT", help=description)
        else:
            group.add_argument(option, type=kind, default=default, metavar="N", help=f"{description} ({default})")
    return parser.parse_args(arguments)


def known_callers(file: Path | None) -> dict[str, Caller] | None:
    """Return the callers of *file*, or the one of the environment, or None for anybody."""
    if file:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Caller])
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    return {key: Caller(secret, os.environ.get("AWS_SESSION_TOKEN", ""))} if key and secret else None


async def serve(given: argparse.Namespace, settings: Settings, s3: str) -> None:
    """Serve until told to end."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if given.end_with_stdin:
        loop.add_reader(sys.stdin, end.set)  # nobody writes to it: it is readable when it is closed
    objects = Objects(s3, THREADS) if s3 else None
    answers = open_answers(given.answers, verbatim=given.verbatim)
    service = Service(settings, answers, objects, known_callers(given.callers), given.seed)
    print(await Server(service).start(given.port), flush=True)  # noqa: T201 - who started it waits for this
    await end.wait()


def main() -> None:
    """Run it."""
    given = parse(sys.argv[1:])
    names: list[str] = [name for name, *_ in described()]
    values: dict[str, Any] = {name: getattr(given, name) for name in names}
    try:
        settings = changed(Settings(), values)
    except msgspec.ValidationError as error:
        sys.exit(str(error))
    s3 = given.s3 or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    if not (s3 or settings.without_s3):
        sys.exit("Which S3? Set AWS_ENDPOINT_URL_S3, or give --s3 URL, or --without-s3.")
    asyncio.run(serve(given, settings, s3))


if __name__ == "__main__":
    main()
