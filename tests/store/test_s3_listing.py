"""What goes over the wire when a bucket is listed: odd keys, pages, refusals, and who pays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.store.s3 import open_reader, open_writer
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Reader
    from tests.wire import Sent

PAYER = "x-amz-request-payer"

ODD_KEYS = [
    "plain",
    "uni-é-日本-😀",
    "e\u0301",
    "é",
    "plus+plus",
    "a b",
    "a%20b",
    "a%2Bb",
    "amp&amp;x",
    "cr&#13;x",
    "pct%41%2F",
    "pct-%zz",
    "quote\"'<>",
    "ques?x=1",
    "hash#x",
    "semi;colon",
    "tilde~",
    "star*",
    "back\\slash",
    "dir/",
    "dir//",
    "/lead",
    "//dbl",
    "a//b",
    "a/./b",
    "a/../b",
    "../up",
    "tab\tx",
    "del\x7fx",
    "\u2028ls",
    "\ufeffbom",
    "x" * 255 + "/" + "y" * 255,
    "z" * 1024,
    "ö" * 512,
    " lead space",
    "trail space ",
    "dot.",
    "a=b",
    "@",
    "=cmd",
    "]]>",
    "<!-- a -->",
    "\uff5e",
    "\U0001f98c",
    "\U0010ffff",
]


def put(s3: S3Client, bucket: str, key: str, body: bytes = b"deer") -> S3Object:
    reply = s3.put_object(Bucket=bucket, Key=key, Body=body)
    return S3Object(key, reply.get("VersionId", "null"), reply["ETag"].strip('"'), len(body))


def with_pages_of(count: int, reader: Any) -> Reader:
    """Let a reader ask for small pages."""
    reader._listing.meta.events.register(
        "provide-client-params.s3.ListObjectVersions", lambda params, **_: {**params, "MaxKeys": count}
    )
    found: Reader = reader
    return found


def is_listing(one: Sent) -> bool:
    return "versions" in one.query


@pytest.mark.parametrize("size", [1000, 3, 1])
def test_odd_keys_come_as_they_are_whatever_the_size_of_the_pages(s3: S3Client, bucket: str, size: int) -> None:
    stored = {key: put(s3, bucket, key, key.encode()) for key in ODD_KEYS}
    reader = with_pages_of(size, open_reader(bucket))
    in_order = [stored[key] for key in sorted(ODD_KEYS, key=str.encode)]
    assert list(reader.list_current("")) == in_order
    assert [one for _, page in reader.list_pages([""]) for one in page] == in_order
    for one in in_order:
        assert reader.head(one.key) == one
        assert reader.fetch(one, 2000) == one.key.encode()


@pytest.mark.parametrize("prefix", ["a b+c&d%41#e?/", "//", "é/", "e\u0301/", "%2B/", "a+b/", "&#13;/", "<\"'>/"])
def test_a_prefix_is_taken_as_it_is(s3: S3Client, bucket: str, prefix: str) -> None:
    stored = [put(s3, bucket, prefix + name) for name in ("1 +%", "2/", "3")]
    for other in ("a b c&dA#e?/1", "a b/1", "/1", "+/1", "\r/1", "<"):
        put(s3, bucket, other)
    assert list(open_reader(bucket).list_current(prefix)) == stored
    assert list(with_pages_of(1, open_reader(bucket)).list_pages([prefix])) == [(0, [one]) for one in stored]


def test_prefixes_stand_in_the_order_asked_for_whatever_is_in_them(s3: S3Client, bucket: str) -> None:
    for number in range(5):
        put(s3, bucket, f"deer/{number}.jpg")
        put(s3, bucket, f"elk/{number}.jpg")
    s3.delete_object(Bucket=bucket, Key="elk/1.jpg")
    put(s3, bucket, "elk/0.jpg")
    reader = with_pages_of(2, open_reader(bucket))
    pages = list(reader.list_pages(["elk/", "none/", "deer/"]))
    listed = [(at, one.key) for at, page in pages for one in page]
    assert listed == [(0, f"elk/{at}.jpg") for at in (0, 2, 3, 4)] + [(2, f"deer/{at}.jpg") for at in range(5)]
    assert all(0 < len(page) <= 2 for _, page in pages)
    assert [one for at, page in pages if at == 2 for one in page] == list(reader.list_current("deer/"))


def test_no_prefixes_are_listed_without_a_call(bucket: str) -> None:
    with recorded() as wire:
        assert list(open_reader(bucket, account="").list_pages([])) == []
    assert not wire.sent


def test_what_fails_in_a_thread_reaches_who_reads(s3: S3Client, bucket: str) -> None:
    put(s3, bucket, "deer/1.jpg")
    with recorded() as wire:
        wire.disturb = answers(lambda one: one.query.get("prefix") == "elk/", lambda: answer(403, "AccessDenied"))
        pages = open_reader(bucket).list_pages(["deer/", "elk/"])
        assert next(pages)[0] == 0
        with pytest.raises(AwsRefused, match=r"Cannot list s3://.*/elk/: access denied"):
            next(pages)
    assert not [one for one in threading.enumerate() if one.name == "labelplan-listing"]


NO_LISTING = [b"", b"<html/>", b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"]


@pytest.mark.parametrize("body", NO_LISTING)
def test_a_good_answer_that_is_not_a_listing_is_refused(bucket: str, body: bytes) -> None:
    with (
        recorded(answers(is_listing, lambda: answer(200, body=body))),
        pytest.raises(AwsRefused, match="not a listing"),
    ):
        list(open_reader(bucket).list_current("deer/"))


@pytest.mark.parametrize("status", [201, 204, 206])
def test_another_good_status_is_no_listing(bucket: str, status: int) -> None:
    body = b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"
    with recorded(answers(is_listing, lambda: answer(status, body=body))), pytest.raises(AwsRefused):
        list(open_reader(bucket).list_current("deer/"))


FOR_A_MOMENT = {
    "an error in a good answer": lambda: answer(200, body=b"<Error><Code>InternalError</Code></Error>"),
    "an answer cut off": lambda: answer(200, body=b"<ListVersionsResult><Version><Key>deer"),
    "too busy": lambda: answer(503, "SlowDown"),
}


@pytest.mark.parametrize("trouble", FOR_A_MOMENT.values(), ids=FOR_A_MOMENT)
def test_trouble_of_a_moment_is_tried_again(
    s3: S3Client, bucket: str, trouble: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore waits between attempts
    stored = put(s3, bucket, "deer/1.jpg")
    with recorded(answers(is_listing, trouble, times=3)) as wire:
        assert list(open_reader(bucket).list_current("deer/")) == [stored]
    assert sum(map(is_listing, wire.sent)) == 4


@pytest.mark.parametrize("trouble", FOR_A_MOMENT.values(), ids=FOR_A_MOMENT)
def test_trouble_that_stays_is_an_error(bucket: str, trouble: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # as above
    wrong = pytest.raises(AwsRefused, match=r"Cannot list s3://.*/deer/")
    with recorded(answers(is_listing, trouble)) as wire, wrong:
        list(open_reader(bucket).list_current("deer/"))
    assert sum(map(is_listing, wire.sent)) == 4


def test_a_reply_that_is_lost_is_asked_for_again(s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # as above
    stored = [put(s3, bucket, f"deer/{number}.jpg") for number in range(3)]
    with recorded(lost_replies(is_listing, times=2)):
        assert list(with_pages_of(1, open_reader(bucket)).list_current("deer/")) == stored


def test_botocore_parses_no_page(s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler for errors in good answers would, if it were asked before labelplan's."""
    parsed: list[bytes] = []
    stored = put(s3, bucket, "deer/1.jpg")

    def no_error(_status: int, body: bytes) -> bool:
        parsed.append(body)
        return False

    monkeypatch.setattr("botocore.handlers._looks_like_special_case_error", no_error)
    assert list(open_reader(bucket, account="").list_current("deer/")) == [stored]
    assert parsed == [b"<ListVersionsResult/>"]


