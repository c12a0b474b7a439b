"""Asks a server for objects, signed, over one connection: the judge looks at all versions of all keys at every point,
and boto3 takes four times as long.
"""

from __future__ import annotations

import functools
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.running import KEY

if TYPE_CHECKING:
    from http.client import HTTPMessage

    from mypy_boto3_s3 import S3Client

OK = 200
PATIENCE = 30


class Answer(NamedTuple):
    """What a server answered; *headers* by any case of their names."""

    status: int
    headers: HTTPMessage
    body: bytes


class Asking:
    """One server, asked by one thread."""

    def __init__(self, s3: S3Client) -> None:
        self._url, self._config = s3.meta.endpoint_url, s3.meta.config
        self._connection = HTTPConnection(urlsplit(self._url).netloc, timeout=PATIENCE)
        self._auth = S3SigV4Auth(Credentials(KEY, KEY), "s3", s3.meta.region_name)

    def get(self, bucket: str, key: str, query: dict[str, str]) -> Answer:
        """Ask for an object, or something about it."""
        path = f"/{bucket}/{quote(key, safe='-._~/')}" + (f"?{urlencode(query)}" if query else "")
        request = AWSRequest("GET", self._url + path)
        request.context = {"client_config": self._config}
        self._auth.add_auth(request)
        headers = {name: value for name, value in request.headers.items() if isinstance(value, str)}
        try:
            return self._send(path, headers)
        except (HTTPException, OSError):  # it has closed the connection since
            self._connection.close()
            return self._send(path, headers)

    def _send(self, path: str, headers: dict[str, str]) -> Answer:
        self._connection.request("GET", path, headers=headers)
        reply = self._connection.getresponse()
        return Answer(reply.status, reply.headers, reply.read())


@functools.cache
def asking(s3: S3Client) -> Asking:
    """Ask the server that a client speaks to."""
    return Asking(s3)
