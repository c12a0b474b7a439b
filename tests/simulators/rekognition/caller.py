"""Who is asking: the access key of a SigV4 signature, and whether the signature is right.

Checked here by hand, not with botocore, which made it (AWS, "Signature Version 4 signing process"). Without a list of
callers any key is let in, and no signature is checked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from tests.simulators.rekognition.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.rekognition.wire import Request

ALGORITHM = "AWS4-HMAC-SHA256"
MOST_SKEW = dt.timedelta(minutes=5)
_HEADER = re.compile(
    ALGORITHM + r" Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r",\s*SignedHeaders=(?P<signed>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class Caller(Struct, frozen=True, forbid_unknown_fields=True):
    """What the service knows of an access key. *token*: its session token; *rekognition*, *quotas*: what it may ask."""

    secret: str
    token: str = ""
    expired: bool = False
    rekognition: bool = True
    quotas: bool = True


class Identity(Struct, frozen=True):
    """Who asked: enough to read S3 on the caller's behalf in the region that was asked."""

    key: str
    caller: Caller
    region: str


def identify(request: Request, service: str, callers: Mapping[str, Caller] | None, now: dt.datetime) -> Identity:
    """Return who sent *request*; raises `Refusal` as AWS's front door does."""
    found = _HEADER.fullmatch(request.headers.get("authorization", ""))
    if not found:
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    token = request.headers.get("x-amz-security-token", "")
    if callers is None:
        return Identity(found["key"], Caller("unknown", token), found["region"])
    caller = callers.get(found["key"])
    if caller is None or caller.token != token:
        raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    if caller.expired:
        raise _refusal("ExpiredTokenException", "The security token included in the request is expired")
    _check_signature(request, found, service, caller.secret, now)
    return Identity(found["key"], caller, found["region"])


def denied(identity: Identity, action: str) -> Refusal:
    """Make the refusal of an *action* that the caller has no permission for."""
    user = f"arn:aws:iam::123456789012:user/{identity.key}"
    words = f"User: {user} is not authorized to perform: {action} because no identity-based policy allows the {action}"
    return Refusal("AccessDeniedException", f"{words} action")


def _check_signature(request: Request, found: re.Match[str], service: str, secret: str, now: dt.datetime) -> None:
    if found["service"] != service:
        raise _mismatch(f"Credential should be scoped to correct service: '{service}'.")
    stamp = request.headers.get("x-amz-date", "")
    try:
        sent = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise _mismatch("Date must be in ISO-8601 'basic format'.") from None
    if abs(now - sent) > MOST_SKEW:
        raise _mismatch(f"Signature expired: {stamp} is now earlier than or later than the service's time by 5 min.")
    scope = f"{found['date']}/{found['region']}/{service}/aws4_request"
    digest = hashlib.sha256(_canonical(request, found["signed"]).encode()).hexdigest()
    key = _signing_key(secret, found["date"], found["region"], service)
    expected = hmac.new(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, found["signature"]):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method. Consult the service documentation for details."
        )


def _canonical(request: Request, signed: str) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed.split(";"))
    body = hashlib.sha256(request.body).hexdigest()
    return f"{request.method}\n{quote(request.path)}\n{request.query}\n{headers}\n{signed}\n{body}"


@lru_cache(64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _mismatch(words: str) -> Refusal:
    return _refusal("InvalidSignatureException", words)


def _refusal(code: str, words: str) -> Refusal:
    return Refusal(code, words, front=True)
