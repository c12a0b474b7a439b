"""What the judge sees of an object is what boto3 says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.look import NOT_FOUND, Refused, content, found, history
from tests.faults.pictures import BAD

if TYPE_CHECKING:
    from tests.faults.stage import Stage


@pytest.mark.parametrize("mode", ["versioning", "copy"])
def test_every_version_has_the_bytes_headers_metadata_and_tags_that_boto3_finds(stage: Stage, mode: str) -> None:
    s3, name = stage.s3, stage.scene(mode).bucket.name
    for key, entries in history(s3, name).items():
        for entry in entries:
            if entry.is_marker:
                continue
            at: Any = {"Bucket": name, "Key": key} | ({"VersionId": entry.version_id} if mode == "versioning" else {})
            got, seen = s3.get_object(**at), content(s3, name, key, entry.version_id)
            tags = s3.get_object_tagging(**at)["TagSet"]
            assert (seen.body, seen.etag, seen.metadata) == (got["Body"].read(), entry.etag, got["Metadata"])
            assert seen.headers["Content-Type"] == got["ContentType"]
            assert seen.headers.get("Cache-Control") == got.get("CacheControl")
            assert dict(seen.tags) == {tag["Key"]: tag["Value"] for tag in tags}


def test_what_is_not_there_is_none_and_any_other_refusal_is_none_of_that(stage: Stage) -> None:
    name = stage.scene("copy").bucket.name
    assert found(stage.s3, name, "no such key") is None
    current = found(stage.s3, name, BAD[1])
    assert current is not None
    assert dict(current.tags) == {"kind": "deer", "sure": "no idea"}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    stage.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    with pytest.raises(Refused) as refused:
        found(stage.s3, name, BAD[1])
    assert refused.value.status != NOT_FOUND
