"""HEAD and CopyObject at a fifth of boto3's price, for copies of many objects: one request of each an object.

botocore spends about a millisecond of CPU on a request, and Python threads spend theirs one after the other. Here
botocore says once where and how such a request goes, and signs every one; what lies between, and its transport, is
left out. Not for anything that is unusual (a proxy, another signature, text that is not ASCII): boto3 does it then.
Nothing is retried, and no reply is interpreted but a plain yes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from labelplan.errors import LabelplanError
from labelplan.store.errors import no_reply
from labelplan.store.lean_connections import Connections, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boto3.session import Session
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Place
    from labelplan.store.lean_connections import Answer

_SAFE = "-._~/"  # what botocore leaves as it is in a key
_LEARNT = "learnt-from"
_KEPT = frozenset({"user-agent", "x-amz-expected-bucket-owner", "x-amz-request-payer"})
_ALGORITHM = "AWS4-HMAC-SHA256"


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
    unusable: tuple[type[Exception], ...] = (*no_reply(), LabelplanError, OSError)
    try:
        client.head_object(**at, Key=_LEARNT)
        pattern = _pattern_of(caught[0])
        wire = _connections(pattern.base) if pattern else None
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


def _connections(base: str) -> Connections | None:
    """Make connections that trust whom boto3 trusts; None if they would go through a proxy."""
    import botocore.session  # noqa: PLC0415 - as above
    from botocore.httpsession import create_urllib3_context, get_cert_path  # noqa: PLC0415 - as above
    from botocore.utils import get_environ_proxies  # noqa: PLC0415 - as above

    if get_environ_proxies(base).get(urlsplit(base).scheme):
        return None
    if base.startswith("http:"):
        return Connections(base)
    own = botocore.session.Session().get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    bundle: Any = own or get_cert_path(verify=True)
    context = create_urllib3_context()
    context.load_verify_locations(**{"capath" if Path(bundle).is_dir() else "cafile": bundle})
    context.check_hostname = True
    return Connections(base, context)
