"""The copies of a run over buckets of the S3 simulator: what their tests speak through."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from labelplan.flow.batches import Pace
from labelplan.flow.copies import Copies
from labelplan.model.objects import S3Object
from labelplan.model.run import Capabilities, Intent
from labelplan.model.spec import Backup
from labelplan.store.s3 import open_writer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.model.run import Attributes

RUN = "20261122T1405Z-3f9a"
ALL = Capabilities(
    bulk_delete=True,
    single_delete=True,
    copy_source=True,
    copy_absent=True,
    put_absent=True,
    put_match=True,
    tags=True,
)
KEY = "deer/a b+c%41é.jpg"


def new_bucket(s3: S3Client, versioning: str = "", **options: Any) -> str:
    name = f"wildlife-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, **options)
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versioning})  # type: ignore[typeddict-item]  # one of the two
    return name


def copies(
    bucket: str, backup: str = "", *, acls: bool = False, capabilities: Capabilities = ALL, fresh: bool = False
) -> Copies:
    """The copies of a run, which never waits."""
    data = open_writer(bucket)
    place = Backup("copy", backup or None, "labelplan/")
    pace = Pace(sleep=lambda _: None)
    return Copies(data, data.beside(backup or bucket), place, RUN, capabilities, acls=acls, fresh=fresh, pace=pace)


def put(s3: S3Client, bucket: str, key: str = KEY, body: bytes = b"deer", **options: Any) -> S3Object:
    reply = s3.put_object(Bucket=bucket, Key=key, Body=body, **options)
    return S3Object(key, reply.get("VersionId", "null"), reply["ETag"].strip('"'), len(body))


def intent(one: S3Object, attributes: Attributes | str | None) -> Intent:
    assert not isinstance(attributes, str), attributes
    return Intent(one.key, one.version_id, one.etag, one.size, attributes)


def save_and_delete(s3: S3Client, bucket: str, run: Copies, *wanted: S3Object) -> list[Intent]:
    saved = run.save(sorted(wanted, key=lambda one: one.key))
    for one in wanted:
        s3.delete_object(Bucket=bucket, Key=one.key)
    return [intent(one, saved[one.key]) for one in wanted]


def seen(s3: S3Client, bucket: str, key: str = KEY) -> dict[str, Any]:
    """All that a reader sees of an object, but for its time and version."""
    got: Any = s3.get_object(Bucket=bucket, Key=key)
    names = (
        "ContentType ContentEncoding ContentDisposition ContentLanguage CacheControl ExpiresString Metadata "
        "StorageClass ServerSideEncryption SSEKMSKeyId BucketKeyEnabled WebsiteRedirectLocation"
    )
    found = {name: got.get(name) for name in names.split()}
    found["Body"] = got["Body"].read()
    found["Tags"] = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    found["Grants"] = s3.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    return found
