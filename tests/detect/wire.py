"""Rekognition's wire, and nothing behind it: JSON 1.1 over HTTP on 127.0.0.1, replying what a test scripts.

It simulates status, content type, request id and error bodies as the service sends them, lost connections and silence.
It does not check signatures or requests, knows no image and no quota, and adds no latency.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Request:
    """What came: *target* is `X-Amz-Target`."""

    target: str
    user_agent: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What goes back; *silence* holds it until the test is over, *lost* closes the connection without a word.

    *promised*: bytes of the body that are announced and never come.
    """

    status: int = 200
    body: bytes = b'{"Labels":[],"LabelModelVersion":"3.0"}'
    headers: tuple[tuple[str, str], ...] = ()
    silence: bool = False
    lost: bool = False
    promised: int = 0


Script = Callable[[Request], Reply]


def error(code: str, words: str = "", status: int = 400) -> Reply:
    """Make an error as the service words it."""
    body = {"__type": code, "Code": code, "Logref": "3c8e9c7a", "Message": words}
    return Reply(status, json.dumps(body).encode())


def answer(text: str) -> Reply:
    return Reply(body=text.encode())


@dataclass
class Wire:
    """The running server: *script* gives each request its reply, *requests* are those that came."""

    url: str
    script: Script = field(default=lambda _request: Reply())
    requests: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def play(self, *replies: Reply) -> None:
        """Reply these in turn, and the last one for ever."""
        left = list(replies)
        self.script = lambda _request: left.pop(0) if len(left) > 1 else left[0]


@contextlib.contextmanager
def running() -> Iterator[Wire]:
    """Serve on a free port until the block ends."""
    wire = Wire("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.headers["X-Amz-Target"], self.headers["User-Agent"], json.loads(body))
            wire.requests.append(request)
            reply = wire.script(request)
            if reply.silence:
                wire.over.wait(30)
            if reply.silence or reply.lost:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(reply.body) + reply.promised))
            self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or bool(reply.promised)

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    wire.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield wire
    finally:
        wire.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
