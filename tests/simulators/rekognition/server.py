"""The connections: reads requests, finds who answers them, and lets replies arrive, come late, or be lost."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from tests.simulators.rekognition.caller import denied, identify
from tests.simulators.rekognition.errors import Refusal
from tests.simulators.rekognition.quotas import DEFAULT_TPS, list_quotas
from tests.simulators.rekognition.settings import changed
from tests.simulators.rekognition.wire import Malformed, Request, read_request, reply, reset

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from tests.simulators.rekognition.service import Outcome, Service

BACKLOG = 1024
DETECT = "RekognitionService.DetectLabels"
QUOTAS = "ServiceQuotasV20190624.ListServiceQuotas"
DEFAULT_QUOTAS = "ServiceQuotasV20190624.ListAWSDefaultServiceQuotas"
OK, NOT_FOUND, BAD_REQUEST = 200, 404, 400


class Server:
    """Serves one `Service` on 127.0.0.1."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def start(self, port: int) -> str:
        """Listen; return the URL."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, backlog=BACKLOG)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        # cancelled: the simulator ends
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                while request := await read_request(reader, writer):
                    if request.headers.get("x-amz-target") == DETECT:
                        await self._detect(request, reader, writer)
                    else:
                        _write(writer, *self._other(request))
                    await writer.drain()
            except Malformed as error:
                writer.write(reply(BAD_REQUEST, str(error).encode(), "", close=True))
        writer.close()

    async def _detect(self, request: Request, reader: StreamReader, writer: StreamWriter) -> None:
        with self._service.ledger.under_way():
            outcome = await self._service.detect_labels(request)
            await asyncio.sleep(outcome.due - asyncio.get_running_loop().time())
            await self._deliver(outcome, reader, writer)

    async def _deliver(self, outcome: Outcome, reader: StreamReader, writer: StreamWriter) -> None:
        if outcome.fate == "reply":
            _write(writer, outcome.status, outcome.body)
            return
        if outcome.fate == "hang":  # until the client gives up
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), self._service.settings.hang_seconds)
        reset(writer)
        raise ConnectionResetError

    def _other(self, request: Request) -> tuple[int, bytes]:
        """Answer what is no DetectLabels: Service Quotas, and this simulator's own paths."""
        if "x-amz-target" in request.headers:
            try:
                return OK, self._aws(request)
            except Refusal as refusal:
                return refusal.status, refusal.body()
        service = self._service
        if request.method == "POST" and request.path == "/control":
            return self._control(request)
        if request.method == "GET" and request.path in {"/ledger", "/totals"}:
            counts = service.ledger.everything() if request.path == "/ledger" else service.ledger.totals()
            now = asyncio.get_running_loop().time()
            return OK, msgspec.json.encode({"now": now, "allowed": service.allowed(now)} | counts)
        return NOT_FOUND, b'{"message":"GET /ledger, GET /totals, POST /control"}'

    def _aws(self, request: Request) -> bytes:
        target = request.headers["x-amz-target"]
        if target not in {QUOTAS, DEFAULT_QUOTAS}:
            raise Refusal("UnknownOperationException", "This operation is not simulated.", front=True)
        service = self._service
        identity = identify(request, "servicequotas", service.callers, dt.datetime.now(dt.UTC))
        if service.settings.no_quotas or not identity.caller.quotas:
            raise denied(identity, f"servicequotas:{target.partition('.')[2]}")
        tps = service.settings.tps if target == QUOTAS else DEFAULT_TPS
        return msgspec.json.encode(list_quotas(request.body, tps, identity.region))

    def _control(self, request: Request) -> tuple[int, bytes]:
        """Change settings; answer with all of them."""
        try:
            changes = msgspec.json.decode(request.body, type=dict[str, Any])
            self._service.change(changed(self._service.settings, changes))
        except ValueError as error:  # msgspec's among them
            return BAD_REQUEST, msgspec.json.encode({"message": str(error)})
        return OK, msgspec.json.encode(self._service.settings)


def _write(writer: StreamWriter, status: int, body: bytes) -> None:
    writer.write(reply(status, body, str(uuid.uuid4())))
