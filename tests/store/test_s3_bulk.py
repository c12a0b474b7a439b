"""Many keys in one delete: what is sent, what never is, and how far each kind of reply is believed."""

from __future__ import annotations

import base64
import datetime as dt
import zlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from labelplan.model.objects import KeyVersion, S3Object
from labelplan.store.interface import Deleted
from labelplan.store.s3 import open_writer
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSResponse

    from labelplan.store.interface import Writer
    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
ODD = ["a\x01b", "a\ufffe", "\x1f", "a\uffffb"]
EVEN = [
    "a&b<c>d]]>'\"",
    "nl\nx",
    "cr\r\nx",
    "tab\tx",
    " a ",
    "é\u0301\U0001f98c\u2028\x85\x7f",
    "..",
    "a//b",
    "%41+ ?#",
]


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def aws(simulated: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """A server that does as AWS does, with a bucket `wildlife` of its own for each test."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulated.url)
    return simulated


@pytest.fixture
def writer(aws: Simulator, request: pytest.FixtureRequest) -> Writer:
    assert aws
    writer = open_writer(f"wildlife-{zlib.crc32(request.node.nodeid.encode())}")
    s3 = writer._changing  # type: ignore[attr-defined]  # what a test arranges
    s3.create_bucket(Bucket=writer._bucket)  # type: ignore[attr-defined]
    s3.put_bucket_versioning(Bucket=writer._bucket, VersioningConfiguration={"Status": "Enabled"})  # type: ignore[attr-defined]
    return writer


def put(writer: Writer, *keys: str, body: bytes = b"deer") -> list[S3Object]:
    s3, name = writer._changing, writer._bucket  # type: ignore[attr-defined]  # what a test arranges
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=body)
    return [one for one in writer.list_current("") if one.key in keys]


def is_bulk(one: Sent) -> bool:
    return one.method == "POST" and "delete" in one.query


def named(one: Sent) -> list[dict[str, str]]:
    """Read what a request names."""
    objects = ET.fromstring(one.body).iter(f"{SPACE}Object")  # noqa: S314 - our own
    return [{field.tag.removeprefix(SPACE): field.text or "" for field in each} for each in objects]


def reply(*entries: str) -> AWSResponse:
    inside = "".join(entries)
    return answer(200, body=f'<DeleteResult xmlns="{SPACE[1:-1]}">{inside}</DeleteResult>'.encode())


def deleted(key: str, marker: str = "m1") -> str:
    return f"<Deleted><Key>{key}</Key><DeleteMarkerVersionId>{marker}</DeleteMarkerVersionId></Deleted>"


def failed(key: str, code: str, message: str = "The server's words") -> str:
    return f"<Error><Key>{key}</Key><Code>{code}</Code><Message>{message}</Message></Error>"


def objects(*keys: str) -> list[S3Object]:
    return [S3Object(key, "v1", "9b2c", 4) for key in keys]


def marker(key: str, version_id: str = "m1") -> KeyVersion:
    return KeyVersion(key, version_id, "", 0, True, True, NOON)


def outcomes(replies: list[Deleted]) -> list[str]:
    return [one.outcome for one in replies]


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_thousand_keys_go_in_one_request_each_under_its_etag_and_never_with_a_version(writer: Writer) -> None:
    stored = put(writer, *(f"deer/{number:04}.jpg" for number in range(1000)))
    with recorded() as wire:
        replies = writer.delete_batch(stored, conditional=True)
    (sent,) = [one for one in wire.sent if one.changes]
    assert named(sent) == [{"Key": one.key, "ETag": f'"{one.etag}"'} for one in stored]
    assert outcomes(replies) == ["deleted"] * 1000
    lists = writer.versions_of([one.key for one in stored])
    assert [lists[one.key][0].version_id for one in stored] == [one.marker for one in replies]
    assert [lists[one.key][1].version_id for one in stored] == [one.version_id for one in stored]


def test_the_body_goes_with_its_digest(writer: Writer) -> None:
    with recorded() as wire:
        writer.delete_batch(put(writer, "deer/1"), conditional=True)
    (sent,) = filter(is_bulk, wire.sent)
    digest = base64.b64encode(zlib.crc32(sent.body).to_bytes(4, "big")).decode()
    assert sent.headers.get("x-amz-checksum-crc32") == digest


def test_without_conditions_only_keys_are_named(writer: Writer) -> None:
    stored = put(writer, "deer/1", "deer/2")
    with recorded() as wire:
        assert outcomes(writer.delete_batch(stored, conditional=False)) == ["deleted"] * 2
    (sent,) = filter(is_bulk, wire.sent)
    assert named(sent) == [{"Key": "deer/1"}, {"Key": "deer/2"}]


@pytest.mark.parametrize("conditional", [True, False])
def test_keys_that_xml_cannot_carry_go_singly_and_replies_keep_the_order(writer: Writer, *, conditional: bool) -> None:
    stored = put(writer, *ODD, *EVEN)
    with recorded() as wire:
        replies = writer.delete_batch(stored, conditional=conditional)
    changes = [one for one in wire.sent if one.changes]
    assert sorted(one.key for one in changes if one.method == "DELETE") == sorted(ODD)
    assert [one.query for one in changes if one.method == "DELETE"] == [{}] * len(ODD)
    assert {one.headers.get("if-match") for one in changes if one.method == "DELETE"} == {
        f'"{stored[0].etag}"' if conditional else None
    }
    (bulk,) = filter(is_bulk, changes)
    assert [one["Key"] for one in named(bulk)] == sorted(EVEN, key=str.encode)
    assert outcomes(replies) == ["deleted"] * len(stored)
    lists = writer.versions_of([one.key for one in stored])
    assert [one.marker for one in replies] == [lists[one.key][0].version_id for one in stored]


def test_nothing_is_sent_for_no_objects(writer: Writer) -> None:
    with recorded() as wire:
        assert writer.delete_batch([], conditional=True) == writer.remove_markers([]) == []
        assert writer.versions_of([]) == {}
    assert wire.sent == []


@pytest.mark.parametrize(
    "wrong", [[S3Object("a", "v1", "", 1)], objects(*map(str, range(1001)))], ids=["no ETag", "too many"]
)
def test_what_could_delete_more_than_was_asked_is_not_sent(writer: Writer, wrong: list[S3Object]) -> None:
    with recorded() as wire, pytest.raises(ValueError, match=r"needs an ETag|more than S3 takes"):
        writer.delete_batch(wrong, conditional=True)
    assert wire.sent == []


# --- what comes back -------------------------------------------------------------------------------------------------


def test_each_key_has_its_own_verdict(writer: Writer) -> None:
    same, other = put(writer, "deer/1", "deer/2")
    put(writer, "deer/2", body=b"new")
    replies = writer.delete_batch([same, other, *objects("deer/absent")], conditional=True)
    assert outcomes(replies) == ["deleted", "refused", "refused"]
    assert writer.head("deer/2")


def test_a_line_break_in_a_key_does_not_cut_the_words_about_it_and_one_in_the_words_does(writer: Writer) -> None:
    said = failed("cr&#13;&#10;x", "AccessDenied", "No cr&#13;&#10;x here&#10;secret")
    with recorded(answers(is_bulk, lambda: reply(said, deleted("a")))):
        one, _ = writer.delete_batch(objects("cr\r\nx", "a"), conditional=True)
    assert one == Deleted("denied", message="AccessDenied: No cr x here")


@pytest.mark.parametrize(
    ("code", "outcome", "busy"),
    [
        ("PreconditionFailed", "refused", False),
        ("NoSuchKey", "refused", False),
        ("412", "refused", False),
        ("SlowDown", "doubtful", True),
        ("ServiceUnavailable", "doubtful", True),
        ("InternalError", "doubtful", True),
        ("OperationAborted", "doubtful", True),
        ("ConditionalRequestConflict", "doubtful", True),
        ("RequestTimeout", "doubtful", True),
        ("AccessDenied", "denied", False),
        ("NotImplemented", "denied", False),
        ("Whatever", "denied", False),
        ("", "doubtful", False),
    ],
)
@pytest.mark.parametrize("removing", [False, True])
def test_an_error_inside_a_200_is_that_key_s_alone(
    writer: Writer, code: str, outcome: str, *, busy: bool, removing: bool
) -> None:
    version = "<VersionId>m1</VersionId>" if removing else ""
    said = [deleted("a").replace("</Key>", f"</Key>{version}"), failed("b", code).replace("</Key>", f"</Key>{version}")]
    with recorded(answers(is_bulk, lambda: reply(*said))) as wire:
        one, other = (
            writer.remove_markers([marker("a"), marker("b")])
            if removing
            else writer.delete_batch(objects("a", "b"), conditional=True)
        )
    assert one == Deleted("deleted", marker="m1")
    assert other == Deleted(
        outcome,  # type: ignore[arg-type]  # one of the four
        message=f"{code or 'no error code'}: The server's words",
        busy=busy,
    )
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    "said",
    [
        [],
        [deleted("A")],
        [deleted("%61")],
        [deleted("a"), failed("a", "AccessDenied")],
        [deleted("a"), deleted("a")],
        ["<Deleted><DeleteMarkerVersionId>m1</DeleteMarkerVersionId></Deleted>"],
    ],
    ids=["nothing", "another", "encoded", "yes and no", "twice", "no key"],
)
def test_a_key_that_is_not_named_exactly_once_is_doubtful(writer: Writer, said: list[str]) -> None:
    with recorded(answers(is_bulk, lambda: reply(*said))):
        (one,) = writer.delete_batch(objects("a"), conditional=True)
    assert one == Deleted("doubtful", message="the reply does not say what became of this key")


@pytest.mark.parametrize(
    ("status", "code", "outcome", "busy"),
    [
        (503, "SlowDown", "doubtful", True),
        (500, "InternalError", "doubtful", True),
        (200, "InternalError", "doubtful", True),
        (409, "OperationAborted", "doubtful", True),
        (400, "RequestTimeout", "doubtful", True),
        (400, "MalformedXML", "denied", False),
        (403, "AccessDenied", "denied", False),
        (404, "NoSuchBucket", "denied", False),
        (404, "NoSuchKey", "denied", False),
        (501, "NotImplemented", "denied", False),
    ],
)
def test_an_error_reply_to_the_request_is_that_of_all_its_keys(
    writer: Writer, status: int, code: str, outcome: str, *, busy: bool
) -> None:
    with recorded(answers(is_bulk, lambda: answer(status, code, "The server's words"))) as wire:
        replies = writer.delete_batch(objects("a", "b"), conditional=True)
    assert {(one.outcome, one.busy, one.message) for one in replies} == {(outcome, busy, f"{code}: The server's words")}
    assert len(wire.sent) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"Welcome", b"<html/>", b"<DeleteResult>"])
def test_an_answer_that_says_nothing_is_doubtful_and_not_sent_again(writer: Writer, body: bytes) -> None:
    with recorded(answers(is_bulk, lambda: answer(200, body=body))) as wire:
        assert outcomes(writer.delete_batch(objects("a", "b"), conditional=True)) == ["doubtful"] * 2
    assert len(wire.sent) == 1


def test_a_lost_reply_is_doubtful_and_the_request_is_not_sent_again(writer: Writer) -> None:
    stored = put(writer, "deer/1", "deer/2", "deer/\x01")
    with recorded(lost_replies(is_bulk)) as wire:
        replies = writer.delete_batch(stored, conditional=True)
    assert {one.key: said.outcome for one, said in zip(stored, replies, strict=True)} == {
        "deer/1": "doubtful",
        "deer/2": "doubtful",
        "deer/\x01": "deleted",
    }
    assert len(list(filter(is_bulk, wire.sent))) == 1
    assert [len(one) for one in writer.versions_of([one.key for one in stored]).values()] == [2, 2, 2]


def test_a_reply_is_read_once_and_not_by_botocore(writer: Writer) -> None:
    s3, name = writer._changing, writer._bucket  # type: ignore[attr-defined]  # what `delete_batch` calls
    with recorded(answers(is_bulk, lambda: reply(deleted("a")))):
        said = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a"}]})
    assert (said["Deleted"], said["Errors"]) == ([{"Key": "a", "DeleteMarkerVersionId": "m1"}], [])


# --- markers ---------------------------------------------------------------------------------------------------------


def test_markers_are_removed_by_their_ids_in_one_request_odd_keys_singly(writer: Writer) -> None:
    stored = put(writer, "deer/1", "deer/2\r\n", "deer/\x01")
    writer.delete_batch(stored, conditional=True)
    markers = [lists[0] for lists in writer.versions_of([one.key for one in stored]).values()]
    with recorded() as wire:
        assert outcomes(writer.remove_markers(markers)) == ["deleted"] * 3
    changes = [one for one in wire.sent if one.changes]
    by_key = {one.key: one.version_id for one in markers}
    assert {one.key: one.query for one in changes if one.method == "DELETE"} == {
        "deer/\x01": {"versionId": by_key["deer/\x01"]}
    }
    (bulk,) = filter(is_bulk, changes)
    assert named(bulk) == [{"Key": key, "VersionId": by_key[key]} for key in ("deer/1", "deer/2\r\n")]
    assert list(writer.list_current("")) == stored


def test_two_markers_of_one_key_are_told_apart(writer: Writer) -> None:
    said = [
        "<Deleted><Key>a</Key><VersionId>m2</VersionId></Deleted>",
        "<Error><Key>a</Key><VersionId>m1</VersionId><Code>AccessDenied</Code></Error>",
    ]
    with recorded(answers(is_bulk, lambda: reply(*said))):
        assert outcomes(writer.remove_markers([marker("a", "m1"), marker("a", "m2")])) == ["denied", "deleted"]


def test_a_removal_that_made_another_marker_is_doubtful(writer: Writer) -> None:
    """As a server does that does not know `VersionId` here; one that names the removed marker so is believed."""
    with recorded(answers(is_bulk, lambda: reply(deleted("a", "m1"), deleted("b", "m9")))):
        assert outcomes(writer.remove_markers([marker("a"), marker("b")])) == ["deleted", "doubtful"]


@pytest.mark.parametrize("wrong", [KeyVersion("b", "v1", "e", 1, True, False, NOON), marker("b", "null")])
def test_one_wrong_marker_and_nothing_is_sent(writer: Writer, wrong: KeyVersion) -> None:
    with recorded() as wire, pytest.raises(ValueError, match="only a delete marker"):
        writer.remove_markers([marker("a"), wrong])
    assert wire.sent == []
