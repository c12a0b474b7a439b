"""ACLs of objects: canned ones, grants in headers or in a body, and whether the bucket takes any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.s3 import xml
from tests.simulators.s3.errors import Refusal, invalid, malformed
from tests.simulators.s3.wire import Reply
from tests.simulators.s3.world import version_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.world import Call

Grants = tuple[tuple[str, str, str], ...]

OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
"""The canonical user id of the owner of all buckets and objects."""

_GROUPS = "http://acs.amazonaws.com/groups/"
_OWNERS = ("CanonicalUser", OWNER, "FULL_CONTROL")
_ALL, _KNOWN = f"{_GROUPS}global/AllUsers", f"{_GROUPS}global/AuthenticatedUsers"
_EC2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
CANNED: dict[str, Grants] = {
    "private": (_OWNERS,),
    "public-read": (_OWNERS, ("Group", _ALL, "READ")),
    "public-read-write": (_OWNERS, ("Group", _ALL, "READ"), ("Group", _ALL, "WRITE")),
    "authenticated-read": (_OWNERS, ("Group", _KNOWN, "READ")),
    "aws-exec-read": (_OWNERS, ("CanonicalUser", _EC2, "READ")),
    "bucket-owner-read": (_OWNERS,),
    "bucket-owner-full-control": (_OWNERS,),
}
_HEADERS = {
    "x-amz-grant-full-control": "FULL_CONTROL",
    "x-amz-grant-read": "READ",
    "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP",
}
_BY = {"id": "CanonicalUser", "uri": "Group", "emailAddress": "AmazonCustomerByEmail"}
_WITHOUT_ACLS = b"BucketOwnerEnforced"


def grants_of_headers(headers: Mapping[str, str], bucket: Bucket) -> Grants | None:
    """Read an ACL from headers; None for private; raises `Refusal`."""
    canned, grants = headers.get("x-amz-acl"), _granted(headers)
    if canned is None and not grants:
        return None
    if canned is not None and grants:
        raise Refusal("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if canned is not None and canned not in CANNED:
        raise invalid("", "x-amz-acl", canned)
    if canned != "bucket-owner-full-control":
        _check_allowed(bucket)
    return _plain(CANNED[canned] if canned else grants)


def _plain(grants: Grants) -> Grants | None:
    return None if grants == CANNED["private"] else grants


def _check_allowed(bucket: Bucket) -> None:
    if _WITHOUT_ACLS in bucket.configured.get("ownershipControls", b""):
        raise Refusal("AccessControlListNotSupported", "The bucket does not allow ACLs")


def _granted(headers: Mapping[str, str]) -> Grants:
    found = []
    for header, permission in _HEADERS.items():
        for one in filter(None, headers.get(header, "").split(",")):
            by, _, who = one.strip().partition("=")
            if by not in _BY:
                raise invalid("Argument format not recognized", header, headers[header])
            found.append((_BY[by], who.strip().strip('"'), permission))
    return tuple(found)


def _read(body: bytes) -> Grants:
    found = []
    for part in xml.parse(body, "AccessControlPolicy"):
        for grant in part if xml.local(part) == "AccessControlList" else ():
            said = {xml.local(child): child for child in grant}
            if said.keys() != {"Grantee", "Permission"}:
                raise malformed()
            who = xml.texts(said["Grantee"])
            kind, name = ("Group", who["URI"]) if "URI" in who else ("CanonicalUser", who.get("ID", ""))
            found.append((kind, name, said["Permission"].text or ""))
    return tuple(found)


def put(call: Call) -> Reply:
    version = call.version()
    grants = grants_of_headers(call.request.headers, call.bucket)
    if call.request.body:
        _check_allowed(call.bucket)
        grants = _plain(_read(call.request.body))
    version.change(grants=grants)
    return Reply(200, version_header(call.bucket, version))


def get(call: Call) -> Reply:
    version = call.version()
    grants = "".join(map(_written, version.details.grants or CANNED["private"]))
    inside = f"<Owner><ID>{OWNER}</ID></Owner><AccessControlList>{grants}</AccessControlList>"
    return Reply(200, xml.TYPE | version_header(call.bucket, version), xml.document("AccessControlPolicy", inside))


def _written(grant: tuple[str, str, str]) -> str:
    kind, who, permission = grant
    name = {"Group": "URI", "CanonicalUser": "ID"}.get(kind, "EmailAddress")
    schema = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}"'
    grantee = f"<Grantee {schema}>{xml.elements({name: who})}</Grantee>"
    return f"<Grant>{grantee}<Permission>{permission}</Permission></Grant>"
