"""Connections to one server over which signed requests without a body go, by the standard library's HTTP.

Not for proxies, redirects or retries; `lean.py` says what is asked.
"""

from __future__ import annotations

import weakref
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

CONNECT, READ = 10, 60
"""Seconds, as the clients of `connect.py` have them."""


class Request(NamedTuple):
    """A signed request without a body."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


class Answer(NamedTuple):
    """What a server answered."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Connections:
    """Connections to one server that are kept open, as many as were ever needed at once."""

    def __init__(self, base: str, context: ssl.SSLContext | None = None) -> None:
        """Name the server by a URL; *context*: for TLS."""
        url = urlsplit(base)
        self._host = url.hostname or ""
        self._port = url.port
        self._start = len(f"{url.scheme}://{url.netloc}")  # where the path begins, in all URLs of this server
        self._context = context
        self._idle: deque[HTTPConnection] = deque()
        weakref.finalize(self, _close, self._idle)

    def send(self, request: Request) -> Answer:
        """Send a request, once; raises what boto3 does if the connection breaks."""
        from botocore.exceptions import ConnectionClosedError  # noqa: PLC0415 - boto3 is imported when it is needed

        connection = None
        try:
            connection = self._take()
            connection.request(request.method, request.url[self._start :], headers=request.headers)
            reply = connection.getresponse()
            said: Any = reply.headers
            answer = Answer(reply.status, said, reply.read())
        except (OSError, HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        else:
            if not reply.will_close:
                self._idle.append(connection)
                connection = None
            return answer
        finally:
            if connection:
                connection.close()

    def _take(self) -> HTTPConnection:
        """Take a connection that is still open, or open one."""
        from urllib3.util import wait_for_read  # noqa: PLC0415 - as above

        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._open()
            if not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()  # the server has closed it, or says what nobody has asked

    def _open(self) -> HTTPConnection:
        connection: HTTPConnection
        if self._context is None:
            connection = HTTPConnection(self._host, self._port, timeout=CONNECT)
        else:
            connection = HTTPSConnection(self._host, self._port, timeout=CONNECT, context=self._context)
        connection.connect()
        connection.sock.settimeout(READ)
        return connection


def _close(connections: Iterable[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()
