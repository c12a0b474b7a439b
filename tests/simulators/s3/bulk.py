"""DeleteObjects: a digest, at most 1,000 keys, and an answer of its own for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from tests.simulators.s3 import checksums, locks, xml
from tests.simulators.s3.errors import Refusal, denied, invalid_request, malformed, no_such_version
from tests.simulators.s3.objects import check_key, delete_one
from tests.simulators.s3.policy import check_delete
from tests.simulators.s3.wire import Reply

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.simulators.s3.world import Call

MOST = 1000


class Wanted(Struct, frozen=True, gc=False):
    """One object of the list; *directory*: it says what only directory buckets understand."""

    key: str
    version_id: str | None
    etag: str | None
    directory: bool


def delete_many(call: Call) -> Reply:
    body, headers = call.request.body, call.request.headers
    if not checksums.present(headers):
        raise invalid_request("Missing required header for this request: Content-MD5")
    checksums.check(headers, body)
    root = xml.parse(body, "Delete")
    wanted, quiet = _read(root)
    locks.check_bypass(call.bucket, call.header(locks.BYPASS))
    if call.bucket.mfa_delete and not call.header("x-amz-mfa") and any(one.version_id for one in wanted):
        raise denied("Mfa Authentication must be used for this request")
    written = []
    for one in wanted:
        call.made = ""
        try:
            said = _delete(call, one)
            if not quiet:
                written.append(_deleted(one, said))
        except Refusal as refusal:
            call.errors[one.key] = refusal.code
            written.append(_error(one, refusal))
        call.objects.append((one.key, one.version_id, one.etag, call.made))
    return Reply(200, xml.TYPE, xml.document("DeleteResult", "".join(written)))


def _read(root: Element) -> tuple[list[Wanted], bool]:
    wanted, quiet = [], False
    for child in root:
        name = xml.local(child)
        if name == "Object":
            said = {part.tag.rpartition("}")[2]: part.text or "" for part in child}
            if not said.get("Key"):
                raise malformed()
            directory = "Size" in said or "LastModifiedTime" in said
            wanted.append(Wanted(said["Key"], said.get("VersionId") or None, said.get("ETag"), directory))
        elif name == "Quiet":
            quiet = child.text == "true"
        else:
            raise malformed()
    if not 1 <= len(wanted) <= MOST:
        raise malformed()
    return wanted, quiet


def _delete(call: Call, one: Wanted) -> dict[str, str]:
    if one.directory:
        raise Refusal("NotImplemented", "A header you provided implies functionality that is not implemented", 501)
    check_key(one.key)
    check_delete(call, one.key, one.version_id, one.etag)
    rule = call.world.rules.meet("DeleteObjects/Key", one.key)
    failure = rule.refusal() if rule else None
    if failure and rule and not rule.after:
        raise failure
    try:
        said = delete_one(call, one.key, one.version_id, None if call.world.settings.ignore_bulk_etag else one.etag)
    except Refusal as refusal:
        if refusal.code == "InvalidArgument":
            raise no_such_version(one.key, one.version_id or "") from None
        raise
    if failure:
        raise failure
    return said


def _deleted(one: Wanted, said: dict[str, str]) -> str:
    inside = f"<Key>{xml.escaped(one.key)}</Key>"
    if one.version_id is not None:
        inside += f"<VersionId>{xml.escaped(one.version_id)}</VersionId>"
    if "x-amz-delete-marker" in said:
        made = said["x-amz-version-id"]
        inside += f"<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{made}</DeleteMarkerVersionId>"
    return f"<Deleted>{inside}</Deleted>"


def _error(one: Wanted, refusal: Refusal) -> str:
    said = {"Key": one.key, "VersionId": one.version_id or "", "Code": refusal.code, "Message": refusal.message}
    return f"<Error>{xml.elements({name: text for name, text in said.items() if text or name != 'VersionId'})}</Error>"
