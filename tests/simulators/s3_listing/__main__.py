"""Start the simulator; it prints its URL, and listens until it is ended."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.simulators.s3_listing.objects import Objects
from tests.simulators.s3_listing.server import serve


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.s3_listing", description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--prefixes", type=int, default=1, help="folders that they lie in (default: 1)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer takes (default: 0)")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when whoever started this is gone")
    given = parser.parse_args()
    server = await serve(Objects(given.objects, given.prefixes), given.port, given.latency)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)  # noqa: T201 - how it tells where it is
    async with server:
        if given.end_with_stdin:
            await asyncio.to_thread(sys.stdin.read)
        else:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
