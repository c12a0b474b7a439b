"""What CopyObject does not keep of an object, read from a HEAD and an ACL, and said again in the arguments of a copy.

Sources: the CopyObject and HeadObject pages of the S3 API reference. No call is made here.
"""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from labelplan.model.run import Attributes, Grant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST = 5 * 1024**3
"""The most bytes that CopyObject copies."""

LOST = "lost"
"""Of what travels: what cannot be sent as it was, in words."""

_TRAVELS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata")
_MADE_ANEW = frozenset({"CRC32", "SHA1", "SHA256"})
"""Checksums of an upload in parts that boto3 makes of a whole content by itself."""

_UNTIL = "ObjectLockRetainUntilDate"
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_READABLE = 'ongoing-request="false"'  # of an archived object that was restored for a while
_GRANTS = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE_ACP": "GrantWriteACP",
}


class Locked(Attributes, frozen=True):
    """Attributes with an Object Lock: *lock* as CopyObject and PutObject want it, by their members' names.

    Read from the old version right before it is copied, and never from a record: a forged one could lock for ever.
    """

    lock: tuple[tuple[str, Any], ...] = ()


def why_no_copy(size: int, head: Mapping[str, Any], *, stays: bool) -> str:
    """Say why an object cannot be copied without a loss, or nothing. *stays*: it is not deleted, only copied."""
    restored = _READABLE in head.get("Restore", "")
    archive = head.get("ArchiveStatus") or head.get("StorageClass", "")
    if size > LARGEST:
        return f"it has {size} bytes, and S3 copies at most {LARGEST} at once"
    if (archive in _ARCHIVES or head.get("ArchiveStatus")) and not restored:
        return archived(archive)
    if head.get("SSECustomerAlgorithm"):
        return "it is encrypted with a key of the customer's (SSE-C), without which S3 cannot copy it"
    held = ", ".join(sorted(_lock(head)))
    if held and not stays:
        return f"it is under Object Lock ({held}), which its copy would not have: use mode: versioning"
    return ""


def _lock(head: Mapping[str, Any]) -> dict[str, Any]:
    """Take from a HEAD what locks an object."""
    return {name: value for name, value in head.items() if name.startswith("ObjectLock") and value and value != "OFF"}


def _lock_to_set(head: Mapping[str, Any]) -> dict[str, Any]:
    """Take the lock that can be set again: S3 takes no retention that is over, by its own clock."""
    lock = _lock(head)
    until = lock.get(_UNTIL)
    if until:
        now = head.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if now and until <= parsedate_to_datetime(now):
            return {name: value for name, value in lock.items() if name not in {_UNTIL, "ObjectLockMode"}}
        lock[_UNTIL] = until.astimezone(dt.UTC).isoformat()
    return lock


def archived(storage_class: str) -> str:
    """Say that an object cannot be read because of its storage class."""
    return f"it is archived ({storage_class}): restore it first"


def attributes_of(head: Mapping[str, Any]) -> Attributes:
    """Take from a HEAD what a copy would not keep; `Locked` for an object under Object Lock."""
    said: dict[str, Any] = {
        "storage_class": head.get("StorageClass", ""),
        "encryption": head.get("ServerSideEncryption", ""),
        "kms_key": head.get("SSEKMSKeyId", ""),
        "bucket_key": str(head.get("BucketKeyEnabled", "")).lower() == "true",
        "website_redirect": head.get("WebsiteRedirectLocation", ""),
    }
    whole = full_checksums(head)
    if whole and etag_may_differ(head.get("ETag", ""), said["encryption"]):
        name = min(whole)
        said["checksum"] = f"{name}:{whole[name]}"
    lock = _lock_to_set(head)
    return Locked(**said, lock=tuple(sorted(lock.items()))) if lock else Attributes(**said)


def of_copy(attributes: Attributes) -> Attributes:
    """Say how the copy is kept: as secret as the object, but readable at once, private, and not as a redirect."""
    if not attributes.kms_key:
        return Attributes()
    return Attributes(encryption=attributes.encryption, kms_key=attributes.kms_key, bucket_key=attributes.bucket_key)


def etag_may_differ(etag: str, encryption: str) -> bool:
    """Tell whether a copy may have another ETag: of an upload in parts, and under KMS, where it is no MD5."""
    return "-" in etag or encryption.startswith("aws:kms")