def test_a_server_without_version_ids_is_asked_for_the_next_page_by_key_alone(bucket: str) -> None:
    first = (
        b"<ListVersionsResult><NextKeyMarker>a+b</NextKeyMarker><IsTruncated>true</IsTruncated></ListVersionsResult>"
    )
    with recorded(answers(is_listing, lambda: answer(200, body=first), times=1)) as wire:
        assert list(open_reader(bucket, account="").list_current("")) == []
    (_, second) = wire.sent
    assert second.query == {"versions": "", "prefix": "", "encoding-type": "url", "key-marker": "a+b"}


# --- an object's first bytes ----------------------------------------------------------------------------------------


def test_only_the_first_bytes_are_read(s3: S3Client, bucket: str) -> None:
    stored = put(s3, bucket, "deer/1.jpg", b"old deer")
    put(s3, bucket, "deer/1.jpg", b"new deer")
    with recorded() as wire:
        assert open_reader(bucket, account="").first_bytes(stored, 3) == b"old"
    (sent,) = wire.sent
    assert sent.headers["range"] == "bytes=0-2"
    assert (sent.headers["if-match"], sent.query["versionId"]) == (f'"{stored.etag}"', stored.version_id)


def test_of_less_than_was_asked_for_everything_is_read(s3: S3Client, bucket: str) -> None:
    reader = open_reader(bucket)
    assert reader.first_bytes(put(s3, bucket, "deer/1.jpg"), 100) == b"deer"
    assert reader.first_bytes(put(s3, bucket, "deer/2.jpg", b""), 100) == b""


