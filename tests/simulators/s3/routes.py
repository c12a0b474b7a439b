"""Which operation a request is, and who answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.s3 import acl, buckets, bulk, copying, listing, locks, objects, tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulators.s3.wire import Reply, Request
    from tests.simulators.s3.world import Call

UNKNOWN = "Unknown"
CHANGING = ("Put", "Delete", "Copy", "Create")
"""How operations begin that change something."""

_OBJECT = {
    ("PUT", ""): "PutObject",
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("DELETE", ""): "DeleteObject",
    ("PUT", "tagging"): "PutObjectTagging",
    ("GET", "tagging"): "GetObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("PUT", "acl"): "PutObjectAcl",
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "retention"): "PutObjectRetention",
    ("GET", "retention"): "GetObjectRetention",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("GET", "legal-hold"): "GetObjectLegalHold",
}
_CONFIGURATIONS = {
    "lifecycle": "BucketLifecycleConfiguration",
    "replication": "BucketReplication",
    "policy": "BucketPolicy",
    "ownershipControls": "BucketOwnershipControls",
    "encryption": "BucketEncryption",
    "object-lock": "ObjectLockConfiguration",
    "tagging": "BucketTagging",
    "cors": "BucketCors",
    "publicAccessBlock": "PublicAccessBlock",
}
_BUCKET = {
    ("PUT", ""): "CreateBucket",
    ("HEAD", ""): "HeadBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", ""): "ListObjects",
    ("POST", "delete"): "DeleteObjects",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "location"): "GetBucketLocation",
    **{
        (method, name): f"{method.capitalize()}{operation}"
        for name, operation in _CONFIGURATIONS.items()
        for method in ("GET", "PUT", "DELETE")
    },
    ("DELETE", "lifecycle"): "DeleteBucketLifecycle",
}
_PARAMETERS = frozenset(
    (
        *(
            "versionId",
            "x-id",
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "encoding-type",
            "start-after",
            "marker",
        ),
        *("continuation-token", "fetch-owner", "key-marker", "version-id-marker", "max-buckets"),
    )
)
"""What a query may hold besides the name of a subresource; anything else is an operation that is not simulated."""

_HANDLERS: dict[str, Callable[[Call], Reply]] = {
    "PutObject": objects.put,
    "GetObject": objects.get,
    "HeadObject": objects.get,
    "DeleteObject": objects.delete,
    "DeleteObjects": bulk.delete_many,
    "CopyObject": copying.copy,
    "PutObjectTagging": tags.put,
    "GetObjectTagging": tags.get,
    "DeleteObjectTagging": tags.delete,
    "PutObjectAcl": acl.put,
    "GetObjectAcl": acl.get,
    "PutObjectRetention": locks.put_retention,
    "GetObjectRetention": locks.get_retention,
    "PutObjectLegalHold": locks.put_legal_hold,
    "GetObjectLegalHold": locks.get_legal_hold,
    "ListObjectVersions": listing.versions,
    "ListObjectsV2": listing.objects,
    "ListObjects": listing.objects,
    "ListBuckets": buckets.list_all,
    "CreateBucket": buckets.create,
    "HeadBucket": buckets.head,
    "DeleteBucket": buckets.delete,
    "GetBucketLocation": buckets.location,
    "GetBucketVersioning": buckets.get_versioning,
    "PutBucketVersioning": buckets.put_versioning,
    "DeleteBucketLifecycle": buckets.delete_configuration,
    **{f"Get{name}": buckets.get_configuration for name in _CONFIGURATIONS.values()},
    **{f"Put{name}": buckets.put_configuration for name in _CONFIGURATIONS.values()},
    **{f"Delete{name}": buckets.delete_configuration for name in _CONFIGURATIONS.values()},
}


def operation_of(request: Request) -> str:
    """Name a request's operation as AWS does, or `Unknown`."""
    names = [name for name in request.query if name not in _PARAMETERS and not name.startswith("response-")]
    if len(names) > 1:
        return UNKNOWN
    asked = (request.method, names[0] if names else "")
    if not request.bucket:
        return "ListBuckets" if asked == ("GET", "") else UNKNOWN
    if not request.key:
        second = asked == ("GET", "") and request.query.get("list-type") == "2"
        return "ListObjectsV2" if second else _BUCKET.get(asked, UNKNOWN)
    found = _OBJECT.get(asked, UNKNOWN)
    return "CopyObject" if found == "PutObject" and "x-amz-copy-source" in request.headers else found


def handler_of(operation: str) -> Callable[[Call], Reply] | None:
    return _HANDLERS.get(operation)
