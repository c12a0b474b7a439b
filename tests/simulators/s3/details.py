"""What the headers of a PUT or a copy say about an object, and how a GET says it again."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from tests.simulators.s3 import checksums
from tests.simulators.s3.acl import grants_of_headers
from tests.simulators.s3.errors import Refusal, invalid, invalid_request
from tests.simulators.s3.locks import headers_of, lock_of_headers
from tests.simulators.s3.tags import tags_of_header
from tests.simulators.s3.versions import Details, Encryption, Pairs, shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.versions import Version
    from tests.simulators.s3.world import Call

CONTENT_HEADERS = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type",
                   "expires")  # fmt: skip
DEFAULT_TYPE = "binary/octet-stream"
META = "x-amz-meta-"
SSE = "x-amz-server-side-encryption"
CUSTOMER = "customer-"
STORAGE_CLASSES = frozenset(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
     "GLACIER_IR"}
)  # fmt: skip
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
MOST_METADATA = 2048


def details_of(call: Call) -> Details:
    """Read all that a PUT says of its object; raises `Refusal`."""
    headers = call.request.headers
    return shared(
        Details(
            headers=content_headers(headers),
            metadata=metadata(headers),
            tags=tags_of_header(headers.get("x-amz-tagging", "")),
            storage_class=storage_class(headers),
            encryption=encryption(headers, call),
            grants=grants_of_headers(headers, call.bucket),
            lock=lock_of_headers(call),
            redirect=headers.get("x-amz-website-redirect-location", ""),
            checksum=checksums.algorithm(headers) or checksums.DEFAULT,
        )
    )


def content_headers(headers: Mapping[str, str]) -> Pairs:
    found = {name: headers[name] for name in CONTENT_HEADERS if headers.get(name)}
    return tuple(({"content-type": DEFAULT_TYPE} | found).items())


def metadata(headers: Mapping[str, str]) -> Pairs:
    found = tuple((name.removeprefix(META), value) for name, value in headers.items() if name.startswith(META))
    if sum(len(name) + len(value) for name, value in found) > MOST_METADATA:
        raise Refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return found


def storage_class(headers: Mapping[str, str]) -> str:
    found = headers.get("x-amz-storage-class", "STANDARD")
    if found not in STORAGE_CLASSES:
        raise Refusal("InvalidStorageClass", "The storage class you specified is not valid")
    return found


def encryption(headers: Mapping[str, str], call: Call) -> Encryption:
    """Read how an object is to be encrypted; the bucket's default where nothing is said."""
    customer = customer_key(headers, SSE)
    if customer:
        return Encryption("", customer_md5=customer)
    kind, key = headers.get(SSE), headers.get(f"{SSE}-aws-kms-key-id", "")
    bucket_key = headers.get(f"{SSE}-bucket-key-enabled", "") == "true"
    if kind is None:
        return default_encryption(call)
    if kind not in {"AES256", "aws:kms", "aws:kms:dsse"}:
        raise invalid("The encryption method specified is not supported", SSE, kind)
    return Encryption(kind, (key or _own_key(call)) if kind != "AES256" else "", bucket_key)


def default_encryption(call: Call) -> Encryption:
    """Read the bucket's default."""
    written = call.bucket.configured.get("encryption", b"").decode()
    found = {
        name: value[1]
        for name in ("SSEAlgorithm", "KMSMasterKeyID", "BucketKeyEnabled")
        if (value := re.search(f"<{name}>([^<]*)<", written))
    }
    kind = found.get("SSEAlgorithm", "AES256")
    key = found.get("KMSMasterKeyID", _own_key(call)) if kind != "AES256" else ""
    return Encryption(kind, key, found.get("BucketKeyEnabled") == "true")


def _own_key(call: Call) -> str:
    return f"arn:aws:kms:{call.bucket.region}:{call.world.settings.account}:key/aws-s3"


def customer_key(headers: Mapping[str, str], start: str) -> str:
    """Return the MD5 of SSE-C's key, checked, or nothing; *start* names the headers; raises `Refusal`."""
    algorithm, key, md5 = (headers.get(f"{start}-{CUSTOMER}{name}") for name in ("algorithm", "key", "key-md5"))
    if algorithm is None and key is None and md5 is None:
        return ""
    if algorithm != "AES256" or not key or not md5:
        raise invalid_request("Requests specifying Server Side Encryption with Customer provided keys must be whole.")
    digest = hashlib.md5(base64.b64decode(key), usedforsecurity=False).digest()
    if base64.b64encode(digest).decode() != md5:
        raise invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return md5


def check_customer_key(headers: Mapping[str, str], start: str, version: Version) -> None:
    """Let only the key read that the object was written with; raises `Refusal`."""
    given, kept = customer_key(headers, start), version.details.encryption.customer_md5
    if kept and not given:
        raise invalid_request(
            "The object was stored using a form of Server Side Encryption. "
            "The correct parameters must be provided to retrieve the object."
        )
    if given and not kept:
        raise invalid_request("The encryption parameters are not applicable to this object.")
    if given != kept:
        raise Refusal("AccessDenied", "Access Denied", 403)


def encryption_headers(found: Encryption) -> dict[str, str]:
    """Say how an object is encrypted."""
    if found.customer_md5:
        return {f"{SSE}-customer-algorithm": "AES256", f"{SSE}-customer-key-MD5": found.customer_md5}
    said = {SSE: found.kind}
    if found.kms_key:
        said[f"{SSE}-aws-kms-key-id"] = found.kms_key
    if found.bucket_key:
        said[f"{SSE}-bucket-key-enabled"] = "true"
    return said


def described(bucket: Bucket, version: Version) -> dict[str, str]:
    """Say all that a GET or HEAD says of a version besides its bytes."""
    details = version.details
    said = dict(details.headers) | {META + name: value for name, value in details.metadata}
    said |= encryption_headers(details.encryption)
    if details.storage_class != "STANDARD":
        said["x-amz-storage-class"] = details.storage_class
    if details.tags:
        said["x-amz-tagging-count"] = str(len(details.tags))
    if details.redirect:
        said["x-amz-website-redirect-location"] = details.redirect
    if bucket.locks:
        said |= headers_of(details.lock)
    return said
