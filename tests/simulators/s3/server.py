"""The connections. One thread answers all of them, one request after another, so each request is one step."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from tests.simulators.s3 import admin, xml
from tests.simulators.s3.errors import Refusal
from tests.simulators.s3.service import answer
from tests.simulators.s3.times import http_date
from tests.simulators.s3.wire import Malformed, Reader, Reply, encode

if TYPE_CHECKING:
    from tests.simulators.s3.world import World

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NUMBERS = itertools.count(1)


class Connection(asyncio.Protocol):
    """A client's connection; while an answer of it waits, its next requests do."""

    transport: asyncio.Transport

    def __init__(self, world: World) -> None:
        self._world = world
        self._reader = Reader()
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._serve()

    def _serve(self) -> None:
        while not self._waiting and not self.transport.is_closing():
            try:
                request = self._reader.next()
            except Refusal as refusal:
                self._end(Reply(refusal.status, dict(xml.TYPE), xml.error(refusal, "")))
                return
            except (Malformed, ValueError) as error:
                self._end(Reply(400, {}, str(error).encode()))
                return
            if request is None:
                if self._reader.expects:
                    self._reader.expects = False
                    self.transport.write(CONTINUE)
                return
            request_id = f"{next(_NUMBERS):016X}"
            if request.bucket == admin.PLACE:
                reply, seconds = admin.answer(self._world, request), 0.0
            else:
                reply, seconds = answer(self._world, request, request_id)
                seconds += self._world.settings.latency
            written = encode(reply, http_date(self._world.now()), request_id, method=request.method)
            if seconds:
                self._waiting = True
                asyncio.get_running_loop().call_later(seconds, self._later, written)
            else:
                self.transport.write(written)

    def _later(self, written: bytes) -> None:
        self._waiting = False
        if not self.transport.is_closing():
            self.transport.write(written)
            self._serve()

    def _end(self, reply: Reply) -> None:
        reply.headers["Connection"] = "close"
        self.transport.write(encode(reply, http_date(self._world.now()), "", method=""))
        self.transport.close()


async def start(world: World, port: int) -> tuple[asyncio.Server, str]:
    """Listen on 127.0.0.1; return the URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(world), "127.0.0.1", port, backlog=1024)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
