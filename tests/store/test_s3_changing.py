"""What a writer changes: each call sent once, its reply taken for no more than it says."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion
from labelplan.store.s3 import open_writer
from labelplan.store.s3_records import S3Records
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Writer
    from tests.wire import Sent

KEY = "deer/a b+c.jpg"


def put(s3: S3Client, bucket: str, body: bytes = b"deer", key: str = KEY) -> str:
    return s3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"].strip('"')


def is_delete(one: Sent) -> bool:
    return one.method == "DELETE"


def is_put(one: Sent) -> bool:
    return one.method == "PUT"


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def test_a_delete_hides_the_object_behind_a_marker_and_says_which(s3: S3Client, bucket: str, writer: Writer) -> None:
    etag = put(s3, bucket)
    reply = writer.delete_current(KEY, etag)
    marker, version = writer.key_versions(KEY)
    assert (reply.outcome, reply.marker) == ("deleted", marker.version_id)
    assert (marker.is_delete_marker, marker.is_latest, marker.etag, marker.size) == (True, True, "", 0)
    assert (version.is_delete_marker, version.is_latest, version.etag, version.size) == (False, False, etag, 4)


def test_a_delete_names_the_etag_in_quotes_and_never_a_version(s3: S3Client, bucket: str, writer: Writer) -> None:
    etag = put(s3, bucket)
    with recorded() as wire:
        writer.delete_current(KEY, etag)
    (sent,) = wire.deletes()
    assert (sent.key, sent.headers["if-match"], sent.query) == (KEY, f'"{etag}"', {})


def test_a_delete_is_refused_when_the_object_is_another_or_none(s3: S3Client, bucket: str, writer: Writer) -> None:
    old = put(s3, bucket, b"old")
    put(s3, bucket, b"new")
    assert writer.delete_current(KEY, old).outcome == "refused"
    assert writer.delete_current("deer/absent.jpg", old).outcome == "refused"
    assert [one.is_delete_marker for one in writer.key_versions(KEY)] == [False, False]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (409, "ConditionalRequestConflict", "doubtful"),
        (403, "AccessDenied", "denied"),
        (400, "ExpiredToken", "denied"),
        (500, "InternalError", "doubtful"),
        (503, "SlowDown", "doubtful"),
        (501, "NotImplemented", "denied"),
    ],
)
def test_an_error_reply_to_a_delete_says_what_is_known(writer: Writer, status: int, code: str, outcome: str) -> None:
    with recorded() as wire:
        wire.disturb = answers(is_delete, lambda: answer(status, code, "The server's words"))
        reply = writer.delete_current(KEY, "etag")
    assert (reply.outcome, reply.message) == (outcome, f"{code}: The server's words")
    assert len(wire.deletes()) == 1


def test_a_delete_whose_reply_is_lost_is_doubtful_and_not_sent_again(s3: S3Client, bucket: str, writer: Writer) -> None:
    etag = put(s3, bucket)
    with recorded() as wire:
        wire.disturb = lost_replies(is_delete)
        assert writer.delete_current(KEY, etag).outcome == "doubtful"
    assert len(wire.deletes()) == 1
    assert [one.is_delete_marker for one in writer.key_versions(KEY)] == [True, False]


def test_removing_a_marker_brings_the_very_version_back(s3: S3Client, bucket: str, writer: Writer) -> None:
    etag = put(s3, bucket)
    before = writer.head(KEY)
    writer.delete_current(KEY, etag)
    assert writer.remove_markers([writer.key_versions(KEY)[0]])[0].outcome == "deleted"
    assert writer.head(KEY) == before


def test_only_a_delete_marker_with_an_id_can_be_removed(s3: S3Client, bucket: str, writer: Writer) -> None:
    put(s3, bucket)
    (version,) = writer.key_versions(KEY)
    null_marker = KeyVersion(KEY, "null", "", 0, True, True, version.last_modified)
    with recorded() as wire:
        for wrong in (version, null_marker):
            with pytest.raises(ValueError, match="only a delete marker"):
                writer.remove_markers([wrong])[0]
    assert wire.sent == []


def test_the_versions_of_a_key_are_only_its_own(s3: S3Client, bucket: str, writer: Writer) -> None:
    put(s3, bucket, key="deer/1")
    for number in range(60):
        put(s3, bucket, key=f"deer/1{number:02}")
    with recorded() as wire:
        assert [one.key for one in writer.key_versions("deer/1")] == ["deer/1"]
    assert len([one for one in wire.sent if one.method == "GET"]) == 1
    assert writer.key_versions("deer/") == []


def test_many_versions_of_a_key_are_all_listed_newest_first(s3: S3Client, bucket: str, writer: Writer) -> None:
    ids = [s3.put_object(Bucket=bucket, Key=KEY, Body=b"%d" % number)["VersionId"] for number in range(60)]
    assert [one.version_id for one in writer.key_versions(KEY)] == ids[::-1]


# --- records --------------------------------------------------------------------------------------------------------

RECORD = ".labelplan/plans/abc"


def as_file(body: bytes) -> Any:
    file = io.BytesIO(body)
    file.read()  # where it stands does not matter
    return file


@pytest.mark.parametrize("kind", [bytes, as_file])
def test_a_record_is_written_once(writer: Writer, kind: Any) -> None:
    assert writer.put_once(RECORD, kind(b"first"))
    assert not writer.put_once(RECORD, kind(b"second"))
    assert writer.put_once(RECORD, kind(b"first"))
    assert writer.read_record(RECORD) == b"first"


def test_of_many_who_write_a_record_at_once_one_wins(writer: Writer) -> None:
    bodies = [b"%d" % number for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda body: writer.put_once(RECORD, body), bodies))
    assert won.count(True) == 1
    assert writer.read_record(RECORD) == bodies[won.index(True)]


def test_a_record_whose_reply_is_lost_is_read_back(writer: Writer) -> None:
    with recorded() as wire:
        wire.disturb = lost_replies(is_put)
        assert writer.put_once(RECORD, b"mine")
        wire.disturb = lost_replies(is_put)
        assert not writer.put_once(RECORD, b"another's")
    assert len([one for one in wire.sent if is_put(one)]) == 2


def test_a_record_that_did_not_get_there_is_an_error(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Records, "pause", lambda *_: None)
    with recorded() as wire:
        wire.disturb = answers(is_put, lambda: answer(503, "SlowDown"))
        with pytest.raises(AwsRefused, match=r"Cannot write s3://.*/\.labelplan/plans/abc: S3 is too busy"):
            writer.put_once(RECORD, b"mine")
    assert len([one for one in wire.sent if is_put(one)]) == 4


def test_records_are_listed_in_order_and_have_a_time(s3: S3Client, bucket: str, writer: Writer) -> None:
    for name in ("b", "a", "c/d"):
        writer.put_once(f".labelplan/runs/{name}", b"")
    assert [key for key, _ in writer.list_records(".labelplan/runs/")] == [
        f".labelplan/runs/{name}" for name in ("a", "b", "c/d")
    ]
    assert (
        writer.record_time(".labelplan/runs/a")
        == s3.head_object(Bucket=bucket, Key=".labelplan/runs/a")["LastModified"]
    )


def test_a_record_that_is_not_there_is_none(writer: Writer) -> None:
    into = io.BytesIO()
    assert writer.read_record(RECORD) is None
    assert writer.record_time(RECORD) is None
    assert not writer.copy_record(RECORD, into)


def test_nothing_is_written_or_read_as_a_record_outside_its_folder(writer: Writer) -> None:
    with recorded() as wire, pytest.raises(ValueError, match="is not a record"):
        writer.put_once("deer/1.jpg", b"")
    assert wire.sent == []
