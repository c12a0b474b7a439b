"""Ways to ask the simulated Rekognition, with boto3 and past its checks, and the smallest images that it takes."""

from __future__ import annotations

import json
import struct
import zlib
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from msgspec import Struct

if TYPE_CHECKING:
    from tests.simulators.rekognition.running import Simulator

DETECT = "RekognitionService.DetectLabels"
SOMEWHERE = {"S3Object": {"Bucket": "anywhere", "Name": "deer/1.jpg"}}


class Reply(Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


def client(simulator: Simulator, *, patience: float = 5, **session: Any) -> Any:
    """A client that does not try again, and waits so many seconds for an answer."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=patience)
    return boto3.session.Session(**session).client("rekognition", endpoint_url=simulator.url, config=config)


def ask(  # noqa: PLR0913 - what a signature holds
    simulator: Simulator,
    body: bytes | dict[str, Any],
    *,
    target: str = DETECT,
    service: str = "rekognition",
    credentials: Credentials | None = None,
    signed: bytes | None = None,
) -> Reply:
    """Send what boto3 would not, rightly signed (unless another body was *signed*)."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", simulator.url + "/", headers, data=sent if signed is None else signed)
    SigV4Auth(credentials or Credentials("testing", "testing"), service, "us-east-1").add_auth(request)
    return send(simulator, sent, dict(request.headers))


def send(simulator: Simulator, body: bytes, headers: dict[str, str]) -> Reply:
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    try:
        connection.request("POST", "/", body, headers)
        reply = connection.getresponse()
        return Reply(reply.status, {key.lower(): value for key, value in reply.getheaders()}, json.loads(reply.read()))
    finally:
        connection.close()


def png(width: int = 80, height: int = 80) -> bytes:
    """A black picture."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" * (1 + (width + 7) // 8)) * height)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def jpeg(width: int = 80, height: int = 80, note: bytes = b"") -> bytes:
    """The markers of a JPEG around a scan that shows nothing; *note* makes it another content."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    segments = ((0xFE, note), (0xC0, frame), (0xDA, b"\x01\x01\x00\x00\x3f\x00"))
    marked = b"".join(bytes((0xFF, kind)) + struct.pack(">H", 2 + len(data)) + data for kind, data in segments)
    return b"\xff\xd8" + marked + b"\x12\xff\x00\x34\xff\xd9"
