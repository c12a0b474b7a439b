"""Deletes under a condition, their markers, and records: the same on every server, where the server can."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from labelplan.store.s3 import open_writer
from tests.servers.test_reading import put
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Writer

pytestmark = on(*VERSIONED)

KEY = "deer/a b+c.jpg"
RECORD = ".labelplan/runs/r/start.json"


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def body(s3: S3Client, bucket: str, key: str = KEY) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_delete_lays_a_marker_whose_removal_brings_the_very_version_back(
    s3: S3Client, bucket: str, writer: Writer
) -> None:
    stored = put(s3, bucket, KEY)
    reply = writer.delete_current(KEY, stored.etag)
    marker, version = writer.key_versions(KEY)
    assert (reply.outcome, reply.marker) == ("deleted", marker.version_id)
    assert (marker.is_delete_marker, marker.is_latest, marker.etag, marker.size) == (True, True, "", 0)
    assert (version.version_id, version.etag, version.is_latest) == (stored.version_id, stored.etag, False)
    assert writer.head(KEY) is None
    assert [one.outcome for one in writer.remove_markers([marker])] == ["deleted"]
    assert writer.head(KEY) == stored
    assert body(s3, bucket) == b"deer"


def test_an_object_that_changed_is_not_deleted(s3: S3Client, bucket: str, plain_bucket: str) -> None:
    for where in (bucket, plain_bucket):
        old, new = put(s3, where, KEY, b"old"), put(s3, where, KEY, b"new")
        writer = open_writer(where)
        assert writer.delete_current(KEY, old.etag).outcome == "refused"
        assert writer.head(KEY) == new


def test_a_delete_of_what_is_absent_leaves_nothing(s3: S3Client, bucket: str, writer: Writer) -> None:
    etag = put(s3, bucket, "deer/other.jpg").etag
    assert writer.delete_current(KEY, etag).outcome == "refused"
    assert writer.key_versions(KEY) == []


def test_without_versioning_a_delete_is_for_ever(s3: S3Client, plain_bucket: str) -> None:
    writer = open_writer(plain_bucket)
    stored = put(s3, plain_bucket, KEY)
    assert writer.delete_current(KEY, stored.etag).outcome == "deleted"
    assert writer.key_versions(KEY) == []


def test_removing_a_marker_shows_what_lies_under_it_and_nothing_newer_goes(
    s3: S3Client, bucket: str, writer: Writer
) -> None:
    stored = put(s3, bucket, KEY)
    writer.delete_current(KEY, stored.etag)
    marker = writer.key_versions(KEY)[0]
    newer = put(s3, bucket, KEY, b"newer")
    assert [one.outcome for one in writer.remove_markers([marker])] == ["deleted"]
    assert writer.head(KEY) == newer
    assert [one.version_id for one in writer.key_versions(KEY)] == [newer.version_id, stored.version_id]


def test_the_versions_of_keys_that_start_alike_are_told_apart(s3: S3Client, bucket: str, writer: Writer) -> None:
    keys = ["deer/1", "deer/1.jpg", "deer/1/2", "deer/10", "deer/11"]
    stored = {key: [put(s3, bucket, key, body) for body in (b"3", b"2", b"1")] for key in keys}
    s3.delete_object(Bucket=bucket, Key="deer/10")
    found = writer.versions_of(["deer/0", *keys, "elk"])
    assert (found.pop("deer/0"), found.pop("elk")) == ([], [])
    marker = found["deer/10"].pop(0)
    assert (marker.is_delete_marker, marker.is_latest) == (True, True)
    for key in keys:
        assert [one.version_id for one in found[key]] == [one.version_id for one in reversed(stored[key])]
        assert [one.is_latest for one in found[key]] == [key != "deer/10", False, False]
        assert found[key] == [one for one in writer.key_versions(key) if not one.is_delete_marker]


def test_a_record_is_written_once(writer: Writer) -> None:
    assert writer.put_once(RECORD, b"first")
    assert not writer.put_once(RECORD, b"second")
    assert writer.put_once(RECORD, b"first")
    assert writer.read_record(RECORD) == b"first"


def test_of_many_who_write_a_record_one_wins(writer: Writer) -> None:
    bodies = [b"%d" % number for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        won = list(pool.map(lambda body: writer.put_once(RECORD, body), bodies))
    assert sum(won) == 1
    assert writer.read_record(RECORD) == bodies[won.index(True)]


def test_records_are_listed_with_the_servers_time(s3: S3Client, bucket: str, writer: Writer) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    for name in ("b", "a", "c/d"):
        assert writer.put_once(f".labelplan/runs/{name}", b"1")
    put(s3, bucket, ".labelplan/other")
    times = dict(writer.list_records(".labelplan/runs/"))
    assert list(times) == [f".labelplan/runs/{name}" for name in ("a", "b", "c/d")]
    for key, time in times.items():
        assert before <= time <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
        read = writer.record_time(key)
        assert read is not None
        assert abs(read - time) < dt.timedelta(seconds=1)  # a listing may say milliseconds
