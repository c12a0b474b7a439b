"""Copies on every server: odd keys come back as themselves, or are refused with a reason; nothing newer is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from labelplan.flow.put_back import UNSAFE
from labelplan.model.run import Attributes, Intent
from labelplan.store.s3 import open_writer
from tests.flow.copying import copies
from tests.servers.odd_keys import ODD_KEYS, ODDITIES, UNLISTABLE
from tests.servers.test_reading import put
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import S3Object
    from tests.servers.running import Server

everywhere = on(*VERSIONED)

TOO_LONG = {"seaweedfs": {ODD_KEYS["1,024 bytes"]}}
"""What cannot be stored in a bucket without versioning."""


def stored(s3: S3Client, bucket: str, server: str) -> list[S3Object]:
    """Store those of the odd keys that a server can both keep and list, each with itself as content."""
    odd = ODDITIES[server]
    confused = {*odd.kept_as, *odd.kept_as.values(), *odd.listed_as, *odd.listed_as.values(), *odd.emptied}
    if server != "simulator":
        confused.add(UNLISTABLE)
    keys = sorted({*ODD_KEYS.values()} - odd.refused - confused - TOO_LONG.get(server, set()))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"n": "1"}, Tagging="a=b%20c")
    return [one for key in keys if (one := open_writer(bucket).head(key))]


def content(s3: S3Client, bucket: str, key: str) -> tuple[Any, ...]:
    got = s3.get_object(Bucket=bucket, Key=key)
    return got["Body"].read(), got["Metadata"], s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]


@everywhere
def test_odd_keys_come_back_from_their_copies_or_are_refused(s3: S3Client, plain_bucket: str, server: Server) -> None:
    wanted = stored(s3, plain_bucket, server.name)
    run = copies(plain_bucket, capabilities=open_writer(plain_bucket).probe())
    saved = run.save(wanted)
    refused = {key for key, said in saved.items() if isinstance(said, str)}
    assert refused == {ODD_KEYS["1,024 bytes"]} - TOO_LONG.get(server.name, set())
    gone = [one for one in wanted if one.key not in refused]
    for one in gone:
        s3.delete_object(Bucket=plain_bucket, Key=one.key)
    results = run.restore([intent(one, saved[one.key]) for one in gone])
    assert {(result.outcome, result.message) for result in results} == {("restored", "")}
    for one in wanted:
        assert content(s3, plain_bucket, one.key) == (one.key.encode(), {"n": "1"}, [{"Key": "a", "Value": "b c"}])


def intent(one: S3Object, attributes: Attributes | str) -> Intent:
    assert isinstance(attributes, Attributes)
    return Intent(one.key, one.version_id, one.etag, one.size, attributes)


@everywhere
def test_what_somebody_wrote_meanwhile_is_left(s3: S3Client, plain_bucket: str) -> None:
    one = put(s3, plain_bucket, "deer/1.jpg", b"deer")
    capabilities = open_writer(plain_bucket).probe()
    run = copies(plain_bucket, capabilities=capabilities)
    saved = run.save([one])
    put(s3, plain_bucket, one.key, b"mine")
    assert [result.outcome for result in run.restore([intent(one, saved[one.key])])] == ["left"]
    assert content(s3, plain_bucket, one.key)[0] == b"mine"
    none = replace(capabilities, copy_absent=False, put_absent=False)
    (result,) = copies(plain_bucket, capabilities=none).restore([intent(one, saved[one.key])])
    assert (result.outcome, result.message) == ("failed", UNSAFE)


@everywhere
def test_a_copy_of_something_else_is_noticed_whatever_the_server_compares(s3: S3Client, plain_bucket: str) -> None:
    old = put(s3, plain_bucket, "deer/1.jpg", b"old!")
    writer = open_writer(plain_bucket)
    put(s3, plain_bucket, old.key, b"new!")
    writer.copy_in(writer.place(old.key, old.etag), "copy", Attributes(), absent=False)  # moto makes this copy
    there = writer.head("copy")
    assert there is None or there.etag != old.etag
    assert isinstance(copies(plain_bucket).save([old])[old.key], str)


@on("moto", "ministack", "seaweedfs")
def test_an_object_in_parts_is_copied_and_comes_back(s3: S3Client, plain_bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=plain_bucket, Key="deer/1.jpg")["UploadId"]
    at: dict[str, Any] = {"Bucket": plain_bucket, "Key": "deer/1.jpg", "UploadId": upload}
    parts: list[Any] = [
        {"PartNumber": number, "ETag": s3.upload_part(**at, PartNumber=number, Body=body)["ETag"]}
        for number, body in ((1, b"a" * (5 << 20)), (2, b"b"))
    ]
    s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
    one = open_writer(plain_bucket).head("deer/1.jpg")
    assert one
    assert one.etag.endswith("-2")
    run = copies(plain_bucket, capabilities=open_writer(plain_bucket).probe())
    saved = run.save([one])
    s3.delete_object(Bucket=plain_bucket, Key=one.key)
    assert [result.outcome for result in run.restore([intent(one, saved[one.key])])] == ["restored"]
    assert s3.get_object(Bucket=plain_bucket, Key=one.key)["Body"].read() == b"a" * (5 << 20) + b"b"