def test_nothing_is_read_of_what_changed_vanished_or_is_archived(s3: S3Client, bucket: str) -> None:
    reader, stored = open_reader(bucket), put(s3, bucket, "deer/1.jpg")
    assert reader.first_bytes(S3Object("deer/1.jpg", stored.version_id, "0" * 32, 4), 2) is None
    assert reader.first_bytes(S3Object("deer/2.jpg", stored.version_id, stored.etag, 4), 2) is None
    with recorded(answers(lambda _: True, lambda: answer(403, "InvalidObjectState"))):
        assert reader.first_bytes(stored, 2) is None


def test_a_server_that_knows_no_ranges_is_not_read_to_the_end(bucket: str) -> None:
    read = 0

    class Endless:
        def read(self, amount: int = 4) -> bytes:
            nonlocal read
            read += 1
            assert read < 10
            return b"de" if read == 1 else b"d" * amount  # the first part of it comes sooner

        def close(self) -> None:
            pass

    def endless() -> AWSResponse:
        reply = answer(200)
        reply.raw = Endless()
        return reply

    with recorded(answers(lambda one: bool(one.key), endless)):
        assert open_reader(bucket).first_bytes(S3Object("deer/1.jpg", "v", "e", 1 << 40), 5) == b"deddd"
    assert read == 2


def test_first_bytes_that_break_off_are_read_again(s3: S3Client, bucket: str) -> None:
    stored = put(s3, bucket, "deer/1.jpg")

    def cut_off() -> AWSResponse:
        return answer(206, body=b"d", content_length="3")

    with recorded(answers(lambda one: one.method == "GET", cut_off, times=2)):
        assert open_reader(bucket).first_bytes(stored, 3) == b"dee"


# --- who pays -------------------------------------------------------------------------------------------------------


def everything(store: Any) -> None:
    store.target()
    store.put_once(".labelplan/x", b"1")
    store.read_record(".labelplan/x")
    store.record_time(".labelplan/x")
    list(store.list_records(".labelplan/"))
    list(store.list_current("deer/"))
    list(store.list_pages(["deer/"]))
    store.head("deer/1.jpg")
    store.fetch(S3Object("deer/1.jpg", "v", "e", 1), 10)
    store.first_bytes(S3Object("deer/1.jpg", "v", "e", 1), 10)
    store.delete_current("deer/1.jpg", "etag")
    store.key_versions("deer/1.jpg")


def about_the_bucket(one: Sent) -> bool:
    return (one.method == "HEAD" and not one.key) or "versioning" in one.query


def test_who_asks_agrees_to_pay_with_every_call_that_costs(bucket: str) -> None:
    with recorded() as wire:
        everything(open_writer(bucket, account="", requester_pays=True))
        reader = open_reader(bucket, account="", requester_pays=True)
        assert reader.head("deer/1.jpg") is None
    assert len(wire.sent) == 14
    for one in wire.sent:
        assert one.headers.get(PAYER) == (None if about_the_bucket(one) else "requester"), one


def test_nobody_agrees_to_pay_unasked(bucket: str) -> None:
    with recorded() as wire:
        everything(open_writer(bucket, account=""))
        assert open_reader(bucket, account="").head("deer/1.jpg") is None
    assert len(wire.sent) == 14
    assert not any(PAYER in one.headers for one in wire.sent)


def test_a_connection_that_never_comes_about_is_an_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # as above

    def broken(*_: object) -> AWSResponse:
        raise ConnectionClosedError(endpoint_url="http://127.0.0.1")

    with recorded(broken), pytest.raises(AwsRefused, match="Cannot list"):
        list(open_reader(bucket, account="").list_pages(["deer/"]))
