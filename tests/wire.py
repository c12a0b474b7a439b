"""What goes over the wire: every HTTP request that boto3 sends, recorded, and disturbed where a test wants it.

A request can be answered in the server's place, or its answer lost, or the client killed when the server has acted.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from labelplan.store.lean_connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.awsrequest import AWSPreparedRequest


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing is sent after it."""


@dataclass(frozen=True)
class Sent:
    """One request. *key* is decoded, and empty for a call about the bucket; *body*: empty for a file."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def changes(self) -> bool:
        return self.method in {"PUT", "POST", "DELETE"}

    @property
    def record(self) -> bool:
        return self.key.startswith(".labelplan/")


@dataclass
class Wire:
    """All requests so far, and what to do to the next ones."""

    sent: list[Sent] = field(default_factory=list)
    disturb: Callable[[Sent, Callable[[], AWSResponse]], AWSResponse] | None = None

    def deletes(self) -> list[Sent]:
        return [one for one in self.sent if one.method == "DELETE"]

    def send(self, request: AWSPreparedRequest, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        one = _read(request)
        self.sent.append(one)
        return self.disturb(one, carry_out) if self.disturb else carry_out()


def _read(request: AWSPreparedRequest) -> Sent:
    url = urlsplit(request.url)
    bucket, _, key = url.path.removeprefix("/").partition("/")
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    body = request.body if isinstance(request.body, bytes) else b""
    return Sent(request.method, bucket, unquote(key), query, headers, body)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def recorded(disturb: Any = None) -> Iterator[Wire]:
    """Record the requests of all clients, old and new, and *disturb* them."""
    wire = Wire(disturb=disturb)

    def recording(send: Callable[[Any, Any], Any]) -> Callable[[Any, Any], AWSResponse]:
        return lambda session, request: wire.send(request, lambda: send(session, request))

    with pytest.MonkeyPatch.context() as patch:
        for kind in (URLLib3Session, Connections):  # boto3's way, and the short one
            patch.setattr(kind, "send", recording(kind.send))
        yield wire


def lost_replies(which: Callable[[Sent], bool], *, times: int = 1) -> Any:
    """Let the server act, then drop its answer, for the first *times* requests that match."""
    left = threading.Semaphore(times)

    def disturb(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        answer = carry_out()
        if which(one) and left.acquire(blocking=False):
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        return answer

    return disturb


def killed_after(number: int) -> Any:
    """Kill the client when the server has acted on the change of this *number*, from 0.

    No other instants are different: the client keeps nothing, so being killed before a change, or while reading, is
    being killed after the change before.
    """
    lock = threading.Lock()
    left = number + 1

    def disturb(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        nonlocal left
        with lock:
            if not left:
                raise Killed
            left -= one.changes and bool(one.bucket)
        answer = carry_out()
        if not left:
            raise Killed
        return answer

    return disturb


def answer(status: int, code: str = "", message: str = "", *, body: bytes = b"", **headers: str) -> AWSResponse:
    """Make a server's answer: an S3 error of this *code*, or *body* as it is."""
    if code:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    named: Any = HeadersDict({name.replace("_", "-"): value for name, value in headers.items()})
    return AWSResponse("http://127.0.0.1", status, named, _Body(body))


class _Body(io.BytesIO):
    """What botocore reads an answer from, in urllib3's manner."""

    def stream(self, *_: object) -> Iterator[bytes]:
        yield self.read()


def answers(which: Callable[[Sent], bool], make: Callable[[], AWSResponse], *, times: int = 1000) -> Any:
    """Answer the first *times* requests that match in the server's place, so that it never gets them."""
    left = threading.Semaphore(times)

    def disturb(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        return make() if which(one) and left.acquire(blocking=False) else carry_out()

    return disturb