def arguments_of(attributes: Attributes) -> dict[str, Any]:
    """Say attributes as CopyObject and PutObject want them."""
    said = {
        "StorageClass": attributes.storage_class,
        "ServerSideEncryption": attributes.encryption,
        "SSEKMSKeyId": attributes.kms_key,
        "BucketKeyEnabled": attributes.bucket_key,
        "WebsiteRedirectLocation": attributes.website_redirect,
    }
    lock = dict(attributes.lock) if isinstance(attributes, Locked) else {}
    return {name: value for name, value in said.items() if value} | _grants_said(attributes.acl) | lock


def _grants_said(acl: Iterable[Grant]) -> dict[str, str]:
    said: dict[str, str] = {}
    for one in acl:
        name = _GRANTS[one.permission]
        grantee = f'{"id" if one.kind == "CanonicalUser" else "uri"}="{one.grantee}"'
        said[name] = f"{said[name]}, {grantee}" if name in said else grantee
    return said


def acl_of(reply: Mapping[str, Any], bucket_owner: str) -> tuple[Grant, ...] | str:
    """Take the ACL from GetObjectAcl's reply: empty if only the owner has a grant, text if it cannot be set again."""
    owner = reply.get("Owner", {}).get("ID", "")
    if owner and bucket_owner and owner != bucket_owner:
        return "it belongs to another account than the bucket, and a copy of it would not"
    grants = []
    for one in reply.get("Grants", ()):
        grantee, permission = one.get("Grantee", {}), one.get("Permission", "")
        kind, name = grantee.get("Type"), grantee.get("ID") or grantee.get("URI")
        if kind not in {"CanonicalUser", "Group"} or not name or permission not in _GRANTS:
            return f"its ACL grants {permission} to {name or kind}, which cannot be said of a copy"
        grants.append(Grant(kind, name, permission))
    if grants in ([], [Grant("CanonicalUser", owner, "FULL_CONTROL")]):
        return ()
    return tuple(grants)


def full_checksums(head: Mapping[str, Any]) -> dict[str, str]:
    """Take the checksums that are about the whole content from a HEAD: not those of its parts (`…-2`)."""
    if head.get("ChecksumType") == "COMPOSITE":
        return {}
    return {name: value for name, value in _checksums(head).items() if "-" not in value}


def _checksums(head: Mapping[str, Any]) -> dict[str, str]:
    named = {
        name.removeprefix("Checksum"): str(value)
        for name, value in head.items()
        if name.startswith("Checksum") and name != "ChecksumType"
    }
    return {name: value for name, value in named.items() if value}


def travels_of(head: Mapping[str, Any]) -> dict[str, Any]:
    """Say, as PutObject's arguments, what else a HEAD shows of an object that is to be uploaded again, but its tags.

    The checksum that S3 keeps of the content is sent along, so that S3 compares it with what arrives. One of parts is
    made anew, of the whole: so does CopyObject.
    """
    travels = {name: head[name] for name in (*_TRAVELS, "Expires") if head.get(name)}
    whole, of_parts = full_checksums(head), _checksums(head).keys() & _MADE_ANEW
    if whole:
        name = min(whole)  # S3 keeps one, and takes no two
        travels[f"Checksum{name}"] = whole[name]
    elif of_parts:
        travels["ChecksumAlgorithm"] = min(of_parts)
    return travels


def lost_by_upload(head: Mapping[str, Any]) -> str:
    """Say what of an object that a HEAD shows cannot be sent as it was; *head* may be boto3's, or have texts only."""
    lost = []
    expires = head.get("ExpiresString") or head.get("Expires", "")
    if expires and not _is_http_date(expires):
        lost.append(f"its header Expires, which is no HTTP date ({expires})")
    if missing := head.get("MissingMeta"):
        lost.append(f"{missing} of its metadata, which cannot be read over HTTP")
    if not full_checksums(head) and (of_parts := _checksums(head).keys() - _MADE_ANEW):
        lost.append(f"its checksum algorithm ({', '.join(sorted(of_parts))}, of parts)")
    return ", and ".join(lost)


def _is_http_date(text: str) -> bool:
    try:
        return format_datetime(parsedate_to_datetime(text).astimezone(dt.UTC), usegmt=True) == text
    except ValueError:
        return False
