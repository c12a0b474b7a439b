"""What a reader reads, and that it can do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.store.connect import READING
from labelplan.store.s3 import open_reader, open_writer
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ODD_KEYS = [
    "a b+c&d%41#e?.jpg",
    "a//b.jpg",
    "é.jpg",
    "e\u0301.jpg",
    "\U0001f98c.jpg",
    "\uff5e.jpg",
    "x\\y",
    "tab\t",
    "dir/",
]


def put(s3: S3Client, bucket: str, key: str, body: bytes = b"deer") -> S3Object:
    reply = s3.put_object(Bucket=bucket, Key=key, Body=body)
    return S3Object(key, reply.get("VersionId", "null"), reply["ETag"].strip('"'), len(body))


def client_of(reader: Any) -> Any:
    return reader._reading


def test_the_current_objects_come_in_utf8_byte_order(s3: S3Client, bucket: str) -> None:
    stored = {key: put(s3, bucket, key) for key in ODD_KEYS}
    in_order = sorted(ODD_KEYS, key=str.encode)
    assert list(open_reader(bucket).list_current("")) == [stored[key] for key in in_order]


def test_only_the_current_version_is_listed_and_no_deleted_object(s3: S3Client, bucket: str) -> None:
    put(s3, bucket, "deer/1.jpg", b"old")
    current = put(s3, bucket, "deer/1.jpg", b"new")
    put(s3, bucket, "deer/2.jpg")
    s3.delete_object(Bucket=bucket, Key="deer/2.jpg")
    put(s3, bucket, "other/3.jpg")
    assert list(open_reader(bucket).list_current("deer/")) == [current]


def test_run_records_are_not_listed(s3: S3Client, bucket: str) -> None:
    put(s3, bucket, ".labelplan/plans/abc")
    put(s3, bucket, ".labelplan2/x")
    assert [one.key for one in open_reader(bucket).list_current("")] == [".labelplan2/x"]


def test_a_bucket_that_never_had_versions_is_listed_with_null_ids(s3: S3Client) -> None:
    s3.create_bucket(Bucket="plain")
    stored = put(s3, "plain", "deer/1.jpg")
    reader = open_reader("plain")
    assert list(reader.list_current("deer/")) == [stored]
    assert reader.head("deer/1.jpg") == stored
    assert reader.fetch(stored, 100) == b"deer"


def test_head_gives_the_current_object_or_none(s3: S3Client, bucket: str) -> None:
    reader = open_reader(bucket)
    assert reader.head("deer/1.jpg") is None
    stored = put(s3, bucket, "deer/1.jpg")
    assert reader.head("deer/1.jpg") == stored
    s3.delete_object(Bucket=bucket, Key="deer/1.jpg")
    assert reader.head("deer/1.jpg") is None


def test_fetch_gives_exactly_the_version_that_was_listed(s3: S3Client, bucket: str) -> None:
    stored = put(s3, bucket, "deer/1.jpg", b"old")
    put(s3, bucket, "deer/1.jpg", b"new")
    assert open_reader(bucket).fetch(stored, 100) == b"old"


def test_fetch_gives_nothing_that_changed_vanished_is_too_large_or_archived(s3: S3Client, bucket: str) -> None:
    reader, stored = open_reader(bucket), put(s3, bucket, "deer/1.jpg")
    other_bytes = S3Object("deer/1.jpg", stored.version_id, "0" * 32, 4)
    absent = S3Object("deer/2.jpg", stored.version_id, stored.etag, 4)
    assert reader.fetch(other_bytes, 100) is None
    assert reader.fetch(absent, 100) is None
    assert reader.fetch(stored, 3) is None
    assert reader.fetch(stored, 4) == b"deer"
    with recorded() as wire:
        wire.disturb = answers(lambda _: True, lambda: answer(403, "InvalidObjectState"))
        assert reader.fetch(stored, 4) is None


def cut_off() -> Any:
    return answer(200, body=b"de", content_length="4")


def test_a_download_that_breaks_off_begins_again(s3: S3Client, bucket: str) -> None:
    reader, stored = open_reader(bucket), put(s3, bucket, "deer/1.jpg")
    with recorded() as wire:
        wire.disturb = answers(lambda one: one.method == "GET", cut_off, times=2)
        assert reader.fetch(stored, 4) == b"deer"


def test_a_download_that_always_breaks_off_is_an_error(s3: S3Client, bucket: str) -> None:
    reader, stored = open_reader(bucket), put(s3, bucket, "deer/1.jpg")
    with recorded() as wire:
        wire.disturb = answers(lambda one: one.method == "GET", cut_off)
        with pytest.raises(AwsRefused, match=r"Cannot read s3://.*/deer/1\.jpg"):
            reader.fetch(stored, 4)


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_not_taken_for_a_missing_object() -> None:
    with pytest.raises(AwsRefused, match="no such bucket"):
        open_reader("no-such-bucket").fetch(S3Object("deer/1.jpg", "v", "e", 1), 100)


def test_reading_is_tried_again(s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore waits between attempts
    stored = put(s3, bucket, "deer/1.jpg")
    with recorded() as wire:
        wire.disturb = lost_replies(lambda one: one.method == "HEAD", times=3)
        assert open_reader(bucket).head("deer/1.jpg") == stored


def test_a_listing_that_goes_round_in_circles_is_refused(bucket: str) -> None:
    page = (
        b"<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
        b"<NextVersionIdMarker>v</NextVersionIdMarker></ListVersionsResult>"
    )
    with recorded() as wire:
        wire.disturb = answers(lambda one: "versions" in one.query, lambda: answer(200, body=page))
        with pytest.raises(AwsRefused, match="goes round in circles"):
            list(open_reader(bucket).list_current("deer/"))
        with pytest.raises(AwsRefused, match="goes round in circles"):
            open_writer(bucket).key_versions("deer/1.jpg")


def test_a_reader_sends_nothing_that_changes(s3: S3Client, bucket: str) -> None:
    reader, stored = open_reader(bucket), put(s3, bucket, "deer/1.jpg")
    with recorded() as wire:
        reader.target()
        list(reader.list_current("deer/"))
        reader.head("deer/1.jpg")
        reader.fetch(stored, 100)
        client = client_of(reader)
        with pytest.raises(PermissionError, match="nothing was sent"):
            client.put_object(Bucket=bucket, Key="x", Body=b"")
        with pytest.raises(PermissionError, match="nothing was sent"):
            client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "deer/1.jpg"}]})
    s3_calls = [one for one in wire.sent if one.bucket]
    assert {one.method for one in s3_calls} == {"GET", "HEAD"}
    assert len(s3_calls) == 5


def test_what_counts_as_reading_is_get_or_head_in_awss_own_model(s3: S3Client) -> None:
    model = s3.meta.service_model
    assert {model.operation_model(name).http["method"] for name in READING} == {"GET", "HEAD"}


def test_no_other_operation_of_s3_gets_past_a_reader() -> None:
    client = client_of(open_reader("wildlife"))
    others = set(client.meta.service_model.operation_names) - READING
    assert len(others) > 90
    for name in others:
        model = client.meta.service_model.operation_model(name)
        with pytest.raises(PermissionError, match=name):
            client.meta.events.emit(f"before-call.s3.{name}", model=model, params={"body": b""}, context={})


def test_a_writer_reads_through_a_client_that_cannot_change() -> None:
    with pytest.raises(PermissionError):
        client_of(open_writer("wildlife")).delete_object(Bucket="wildlife", Key="x")
