"""What a reader sees of a bucket is the same on every server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.store.s3 import open_reader
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Reader
    from tests.servers.running import Server

everywhere = on(*VERSIONED)

KEYS = [
    "deer/1.jpg",
    "deer/1.png",
    "deer/10.jpg",
    "deer/a b+c%2B.jpg",
    "deer/é.jpg",
    "deer/\U0001f98c.jpg",
    "elk/1",
]


def put(s3: S3Client, bucket: str, key: str, body: bytes = b"deer") -> S3Object:
    reply = s3.put_object(Bucket=bucket, Key=key, Body=body)
    return S3Object(key, reply.get("VersionId", "null"), reply["ETag"].strip('"'), len(body))


def with_pages_of(count: int, reader: Any) -> Reader:
    reader._listing.meta.events.register(
        "provide-client-params.s3.ListObjectVersions", lambda params, **_: {**params, "MaxKeys": count}
    )
    found: Reader = reader
    return found


@everywhere
def test_a_bucket_says_what_it_is(server: Server, bucket: str, plain_bucket: str) -> None:
    target = open_reader(bucket).target()
    assert (target.endpoint, target.bucket, target.versioning) == (server.url, bucket, "Enabled")
    assert open_reader(plain_bucket).target().versioning == "Disabled"


@everywhere
def test_suspended_versioning_is_seen(s3: S3Client, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert open_reader(bucket).versioning() == "Suspended"


@everywhere
def test_a_bucket_that_is_not_there_is_refused(s3: S3Client) -> None:
    assert s3
    with pytest.raises(AwsRefused, match="There is no bucket wildlife-nowhere"):
        open_reader("wildlife-nowhere").target()


@everywhere
@pytest.mark.parametrize("size", [1000, 3, 2, 1])
def test_the_current_objects_are_listed_whatever_lies_under_and_over_them(s3: S3Client, bucket: str, size: int) -> None:
    for key in KEYS:
        put(s3, bucket, key, b"older")
    put(s3, bucket, "deer/2.jpg")
    s3.delete_object(Bucket=bucket, Key="deer/2.jpg")
    s3.delete_object(Bucket=bucket, Key="deer/1.jpg")
    stored = [put(s3, bucket, key) for key in KEYS]
    put(s3, bucket, ".labelplan/runs/x/start.json")
    reader = with_pages_of(size, open_reader(bucket))
    assert list(reader.list_current("")) == stored
    assert list(reader.list_current("deer/1.")) == stored[:2]
    pages = [(at, one) for at, page in reader.list_pages(["elk/", "none/", "deer/"]) for one in page]
    assert pages == [(0, stored[-1]), *((2, one) for one in stored[:-1])]


@pytest.mark.parametrize("size", [1000, 2, 1])
@on("moto", "simulator", "seaweedfs")
def test_a_bucket_without_versioning_is_listed(s3: S3Client, plain_bucket: str, size: int) -> None:
    stored = [put(s3, plain_bucket, key) for key in KEYS]
    assert [one.version_id for one in stored] == ["null"] * len(KEYS)
    assert list(with_pages_of(size, open_reader(plain_bucket)).list_current("")) == stored


@on("ministack")
def test_pages_that_repeat_are_refused(s3: S3Client, plain_bucket: str) -> None:
    """Its second page of a bucket without versioning begins with the first one's last key again."""
    stored = [put(s3, plain_bucket, key) for key in KEYS]
    assert list(open_reader(plain_bucket).list_current("")) == stored
    with pytest.raises(AwsRefused, match="keys must come once"):
        list(with_pages_of(2, open_reader(plain_bucket)).list_current(""))


SIDECARS = ["deer/1.jpg", "deer/1.jpg.json", "deer/2.jpg", "deer/2.jpg.json"]


@pytest.mark.parametrize("size", [1000, 3, 2, 1])
@on("moto", "simulator", "ministack")
def test_files_beside_pictures_are_listed(s3: S3Client, bucket: str, size: int) -> None:
    stored = [put(s3, bucket, key) for key in SIDECARS]
    assert list(with_pages_of(size, open_reader(bucket)).list_current("")) == stored


@on("seaweedfs")
def test_what_a_server_leaves_out_between_two_pages_is_all_that_is_missing(s3: S3Client, bucket: str) -> None:
    """It keeps the versions of 1.jpg in a folder 1.jpg.versions, which it pages after the one of 1.jpg.json."""
    for key in SIDECARS:
        put(s3, bucket, key, b"older")
    stored = [put(s3, bucket, key) for key in SIDECARS]
    assert list(open_reader(bucket).list_current("")) == stored
    assert list(with_pages_of(1, open_reader(bucket)).list_current("")) == stored[1::2]


@everywhere
def test_exactly_the_listed_version_is_read(s3: S3Client, bucket: str) -> None:
    old, new = put(s3, bucket, "deer/1.jpg", b"old deer"), put(s3, bucket, "deer/1.jpg", b"new deer")
    reader = open_reader(bucket)
    assert reader.head("deer/1.jpg") == new
    assert (reader.fetch(old, 100), reader.first_bytes(old, 3)) == (b"old deer", b"old")
    assert (reader.fetch(new, 100), reader.first_bytes(new, 3)) == (b"new deer", b"new")
    assert reader.fetch(new, 7) is None


@everywhere
def test_what_changed_or_vanished_is_not_read(s3: S3Client, bucket: str, plain_bucket: str) -> None:
    for where in (bucket, plain_bucket):
        stored, reader = put(s3, where, "deer/1.jpg"), open_reader(where)
        put(s3, plain_bucket, "deer/1.jpg", b"another")
        other = S3Object("deer/1.jpg", stored.version_id, "0" * 32, 4)
        assert (reader.fetch(other, 100), reader.first_bytes(other, 3)) == (None, None)
        assert reader.head("deer/2.jpg") is None
    assert open_reader(plain_bucket).fetch(stored, 100) is None


@everywhere
def test_a_deleted_object_is_not_there(s3: S3Client, bucket: str) -> None:
    put(s3, bucket, "deer/1.jpg")
    s3.delete_object(Bucket=bucket, Key="deer/1.jpg")
    reader = open_reader(bucket)
    assert (reader.head("deer/1.jpg"), list(reader.list_current(""))) == (None, [])
