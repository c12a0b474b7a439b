"""Tags of objects: from a header or a body, their limits, and the three requests about them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tests.simulators.s3 import xml
from tests.simulators.s3.errors import Refusal, invalid, malformed
from tests.simulators.s3.wire import Reply
from tests.simulators.s3.world import version_header

if TYPE_CHECKING:
    from tests.simulators.s3.versions import Pairs
    from tests.simulators.s3.world import Call

MOST, LONGEST_KEY, LONGEST_VALUE = 10, 128, 256


def tags_of_header(written: str) -> Pairs:
    """Read x-amz-tagging; raises `Refusal`."""
    if not written:
        return ()
    try:
        return checked(tuple(parse_qsl(written, keep_blank_values=True, strict_parsing=True)))
    except ValueError:
        message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters"
        raise invalid(message, "x-amz-tagging", written) from None


def checked(tags: Pairs) -> Pairs:
    """Return *tags* in the order of their keys; raises `Refusal` where S3 does not take them."""
    if len(tags) > MOST:
        raise Refusal("BadRequest", "Object tags cannot be greater than 10")
    if len({key for key, _ in tags}) < len(tags):
        raise Refusal("InvalidTag", "Cannot provide multiple Tags with the same key")
    for key, value in tags:
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Refusal("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
        if len(value) > LONGEST_VALUE:
            raise Refusal("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)
    return tuple(sorted(tags))


def _read(body: bytes) -> Pairs:
    found = []
    for tag_set in xml.parse(body, "Tagging"):
        for tag in tag_set:
            said = xml.texts(tag)
            if "Key" not in said or "Value" not in said:
                raise malformed()
            found.append((said["Key"], said["Value"]))
    return tuple(found)


def put(call: Call) -> Reply:
    version = call.version()
    version.change(tags=checked(_read(call.request.body)))
    return Reply(200, version_header(call.bucket, version))


def get(call: Call) -> Reply:
    version = call.version()
    tags = "".join(f"<Tag>{xml.elements({'Key': key, 'Value': value})}</Tag>" for key, value in version.details.tags)
    body = xml.document("Tagging", f"<TagSet>{tags}</TagSet>")
    return Reply(200, xml.TYPE | version_header(call.bucket, version), body)


def delete(call: Call) -> Reply:
    version = call.version()
    version.change(tags=())
    return Reply(204, version_header(call.bucket, version))
