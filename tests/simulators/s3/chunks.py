"""Bodies in pieces: HTTP's own chunks, and inside or instead of them those of `aws-chunked`, with their trailers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.s3.errors import Refusal

if TYPE_CHECKING:
    from tests.simulators.s3.wire import Request

_LINE = b"\r\n"
_HEX = 16


def take_chunked(data: bytearray) -> bytes | None:
    """Take a body in HTTP's chunks off the front of *data*; None if it has not come to its end."""
    read = _read(data)
    if read is None:
        return None
    body, _, end = read
    del data[:end]
    return body


def decode_aws(request: Request) -> None:
    """Undo `aws-chunked` in a request; its trailers become headers. Chunks' signatures are not looked at."""
    read = _read(request.body)
    if read is None or str(len(read[0])) != request.headers.get("x-amz-decoded-content-length", str(len(read[0]))):
        raise Refusal("IncompleteBody", "The request body terminated unexpectedly")
    request.body, trailers, _ = read
    request.headers.update(trailers)
    kept = [name for name in request.header("content-encoding").split(",") if name.strip() != "aws-chunked"]
    if kept:
        request.headers["content-encoding"] = ",".join(kept).strip()
    else:
        del request.headers["content-encoding"]


def _read(data: bytes | bytearray) -> tuple[bytes, dict[str, str], int] | None:
    """Return the content, the trailers and where they end; None if that is not there."""
    body, at = bytearray(), 0
    while True:
        line_end = data.find(_LINE, at)
        if line_end < 0:
            return None
        size = int(data[at:line_end].partition(b";")[0], _HEX)
        at = line_end + len(_LINE)
        if size == 0:
            return _trailers(data, at, bytes(body))
        if len(data) < at + size + len(_LINE):
            return None
        body += data[at : at + size]
        at += size + len(_LINE)


def _trailers(data: bytes | bytearray, at: int, body: bytes) -> tuple[bytes, dict[str, str], int] | None:
    found: dict[str, str] = {}
    while True:
        end = data.find(_LINE, at)
        if end < 0:
            return None
        if end == at:
            return body, found, end + len(_LINE)
        name, _, value = data[at:end].decode("latin-1").partition(":")
        found[name.strip().lower()] = value.strip()
        at = end + len(_LINE)
