"""What the simulator answers: the five requests that it knows, as AWS answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from labelplan.model.objects import S3Object
    from tests.simulators.s3_listing.objects import Objects

ACCOUNT = "123456789012"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_TIME = "2026-11-22T12:00:00.000Z"
_END = (
    "<StorageClass>STANDARD</StorageClass>"
    "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner></Version>"
)
_PHRASES = {200: "OK", 404: "Not Found", 501: "Not Implemented"}


def answer(objects: Objects, method: str, target: str) -> bytes:
    """Answer a request: its method, and its path with the query."""
    url = urlsplit(target)
    _, _, key = unquote(url.path).removeprefix("/").partition("/")
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    match method:
        case "POST" if not key and not query:
            return _reply(200, _identity())
        case "HEAD" if not key:
            return _reply(200, "", "x-amz-bucket-region: us-east-1")
        case "HEAD":
            return _head(objects.find(key))
        case "GET" if not key and "versioning" in query:
            body = f"{_DECLARATION}<VersioningConfiguration {_SPACE}><Status>Enabled</Status></VersioningConfiguration>"
            return _reply(200, body)
        case "GET" if not key and "versions" in query:
            return _reply(200, _listing(objects, url.path.strip("/"), query))
    return _reply(501, "<Error><Code>NotImplemented</Code><Message>This only lists.</Message></Error>")


def _reply(status: int, body: str, *headers: str) -> bytes:
    content = body.encode()
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", *headers]
    if content or not headers:
        lines += [f"content-length: {len(content)}", "content-type: application/xml"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def _identity() -> str:
    result = f"<GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
    return f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"


def _head(found: S3Object | None) -> bytes:
    if not found:
        return _reply(404, "")
    return _reply(
        200, "", f'etag: "{found.etag}"', f"x-amz-version-id: {found.version_id}", f"content-length: {found.size}"
    )


def _listing(objects: Objects, bucket: str, query: dict[str, str]) -> str:
    prefix, marker = query.get("prefix", ""), query.get("key-marker", "")
    numbers, more = objects.between(prefix, marker, int(query.get("max-keys", "1000")))
    following = ""
    if more:
        last = objects.at(numbers[-1])
        following = (
            f"<NextKeyMarker>{last.key}</NextKeyMarker><NextVersionIdMarker>{last.version_id}</NextVersionIdMarker>"
        )
    return (
        f"{_DECLARATION}<ListVersionsResult {_SPACE}><Name>{bucket}</Name><Prefix>{_text(prefix)}</Prefix>"
        f"<KeyMarker>{_text(marker)}</KeyMarker><VersionIdMarker></VersionIdMarker>{following}<MaxKeys>1000</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{''.join(map(_entry, map(objects.at, numbers)))}</ListVersionsResult>"
    )


def _text(plain: str) -> str:
    return escape(quote_plus(plain, safe="/"))


def _entry(one: S3Object) -> str:
    return (
        f"<Version><Key>{one.key}</Key><VersionId>{one.version_id}</VersionId><IsLatest>true</IsLatest>"
        f"<LastModified>{_TIME}</LastModified><ETag>&quot;{one.etag}&quot;</ETag><Size>{one.size}</Size>{_END}"
    )
