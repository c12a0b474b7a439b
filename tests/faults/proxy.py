"""A proxy in front of an S3 server that counts the requests and disturbs the one that it is told to.

In threads of this process, on a free port of 127.0.0.1. Requests are passed on as they came, Host and signature
included, so a server that checks signatures is content. What stands in `guard.py` is enforced on the way.

Not simulated: TLS, HTTP/2, a connection that is slow or loses single packets.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from collections import Counter
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.faults.calls import Call, read_call
from tests.faults.disturbances import KINDS, Disturbance, Kind
from tests.faults.guard import Answer, Guard, Scope, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30
"""Seconds that anything here may take before it is a fault of the harness."""

_OWN = frozenset({"connection", "content-length", "expect", "keep-alive", "transfer-encoding"})
"""Headers between neighbours: not signed, not passed on."""


class Proxy:
    """What the handlers share. *calls*: all of the current phase; *met*: those that were disturbed."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.guard = Guard()
        self.calls: list[Call] = []
        self.met: list[Call] = []
        self.stopped = threading.Event()
        """Set when a client was stopped; it is the harness that continues it."""
        self._lock = threading.Condition()
        self._phase = ""
        self._disturbance: Disturbance | None = None
        self._late_from: Disturbance | None = None
        self._seen: Counter[str] = Counter()
        self._victim: Future[int] = Future()
        self._over = threading.Event()
        self._held: list[_Held] = []
        self._deliver_at = 0
        self._came_amid = 0
        self.visitor: Callable[[str], None] = lambda _: None
        """Does what a visit is told to do."""
        self._busy = 0
        self.url = ""

    def begin(self, phase: str, disturbance: Disturbance | None = None, scope: Scope | None = None) -> None:
        """Begin a phase (`apply`, `undo`, …): calls are counted from 1 again, and *disturbance* waits for its own."""
        with self._lock:
            self.calls, self.met, self._seen = [], [], Counter()
            self._phase, self._disturbance = phase, disturbance
            self._deliver_at = _amid(self._late_from)
            self._late_from, self._came_amid = disturbance, 0
            self.guard.scope = scope
            self._victim = Future()
            self._over = threading.Event()
            self.stopped.clear()

    def victim(self, pid: int) -> None:
        """Say which process is killed, or stopped, when the disturbance says so."""
        self._victim.set_result(pid)

    def end(self) -> None:
        """End the phase: nobody hangs any longer, and all that is under way, but for what is held, is waited for."""
        self._over.set()
        with self._lock:
            if not self._lock.wait_for(lambda: not self._busy, PATIENCE):
                raise TimeoutError("requests are still under way")

    def deliver(self) -> int:
        """Let the server have what was held, and wait until it has; return how many requests that were."""
        with self._lock:
            held, self._held = self._held, []
        for one in held:
            one.go.set()
            if not one.done.wait(PATIENCE):
                raise TimeoutError("what was held is still under way")
        return len(held)

    def came_late(self) -> int:
        """Deliver, and return how many requests came late: now, and in the middle of this phase."""
        return self.deliver() + self._came_amid

    # --- for the handlers ---------------------------------------------------------------------------------------

    def take(self, call: Call) -> Disturbance | None:
        """Count a call, and tell what is to happen to it."""
        with self._lock:
            call.phase, call.number = call.sender() or self._phase, len(self.calls) + 1
            self.calls.append(call)
            self.guard.look(call)
            disturbance = self._meet(call)
        if call.number == self._deliver_at:
            self._came_amid += self.deliver()
        return disturbance

    def _meet(self, call: Call) -> Disturbance | None:
        wanted = self._disturbance
        if wanted is None or not wanted.fits(call.operation, changes=call.changes):
            return None
        self._seen[wanted.operation] += 1
        past = self._seen[wanted.operation] - wanted.number
        if past < 0 or (wanted.times and past >= wanted.times):
            return None
        self.met.append(call)
        return wanted

    @contextmanager
    def busy(self, by: int = 1) -> Iterator[None]:
        """While something is under way (or, with -1, is held)."""
        with self._lock:
            self._busy += by
            self._lock.notify_all()
        try:
            yield
        finally:
            with self._lock:
                self._busy -= by
                self._lock.notify_all()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until the harness lets the server have a request; the block carries it out."""
        mine = _Held()
        with self._lock:
            self._held.append(mine)
        with self.busy(-1):
            mine.go.wait()
        try:
            yield
        finally:
            mine.done.set()

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._victim.result(PATIENCE), number)

    def wait_for_end(self, connection: socket.socket) -> None:
        """Wait until the client gives up, or the phase ends."""
        over = self._over
        with self.busy(-1):
            while not over.is_set() and not select([connection], [], [], 0.02)[0]:
                pass


@contextmanager
def in_front_of(upstream: str) -> Iterator[Proxy]:
    """Run a proxy for as long as the block."""
    proxy = Proxy(upstream)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = proxy
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy._over.set()
        server.shutdown()
        server.server_close()


class _Held:
    """A request that is under way for long."""

    def __init__(self) -> None:
        self.go, self.done = threading.Event(), threading.Event()


def _amid(late: Disturbance | None) -> int:
    """Choose the call of the next command before which the server gets what is late: each time another one."""
    return (7 * late.number) % 41 + 1 if late and late.amid else 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves in the middle of anything."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.proxy = self.server.proxy
        self.upstream = HTTPConnection(self.proxy.host, self.proxy.port, timeout=PATIENCE)

    def finish(self) -> None:
        self.upstream.close()
        with suppress(OSError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass

    def _one(self) -> None:
        call = read_call(self.command, self.path, list(self.headers.items()), self._body())
        with self.proxy.busy():
            self._serve(call, self.proxy.take(call))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _one  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _serve(self, call: Call, disturbance: Disturbance | None) -> None:
        kind = KINDS[disturbance.kind] if disturbance else None
        if disturbance and kind and kind.then == "visit":
            self.proxy.visitor(disturbance.visit)
            kind = None
        if kind is None:
            self._answer(self._carry_out(call))
        elif kind.then == "stop":
            self._stop(call, kind)
        else:
            self._disturb(call, kind, self._carry_out(call) if kind.acts == "first" else None)
            if kind.acts == "late":
                self._leave()
                with self.proxy.held():
                    self._carry_out(call)

    def _disturb(self, call: Call, kind: Kind, answer: Answer | None) -> None:
        self.close_connection = True
        match kind.then:
            case "kill":
                self.proxy.signal(signal.SIGKILL)
            case "cut":
                assert answer is not None
                self._answer(answer, half=True)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._leave()
            case "hang":
                self.proxy.wait_for_end(self.connection)
            case "error" | "inner":
                self.close_connection = False
                self._answer(error(kind.status, kind.code) if kind.then == "error" else _inner(call, kind))
            case "drop":
                pass

    def _stop(self, call: Call, kind: Kind) -> None:
        """Stop the client; it finds the answer when it is continued."""
        self.proxy.signal(signal.SIGSTOP)
        answer = self._carry_out(call) if kind.acts == "first" else None
        self.proxy.stopped.set()
        with self.proxy.held():
            self._answer(answer or self._carry_out(call))

    def _leave(self) -> None:
        """Close the connection to the client now."""
        with suppress(OSError):
            if not self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
                self.connection.shutdown(socket.SHUT_RDWR)
        self.rfile.close()
        self.connection.close()

    def _carry_out(self, call: Call) -> Answer:
        """Refuse as S3 would, or let the server do it."""
        answer = self.proxy.guard.refusal(call) or self._pass_on(call)
        call.status = answer.status
        return answer

    def _pass_on(self, call: Call) -> Answer:
        try:
            self.upstream.putrequest(call.method, call.target, skip_host=True, skip_accept_encoding=True)
            for name, value in call.sent:
                if name.lower() not in _OWN:
                    self.upstream.putheader(name, value)
            if call.changes:
                self.upstream.putheader("Content-Length", str(len(call.body)))
            self.upstream.endheaders(call.body or None)
            reply = self.upstream.getresponse()
            body = reply.read()
        except (HTTPException, OSError) as failure:
            self.upstream.close()
            return error(502, "BadGateway", f"the server behind the proxy: {failure!r}")
        headers = [(name, value) for name, value in reply.getheaders() if name.lower() not in _OWN]
        if call.method == "HEAD" and (length := reply.getheader("Content-Length")):
            headers.append(("Content-Length", length))
        return Answer(reply.status, headers, body)

    def _answer(self, answer: Answer, *, half: bool = False) -> None:
        """Send an answer, or only half of it."""
        lines = [f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Error'}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if self.command != "HEAD" and answer.status not in {204, 304}:
            lines.append(f"Content-Length: {len(answer.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if self.command == "HEAD" else answer.body
        if half and body:
            body = body[: len(body) // 2]
        elif half:
            head = head[: len(head) // 2]
        with suppress(OSError):
            self.connection.sendall(head + body)


def _inner(call: Call, kind: Kind) -> Answer:
    """Make the 200 that holds an error: of each key, or of the copy."""
    said = f"<Code>{kind.code}</Code><Message>We encountered an internal error. Please try again.</Message>"
    if call.operation != "DeleteObjects":
        return error(200, kind.code)
    keys = "".join(f"<Error><Key>{_escaped(key)}</Key>{said}</Error>" for key, _ in call.objects)
    return Answer(200, [("Content-Type", "application/xml")], f"<DeleteResult>{keys}</DeleteResult>".encode())


def _escaped(key: str) -> str:
    for mark, escape in {"&": "&amp;", "<": "&lt;", "\r": "&#13;", "\n": "&#10;"}.items():
        key = key.replace(mark, escape)
    return key
