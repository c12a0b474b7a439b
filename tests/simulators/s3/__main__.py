"""`python -m tests.simulators.s3`: the first line on stdout is the URL; SIGTERM and SIGINT end it.

From the repository's root, or with it on PYTHONPATH. Paths besides S3's own, all in JSON: GET and DELETE /_sim/ledger,
GET /_sim/counts, POST /_sim/settings (any setting below, with underscores), GET, POST and DELETE /_sim/rules (see
rules.py), POST /_sim/seed (see admin.py), GET /_sim/dump?bucket=B[&prefix=P], GET /_sim/body?bucket=B&key=K.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import msgspec

from tests.simulators.s3.server import start
from tests.simulators.s3.settings import Settings, changed, described
from tests.simulators.s3.world import World


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; every setting is an option."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulators.s3",
        description="An S3 as AWS documents it, in memory, on 127.0.0.1.",
        epilog=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when stdin closes, so with who started it")
    group = parser.add_argument_group("settings, also at run time")
    for name, kind, default, description in described():
        option = f"--{name.replace('_', '-')}"
        if kind is bool:
            group.add_argument(option, action="store_true", help=description)
        else:
            group.add_argument(option, type=kind, default=default, metavar="N", help=f"{description} ({default})")
    return parser.parse_args(arguments)


async def serve(world: World, port: int, *, end_with_stdin: bool) -> None:
    """Serve until told to end."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if end_with_stdin:
        loop.add_reader(sys.stdin, end.set)  # nobody writes to it: it is readable when it is closed
    _, url = await start(world, port)
    print(url, flush=True)  # noqa: T201 - who started it waits for this
    await end.wait()


def main() -> None:
    """Run it."""
    given = parse(sys.argv[1:])
    try:
        settings = changed(Settings(), {name: getattr(given, name) for name, *_ in described()})
    except msgspec.ValidationError as error:
        sys.exit(str(error))
    asyncio.run(serve(World(settings), given.port, end_with_stdin=given.end_with_stdin))


if __name__ == "__main__":
    main()
