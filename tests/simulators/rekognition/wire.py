"""HTTP/1.1 as far as AWS clients speak it: requests with a Content-Length, many on one connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

JSON = "application/x-amz-json-1.1"
MOST_BODY = 16 * 1024 * 1024
"""Bytes; an image of 5 MB is 7 MB in base64, and somebody may try more."""

HEAD_END = b"\r\n\r\n"


class Request(Struct, frozen=True):
    """One request; header names in lower case, *path* and *query* as they were sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Malformed(Exception):
    """What came is no HTTP request that is understood here; the connection is of no more use."""


async def read_request(reader: StreamReader, writer: StreamWriter) -> Request | None:
    """Read the next request, or None when the client is done; raises `Malformed`."""
    try:
        head = await reader.readuntil(HEAD_END)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise Malformed("the headers are too long") from None
    first, *lines = head[: -len(HEAD_END)].decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    try:
        method, target, _ = first.split(" ")
        length = int(headers.get("content-length", "0"))
    except ValueError:
        raise Malformed("the request line or the length is malformed") from None
    if not 0 <= length <= MOST_BODY or "transfer-encoding" in headers:
        raise Malformed("a body needs a Content-Length of at most 16 MB")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(target)
    return Request(method, url.path or "/", url.query, headers, await reader.readexactly(length))


def reply(status: int, body: bytes, request_id: str, *, close: bool = False) -> bytes:
    """Make a whole reply."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {JSON}\r\nx-amzn-RequestId: {request_id}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
    )
    return head.encode() + body


def reset(writer: StreamWriter) -> None:
    """Reset the connection, as a router that died would: the client gets no reply and no orderly end."""
    connected: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
