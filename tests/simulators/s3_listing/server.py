"""HTTP/1.1 for the simulator: requests with a length, one after another on a connection, and nothing else of HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.simulators.s3_listing.replies import answer

if TYPE_CHECKING:
    from tests.simulators.s3_listing.objects import Objects

_MOST = 1 << 16


async def serve(objects: Objects, port: int, latency: float) -> asyncio.Server:
    """Listen on 127.0.0.1; every answer takes *latency* seconds more than it must."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _request(reader):
                await asyncio.sleep(latency)
                writer.write(answer(objects, *request))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has what it wants
        finally:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", port, limit=_MOST)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str] | None:
    """Read a request's method and target, and pass over its body; None when the client has closed the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            await reader.readexactly(int(value))
    method, target, _ = first.split(" ", 2)
    return method, target
