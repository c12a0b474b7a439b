"""The requests about buckets: creating, looking, versioning, and configurations that are kept as they were sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from tests.simulators.s3 import policy, xml
from tests.simulators.s3.bucket import Bucket
from tests.simulators.s3.errors import Refusal, denied, invalid_request, malformed
from tests.simulators.s3.times import iso
from tests.simulators.s3.wire import Reply

if TYPE_CHECKING:
    from tests.simulators.s3.world import Call


class Kind(Struct, frozen=True):
    """A configuration: the root of its XML (none: JSON), and what S3 answers where there is none."""

    root: str
    code: str
    message: str
    status: int = 404


KINDS = {
    "lifecycle": Kind(
        "LifecycleConfiguration", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"
    ),
    "replication": Kind(
        "ReplicationConfiguration",
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    "policy": Kind("", "NoSuchBucketPolicy", "The bucket policy does not exist"),
    "ownershipControls": Kind(
        "OwnershipControls", "OwnershipControlsNotFoundError", "The bucket ownership controls were not found"
    ),
    "encryption": Kind(
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found",
    ),
    "object-lock": Kind(
        "ObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
    "tagging": Kind("Tagging", "NoSuchTagSet", "The TagSet does not exist"),
    "cors": Kind("CORSConfiguration", "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "publicAccessBlock": Kind(
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    ),
}
_OWNERSHIP = "<Rule><ObjectOwnership>{}</ObjectOwnership></Rule>"
_ENCRYPTION = (
    "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
)
_LOCKS = xml.document("ObjectLockConfiguration", "<ObjectLockEnabled>Enabled</ObjectLockEnabled>")


def create(call: Call) -> Reply:
    """Create a bucket: owner enforced and encrypted with SSE-S3, as new ones are."""
    world, name = call.world, call.request.bucket
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise Refusal("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
    region = re.search(rb"<LocationConstraint>([^<]*)<", call.request.body)
    if name in world.buckets:
        if world.buckets[name].region == "us-east-1":
            return Reply(200, {"Location": f"/{name}"})
        message = "Your previous request to create the named bucket succeeded and you already own it."
        raise Refusal("BucketAlreadyOwnedByYou", message, 409, BucketName=name)
    bucket = Bucket(name, region[1].decode() if region else world.settings.region, world.now())
    owner = call.header("x-amz-object-ownership") or "BucketOwnerEnforced"
    bucket.configured["ownershipControls"] = xml.document("OwnershipControls", _OWNERSHIP.format(owner))
    bucket.configured["encryption"] = xml.document("ServerSideEncryptionConfiguration", _ENCRYPTION)
    if call.header("x-amz-bucket-object-lock-enabled").lower() == "true":
        bucket.locks, bucket.versioning = True, "Enabled"
        bucket.configured["object-lock"] = _LOCKS
    world.buckets[name] = bucket
    return Reply(200, {"Location": f"/{name}"})


def delete(call: Call) -> Reply:
    if call.bucket.newest:
        message = "The bucket you tried to delete is not empty"
        raise Refusal("BucketNotEmpty", message, 409, BucketName=call.bucket.name)
    del call.world.buckets[call.bucket.name]
    return Reply(204)


def head(call: Call) -> Reply:
    headers = {"x-amz-bucket-region": call.bucket.region, "x-amz-access-point-alias": "false"}
    return Reply(200, xml.TYPE | headers)


def list_all(call: Call) -> Reply:
    """Answer ListBuckets, on one page."""
    inside = "".join(
        f"<Bucket>{xml.elements({'Name': one.name, 'CreationDate': iso(one.created), 'BucketRegion': one.region})}"
        "</Bucket>"
        for _, one in sorted(call.world.buckets.items())
    )
    return Reply(200, xml.TYPE, xml.document("ListAllMyBucketsResult", f"<Buckets>{inside}</Buckets>"))


def location(call: Call) -> Reply:
    region = call.bucket.region
    return Reply(200, xml.TYPE, xml.document("LocationConstraint", "" if region == "us-east-1" else region))


def get_versioning(call: Call) -> Reply:
    said = {"Status": call.bucket.versioning}
    if call.bucket.mfa_delete:
        said["MfaDelete"] = "Enabled"
    inside = xml.elements(said) if call.bucket.versioning else ""
    return Reply(200, xml.TYPE, xml.document("VersioningConfiguration", inside))


def put_versioning(call: Call) -> Reply:
    said = xml.texts(xml.parse(call.request.body, "VersioningConfiguration"))
    status, mfa = said.get("Status"), said.get("MfaDelete")
    bucket = call.bucket
    if (bucket.mfa_delete or mfa == "Enabled") and not call.header("x-amz-mfa"):
        raise denied("Mfa Authentication must be used for this request")
    if mfa == "Enabled" and "lifecycle" in bucket.configured:
        raise invalid_request("Lifecycle configuration on MFA-enabled buckets is not supported")
    if status == "Suspended" and bucket.locks:
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise Refusal("InvalidBucketState", message, 409)
    if status == "Enabled":
        bucket.versioning = "Enabled"
    elif status == "Suspended":
        bucket.versioning = "Suspended"
    else:
        raise malformed()
    if mfa:
        bucket.mfa_delete = mfa == "Enabled"
    return Reply()


def get_configuration(call: Call) -> Reply:
    name = next(name for name in KINDS if name in call.request.query)
    kind, found = KINDS[name], call.bucket.configured.get(name)
    if found is None:
        raise Refusal(kind.code, kind.message, kind.status, BucketName=call.bucket.name)
    return Reply(200, xml.TYPE if kind.root else {"Content-Type": "application/json"}, found)


def put_configuration(call: Call) -> Reply:
    name = next(name for name in KINDS if name in call.request.query)
    kind, body, bucket = KINDS[name], call.request.body, call.bucket
    if not kind.root:
        policy.check_syntax(body)
    elif not len(xml.parse(body, kind.root)):
        raise malformed()
    if name == "lifecycle" and bucket.mfa_delete:
        raise invalid_request("Lifecycle configuration on MFA-enabled buckets is not supported")
    if name in {"replication", "object-lock"} and bucket.versioning != "Enabled":
        message = f"Versioning must be 'Enabled' on the bucket to apply a {kind.root}"
        raise Refusal("InvalidBucketState" if name == "object-lock" else "InvalidRequest", message,
                      409 if name == "object-lock" else 400)  # fmt: skip
    if name == "object-lock":
        bucket.locks = True
    bucket.configured[name] = body
    return Reply(200 if kind.root else 204)


def delete_configuration(call: Call) -> Reply:
    name = next(name for name in KINDS if name in call.request.query)
    call.bucket.configured.pop(name, None)
    return Reply(204)
