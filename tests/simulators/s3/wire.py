"""HTTP/1.1 as far as S3's clients speak it: many requests on a connection, bodies with a length or in chunks."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from msgspec import Struct, field

from tests.simulators.s3.chunks import decode_aws, take_chunked
from tests.simulators.s3.errors import Refusal

HEAD_END = b"\r\n\r\n"
MOST_HEAD = 1 << 16
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Malformed(Exception):
    """What came is no HTTP request that is understood here; the connection is of no more use."""


class Request(Struct):
    """One request: names of headers in lower case, *bucket* and *key* decoded."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


class Reply(Struct):
    """An answer; *length*: what Content-Length says where there is no body, to a HEAD."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None


class Reader:
    """Makes requests of the bytes of a connection. *expects*: the client waits for leave to send the body."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._head: Request | None = None
        self.expects = False

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> Request | None:
        """Return the next whole request, if it has come; raises `Malformed`, and `Refusal` for a key that is none."""
        if self._head is None:
            end = self._bytes.find(HEAD_END)
            if end < 0:
                if len(self._bytes) > MOST_HEAD:
                    raise Malformed("the headers are too long")
                return None
            self._head = _read_head(self._bytes[:end].decode("latin-1"))
            del self._bytes[: end + len(HEAD_END)]
            self.expects = self._head.header("expect").lower() == "100-continue"
        body = self._body(self._head)
        if body is None:
            return None
        request, self._head, self.expects = self._head, None, False
        request.body = body
        if "aws-chunked" in request.header("content-encoding"):
            decode_aws(request)
        return request

    def _body(self, head: Request) -> bytes | None:
        if "chunked" in head.header("transfer-encoding").lower():
            return take_chunked(self._bytes)
        try:
            length = int(head.headers.get("content-length", "0"))
        except ValueError:
            raise Malformed("the length is no number") from None
        if len(self._bytes) < length:
            return None
        body = bytes(self._bytes[:length])
        del self._bytes[:length]
        return body


def _read_head(text: str) -> Request:
    first, *lines = text.split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    try:
        method, target, _ = first.split(" ")
    except ValueError:
        raise Malformed("the request line is malformed") from None
    path, _, query = target.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    if "%" in key:
        key = decoded(key)
    pairs = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    return Request(method, bucket, key, pairs, headers)


def decoded(written: str) -> str:
    """Undo percent-encoding; raises `Refusal` for bytes that are not UTF-8."""
    try:
        return unquote(written, errors="strict")
    except UnicodeDecodeError:
        raise Refusal("InvalidURI", "Couldn't parse the specified URI.", URI=written) from None


def encode(reply: Reply, date: str, request_id: str, *, method: str) -> bytes:
    """Make the bytes of a reply; to HEAD it has no body."""
    lines = [
        f"HTTP/1.1 {reply.status} {_PHRASES[reply.status]}",
        f"x-amz-id-2: simulated\r\nx-amz-request-id: {request_id}\r\nDate: {date}\r\nServer: AmazonS3",
    ]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.status not in {204, 304}:
        lines.append(f"Content-Length: {len(reply.body) if reply.length is None else reply.length}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if method == "HEAD" else head + reply.body
