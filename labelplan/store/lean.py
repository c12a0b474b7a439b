"""HEAD and CopyObject at a fifth of boto3's price, for copies of many objects: one request of each an object.

botocore spends about a millisecond of CPU on a request, and Python threads spend theirs one after the other. Here
botocore says once where and how such a request goes, and signs every one; what lies between, and its transport, is
left out. Not for anything that is unusual (a proxy, another signature, text that is not ASCII): boto3 does it then.
Nothing is retried, and no reply is interpreted but a plain yes.
"""

from __future__ import annotations

import os
import select
import weakref
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from labelplan.errors import LabelplanError
from labelplan.store.errors import no_reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator, Mapping

    from boto3.session import Session
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Place

CONNECT, READ = 10, 60
"""Seconds, as the clients of `connect.py` have them."""

_SAFE = "-._~/"  # what botocore leaves as it is in a key
_LEARNT = "learnt-from"
_KEPT = frozenset({"user-agent", "x-amz-expected-bucket-owner", "x-amz-request-payer"})
_ALGORITHM = "AWS4-HMAC-SHA256"


class Answer(NamedTuple):
    """What a server answered."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Request(NamedTuple):
    """A signed request without a body."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


class _Pattern(NamedTuple):
    """What all requests about a bucket's objects have in common."""

    base: str
    headers: dict[str, str]
    service: str
    region: str


class Lean:
    """Asks about the objects of one bucket."""

    def __init__(self, session: Session, client: S3Client, pattern: _Pattern, wire: Connections) -> None:
        """Use `learn` instead."""
        self._credentials: Any = session.get_credentials()  # there are some: they have signed the pattern
        self._config = client.meta.config
        self._pattern = pattern
        self._wire = wire
        operation = client.meta.service_model.operation_model
        self._asked = {name: _headers(operation(name).input_shape) for name in ("HeadObject", "CopyObject")}
        said = _headers(operation("HeadObject").output_shape)
        self._said = {header.lower(): member for member, header in said.items()}

    def head(self, key: str, **arguments: Any) -> dict[str, str] | None:
        """Ask for an object's headers, by their names in boto3, values as text; None if boto3 must ask instead."""
        try:
            answer = self._ask("HEAD", key, self._asked["HeadObject"], arguments)
        except no_reply():
            return None
        if answer is None or answer.status_code != 200:  # noqa: PLR2004 - HTTP's yes
            return None
        found = ((self._said.get(name.lower()), value) for name, value in answer.headers.items())
        return {member: value for member, value in found if member}

    def copy(self, key: str, source: Place, **arguments: Any) -> Answer | None:
        """Send a copy, once; None if it was not sent, and boto3 must do it. Raises what boto3 does without a reply."""
        if ":" in source.bucket or source.version_id:
            return None
        arguments["CopySource"] = quote(f"{source.bucket}/{source.key}", safe=_SAFE)
        return self._ask("PUT", key, self._asked["CopyObject"], arguments)

    def _ask(self, method: str, key: str, names: dict[str, str], arguments: dict[str, Any]) -> Answer | None:
        said = {names[name]: "true" if value is True else value for name, value in arguments.items()}
        if not all(value.isascii() and value.isprintable() for value in said.values()):
            return None
        request = self._signed(method, self._pattern.base + quote(key, safe=_SAFE), self._pattern.headers | said)
        return self._wire.send(request)

    def _signed(self, method: str, url: str, headers: dict[str, str]) -> Request:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415 - boto3 is imported when it is needed
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above

        request = AWSRequest(method=method, url=url, headers=headers)
        request.context = {"client_config": self._config}
        frozen = self._credentials.get_frozen_credentials()  # renewed by botocore when they are about to expire
        S3SigV4Auth(frozen, self._pattern.service, self._pattern.region).add_auth(request)
        return Request(method, url, {name: _text(value) for name, value in request.headers.items()})


def learn(session: Session, client: S3Client, at: dict[str, Any]) -> Lean | None:
    """Let botocore make a request about an object and keep it from being sent; None if it is an unusual one.

    *client*: one that is used for nothing else. *at*: what every call of the bucket carries.
    """
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: object) -> Any:
        caught.append(request)
        return _nothing(request.url)

    client.meta.events.register("before-send.s3.HeadObject", catch)
    unusable: tuple[type[Exception], ...] = (*no_reply(), LabelplanError)
    try:
        client.head_object(**at, Key=_LEARNT)
        pattern = _pattern_of(caught[0])
        wire = _connections(session, pattern.base) if pattern else None
    except unusable:
        return None  # such as no credentials: whoever asks boto3 next hears of it
    return Lean(session, client, pattern, wire) if pattern and wire else None


def _pattern_of(request: AWSPreparedRequest) -> _Pattern | None:
    headers = {name: _text(value) for name, value in request.headers.items()}
    algorithm, _, signed = headers.get("Authorization", "").partition(" ")
    base, slash, key = request.url.rpartition("/")
    if algorithm != _ALGORITHM or key != _LEARNT:
        return None
    *_, region, service, _ = signed.partition(",")[0].split("/")
    kept = {name: value for name, value in headers.items() if name.lower() in _KEPT}
    return _Pattern(base + slash, kept, service, region)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _headers(shape: Any) -> dict[str, str]:
    """Return the header of each member of a request or reply that is one."""
    return {
        name: member.serialization["name"]
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }


def _nothing(url: str) -> Any:
    from botocore.awsrequest import AWSResponse, HeadersDict  # noqa: PLC0415 - as above

    class Nothing:
        def stream(self) -> Iterator[bytes]:
            return iter(())

    headers: Any = HeadersDict()
    return AWSResponse(url, 200, headers, Nothing())


def _connections(session: Session, base: str) -> Connections | None:
    """Make connections as boto3 would; None if they go through a proxy, or trust other certificates than usual."""
    import botocore.session  # noqa: PLC0415 - as above
    from botocore.httpsession import create_urllib3_context, get_cert_path  # noqa: PLC0415 - as above
    from botocore.utils import get_environ_proxies  # noqa: PLC0415 - as above

    if get_environ_proxies(base).get(urlsplit(base).scheme):
        return None
    if base.startswith("http:"):
        return Connections(base)
    own = botocore.session.Session(profile=session.profile_name)
    if own.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"):
        return None
    context = create_urllib3_context()
    context.load_verify_locations(get_cert_path(verify=True))
    context.check_hostname = True
    return Connections(base, context)


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
        from botocore.exceptions import ConnectionClosedError  # noqa: PLC0415 - as above

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
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._open()
            if not select.select([connection.sock], [], [], 0)[0]:
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
