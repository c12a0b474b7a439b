"""What a copy would not keep, who says that there can be none, and how copies go over the wire."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from labelplan.errors import AwsRefused
from labelplan.model.run import Attributes, Grant
from labelplan.store.copy_attributes import (
    Locked,
    acl_of,
    arguments_of,
    full_checksums,
    lost_by_upload,
    travels_of,
)
from labelplan.store.interface import Copied, Place
from labelplan.store.s3 import open_writer
from tests.flow.copying import KEY, copies, new_bucket, put, seen
from tests.simulators.s3.checksums import written
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

ACCOUNT = "123456789012"
PLAIN = Attributes(encryption="AES256")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return new_bucket(s3)


def is_copy(one: Sent) -> bool:
    return "x-amz-copy-source" in one.headers


def everywhere(one: Sent) -> bool:
    return bool(one.key)


# --- describe


def test_an_ordinary_object_has_ordinary_attributes(s3: S3Client, bucket: str) -> None:
    assert open_writer(bucket).describe(put(s3, bucket)) == PLAIN


def test_an_archived_object_is_restored_first(s3: S3Client, bucket: str) -> None:
    for storage_class in ("GLACIER", "DEEP_ARCHIVE"):
        one = put(s3, bucket, StorageClass=storage_class)
        assert open_writer(bucket).describe(one) == f"it is archived ({storage_class}): restore it first"
    head: dict[str, Any] = {"ETag": f'"{one.etag}"', "x-amz-archive-status": "ARCHIVE_ACCESS"}
    with recorded(answers(everywhere, lambda: answer(200, **head))):
        assert open_writer(bucket).describe(one) == "it is archived (ARCHIVE_ACCESS): restore it first"
    head = {"ETag": f'"{one.etag}"', "x-amz-storage-class": "GLACIER", "x-amz-restore": 'ongoing-request="false", x'}
    with recorded(answers(everywhere, lambda: answer(200, **head))):
        assert open_writer(bucket).describe(one) == Attributes("GLACIER")


def test_an_object_over_5_gb_is_not_copied(simulator: Simulator, bucket: str) -> None:
    simulator.seed(bucket, key="big", size=5 * 1024**3 + 1)
    simulator.seed(bucket, key="just", size=5 * 1024**3)
    writer = open_writer(bucket)
    big, just = writer.list_current("")
    assert writer.describe(big) == "it has 5368709121 bytes, and S3 copies at most 5368709120 at once"
    assert writer.describe(just) == PLAIN


def test_an_object_with_a_key_of_the_customers_is_not_copied(s3: S3Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"deer", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    (one,) = open_writer(bucket).list_current("")
    assert "(SSE-C), or the credentials" in str(open_writer(bucket).describe(one))  # S3 answers no HEAD without the key
    head: dict[str, Any] = {"ETag": f'"{one.etag}"', "x-amz-server-side-encryption-customer-algorithm": "AES256"}
    with recorded(answers(everywhere, lambda: answer(200, **head))):
        assert "(SSE-C)" in str(open_writer(bucket).describe(one))


def test_a_locked_object_is_not_copied_away_but_over_its_marker(s3: S3Client) -> None:
    bucket = new_bucket(s3, ObjectLockEnabledForBucket=True)
    locks: tuple[tuple[dict[str, Any], str], ...] = (
        ({"ObjectLockLegalHoldStatus": "ON"}, "ObjectLockLegalHoldStatus"),
        ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2030-01-01"}, "ObjectLockMode"),
    )
    for options, named in locks:
        one = put(s3, bucket, **options)
        writer = open_writer(bucket)
        assert f"it is under Object Lock ({named}" in str(writer.describe(one))
        stays = writer.describe(one, by_version=True)
        assert isinstance(stays, Locked)
        assert next(name for name, _ in stays.lock) == named
    one = put(s3, bucket, ObjectLockLegalHoldStatus="OFF")
    assert open_writer(bucket).describe(one) == PLAIN


def test_an_object_that_is_another_now_is_not_described(s3: S3Client, bucket: str) -> None:
    old = put(s3, bucket, body=b"old")
    put(s3, bucket, body=b"new")
    writer = open_writer(bucket)
    assert writer.describe(old) == "it was changed or deleted a moment ago"
    with recorded(answers(everywhere, lambda: answer(200, ETag='"another"'))):
        assert writer.describe(old) == "it was changed or deleted a moment ago"  # the server does not compare


def test_a_version_is_described_by_its_id(s3: S3Client) -> None:
    bucket = new_bucket(s3, "Enabled")
    old = put(s3, bucket, StorageClass="STANDARD_IA")
    s3.delete_object(Bucket=bucket, Key=KEY)
    assert open_writer(bucket).describe(old, by_version=True) == Attributes("STANDARD_IA", "AES256")


# --- ACLs

ME, OTHER, ALL = "me" * 32, "it" * 32, "http://acs.amazonaws.com/groups/global/AllUsers"


def acl_reply(*grants: tuple[str, str, str], owner: str = ME) -> dict[str, Any]:
    names = {"CanonicalUser": "ID", "Group": "URI"}
    return {
        "Owner": {"ID": owner},
        "Grants": [
            {"Grantee": {"Type": kind, names.get(kind, "EmailAddress"): who}, "Permission": what}
            for kind, who, what in grants
        ],
    }


OWNERS = ("CanonicalUser", ME, "FULL_CONTROL")


def test_the_default_acl_is_none() -> None:
    assert acl_of(acl_reply(OWNERS), ME) == ()
    assert acl_of(acl_reply(), ME) == ()
    assert acl_of({}, "") == ()


def test_an_acl_is_said_again_in_the_headers_of_a_copy() -> None:
    acl = acl_of(
        acl_reply(OWNERS, ("Group", ALL, "READ"), ("CanonicalUser", OTHER, "READ"), ("Group", ALL, "READ_ACP")), ME
    )
    assert isinstance(acl, tuple)
    assert arguments_of(Attributes(acl=acl)) == {
        "GrantFullControl": f'id="{ME}"',
        "GrantRead": f'uri="{ALL}", id="{OTHER}"',
        "GrantReadACP": f'uri="{ALL}"',
    }


def test_an_acl_that_cannot_be_said_again_is_a_reason() -> None:
    assert "grants WRITE to http" in str(acl_of(acl_reply(OWNERS, ("Group", ALL, "WRITE")), ME))
    assert "grants READ to AmazonCustomerByEmail" in str(
        acl_of(acl_reply(OWNERS, ("AmazonCustomerByEmail", "a@b", "READ")), ME)
    )
    assert "another account" in str(acl_of(acl_reply(("CanonicalUser", OTHER, "FULL_CONTROL"), owner=OTHER), ME))


def test_an_acl_is_read_of_the_bucket(s3: S3Client) -> None:
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    public, private = put(s3, bucket, "a", ACL="public-read"), put(s3, bucket, "b")
    writer = open_writer(bucket)
    assert Grant("Group", ALL, "READ") in writer.acl(public)
    assert writer.acl(private) == ()


UNKNOWN_HERE = ((400, "AccessControlListNotSupported"), (405, "MethodNotAllowed"), (501, "NotImplemented"), (501, ""))
REFUSALS = ((400, "ExpiredToken"), (400, "InvalidRequest"), (400, "RequestTimeout"), (400, ""), (403, "AccessDenied"))


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_no_acl_is_made_of_a_refusal(s3: S3Client, status: int, code: str) -> None:
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    one = put(s3, bucket, ACL="public-read")
    with recorded(answers(lambda sent: "acl" in sent.query and bool(sent.key), lambda: answer(status, code))):
        assert "its ACL cannot be read" in str(open_writer(bucket).acl(one))
        assert "its ACL cannot be read" in str(copies(bucket, acls=True).save([one])[KEY])


def test_an_expired_token_does_not_hide_whose_the_bucket_is(s3: S3Client, bucket: str) -> None:
    one, writer = put(s3, bucket), open_writer(bucket)
    asked = answers(lambda sent: "acl" in sent.query and not sent.key, lambda: answer(400, "ExpiredToken"), times=1)
    with recorded(asked) as wire:
        with pytest.raises(AwsRefused, match="Cannot read the ACL of the bucket"):
            writer.acl(one)
        assert writer.acl(one) == ()
    assert len([sent for sent in wire.sent if not sent.key]) == 2


def test_an_acl_that_may_not_be_read_is_a_reason_and_one_that_is_unknown_is_none(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(answers(lambda sent: "acl" in sent.query, lambda: answer(403, "AccessDenied", "No"))):
        assert open_writer(bucket).acl(one) == "its ACL cannot be read (AccessDenied: No)"
    for status, code in UNKNOWN_HERE:
        with recorded(answers(lambda sent: "acl" in sent.query, lambda: answer(status, code))):  # noqa: B023 - in time
            assert open_writer(bucket).acl(one) == ()
    with recorded(answers(lambda sent: "acl" in sent.query and not sent.key, lambda: answer(403, "AccessDenied"))):
        assert open_writer(bucket).acl(one) == ()  # whose the bucket is stays unknown


# --- copies


def test_a_copy_is_sent_once_with_its_conditions_and_owners_and_who_pays(s3: S3Client, bucket: str) -> None:
    other = new_bucket(s3)
    one = put(s3, bucket)
    source = open_writer(bucket, account=ACCOUNT).place(KEY, one.etag)
    backup = open_writer(other, account=ACCOUNT, requester_pays=True)
    with recorded() as wire:
        assert backup.copy_in(source, "copies/" + KEY, Attributes(), absent=True) == Copied("copied")
    (sent,) = wire.sent
    said = {name: value for name, value in sent.headers.items() if name.startswith(("x-amz", "if-"))}
    for unimportant in ("x-amz-date", "x-amz-content-sha256"):
        del said[unimportant]
    assert (sent.method, sent.bucket, sent.key, sent.query) == ("PUT", other, "copies/" + KEY, {})
    assert said == {
        "if-none-match": "*",
        "x-amz-copy-source": f"{bucket}/deer/a%20b%2Bc%2541%C3%A9.jpg",
        "x-amz-copy-source-if-match": f'"{one.etag}"',
        "x-amz-expected-bucket-owner": ACCOUNT,
        "x-amz-source-expected-bucket-owner": ACCOUNT,
        "x-amz-request-payer": "requester",
    }
    assert seen(s3, other, "copies/" + KEY)["Body"] == b"deer"


def test_another_owner_is_refused_on_both_sides(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    stranger = Place(bucket, KEY, one.etag, account="000000000000")
    assert open_writer(bucket).copy_in(stranger, "copy", Attributes(), absent=False).outcome == "denied"
    mine = Place(bucket, KEY, one.etag)
    wrong = open_writer(bucket, account="000000000000")
    assert wrong.copy_in(mine, "copy", Attributes(), absent=False).outcome == "denied"


@pytest.mark.parametrize("absent", [True, False])
def test_an_existing_object_is_replaced_only_where_that_is_asked(s3: S3Client, bucket: str, absent: bool) -> None:  # noqa: FBT001 - a parameter of tests
    one = put(s3, bucket)
    put(s3, bucket, "there", b"mine")
    writer = open_writer(bucket)
    reply = writer.copy_in(writer.place(KEY, one.etag), "there", Attributes(), absent=absent)
    assert reply.outcome == ("refused" if absent else "copied")
    assert seen(s3, bucket, "there")["Body"] == (b"mine" if absent else b"deer")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (404, "NoSuchKey", "refused"),
        (404, "NoSuchBucket", "denied"),
        (412, "PreconditionFailed", "refused"),
        (409, "ConditionalRequestConflict", "doubtful"),
        (403, "AccessDenied", "denied"),
        (400, "ExpiredToken", "denied"),
        (500, "InternalError", "doubtful"),
        (503, "SlowDown", "doubtful"),
        (400, "RequestTimeout", "doubtful"),
        (200, "InternalError", "doubtful"),
        (200, "SlowDown", "doubtful"),
    ],
)
@pytest.mark.parametrize("way", ["short", "boto3"])
def test_an_error_reply_to_a_copy_says_what_is_known(
    bucket: str, status: int, code: str, outcome: Any, way: str
) -> None:
    writer = open_writer(bucket)
    source = writer.place(KEY, "etag", "" if way == "short" else "version")
    with recorded(answers(is_copy, lambda: answer(status, code, "The server's words"))) as wire:
        reply = writer.copy_in(source, "copy", Attributes(), absent=False)
    assert reply == Copied(outcome, f"{code}: The server's words", busy=code in {"SlowDown", "RequestTimeout"})
    assert len(wire.sent) == 1
    assert ("amz-sdk-invocation-id" in wire.sent[0].headers) == (way == "boto3")


@pytest.mark.parametrize("body", [b"", b"<html>", b"<CopyObjectResult/>", b"<Error/>"])
def test_an_answer_that_is_none_is_doubtful(bucket: str, body: bytes) -> None:
    writer = open_writer(bucket)
    with recorded(answers(is_copy, lambda: answer(200, body=body))):
        assert writer.copy_in(writer.place(KEY, "e"), "copy", Attributes(), absent=False).outcome == "doubtful"


@pytest.mark.parametrize("version", ["", "null"])
def test_a_copy_whose_reply_is_lost_is_doubtful_and_not_sent_again(s3: S3Client, bucket: str, version: str) -> None:
    one = put(s3, bucket)
    writer = open_writer(bucket)
    with recorded(lost_replies(is_copy)) as wire:
        reply = writer.copy_in(writer.place(KEY, one.etag, version), "copy", Attributes(), absent=False)
    assert (reply.outcome, len(wire.sent)) == ("doubtful", 1)
    assert "Connection was closed" in reply.message
    assert seen(s3, bucket, "copy")["Body"] == b"deer"


def test_what_is_not_ascii_goes_the_long_way(bucket: str) -> None:
    writer = open_writer(bucket)
    with recorded(answers(is_copy, lambda: answer(200, body=b"<CopyObjectResult><ETag/></CopyObjectResult>"))) as wire:
        writer.copy_in(writer.place(KEY, "e"), "copy", Attributes(website_redirect="/é"), absent=False)
    assert all("amz-sdk-invocation-id" in sent.headers for sent in wire.sent)


# --- through this machine


def test_an_expiry_that_is_no_date_is_left_out_and_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    writer = open_writer(bucket)
    with recorded() as wire:
        wire.disturb = with_headers(lambda sent: sent.method == "HEAD", {"Expires": "0"})
        reply = writer.upload_in(writer, writer.place(KEY, one.etag), "copy", Attributes())
    assert reply == Copied("copied", lost="not as it was: its header Expires, which is no HTTP date (0)")
    assert seen(s3, bucket, "copy")["Body"] == b"deer"


def test_metadata_that_http_cannot_carry_is_said_also_when_the_reply_is_lost(s3: S3Client, bucket: str) -> None:
    one, writer = put(s3, bucket), open_writer(bucket)
    missing = with_headers(lambda sent: sent.method == "HEAD", {"x-amz-missing-meta": "2"})
    lose = lost_replies(lambda sent: sent.method == "PUT")
    with recorded(lambda sent, carry_out: lose(sent, lambda: missing(sent, carry_out))):
        reply = writer.upload_in(writer, writer.place(KEY, one.etag), "copy", Attributes())
    said = "not as it was: 2 of its metadata, which cannot be read over HTTP"
    assert (reply.outcome, reply.lost) == ("doubtful", said)


def with_headers(which: Callable[[Sent], bool], headers: dict[str, str]) -> Any:
    def disturb(one: Sent, carry_out: Callable[[], Any]) -> Any:
        found = carry_out()
        if which(one):
            found.headers.update(headers)
        return found

    return disturb


def test_what_is_gone_is_not_uploaded(bucket: str) -> None:
    writer = open_writer(bucket)
    reply = writer.upload_in(writer, writer.place(KEY, "e"), "copy", Attributes())
    assert reply == Copied("refused", "what is to be copied is not there any more")


def test_a_server_without_tags_has_none_and_one_that_denies_them_is_an_error(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    writer = open_writer(bucket)
    place = writer.place(KEY, one.etag)
    with recorded(answers(lambda sent: "tagging" in sent.query, lambda: answer(501, "NotImplemented"))):
        assert writer.upload_in(writer, place, "copy", Attributes()).outcome == "copied"
    for status, code in REFUSALS:
        with (
            recorded(answers(lambda sent: "tagging" in sent.query, lambda: answer(status, code))),  # noqa: B023 - in time
            pytest.raises(AwsRefused, match="Cannot read the tags of"),
        ):
            writer.upload_in(writer, place, "other", Attributes())


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_an_upload_keeps_the_checksum_and_the_server_compares_it(s3: S3Client, bucket: str, name: str) -> None:
    checksum: dict[str, Any] = {f"Checksum{name}": written(name, b"deer")}  # boto3 cannot make all of them
    one, writer = put(s3, bucket, **checksum), open_writer(bucket)
    place = writer.place(KEY, one.etag)
    assert writer.upload_in(writer, place, "copy", Attributes()) == Copied("copied")
    copy = writer.head("copy")
    assert copy
    assert writer.checksums(writer.place("copy", copy.etag)) == {name: written(name, b"deer")}
    spoilt = with_headers(lambda sent: sent.method == "HEAD", {f"x-amz-checksum-{name.lower()}": written(name, b"elk")})
    with recorded(spoilt):
        assert writer.upload_in(writer, place, "other", Attributes()).outcome == "denied"


def test_what_an_upload_would_lose_is_known_from_a_head() -> None:
    good = {"Expires": "Fri, 01 Mar 2030 10:00:00 GMT"}
    assert not lost_by_upload({})
    assert not lost_by_upload(good | {"ChecksumCRC32C": "yZRlqg=="})
    assert lost_by_upload({"Expires": "tomorrow", "MissingMeta": "2"}) == (
        "its header Expires, which is no HTTP date (tomorrow), and 2 of its metadata, which cannot be read over HTTP"
    )
    of_parts = {"ChecksumType": "COMPOSITE", "ChecksumCRC32C": "yZRlqg==-2"}
    assert lost_by_upload(of_parts) == "its checksum algorithm (CRC32C, of parts)"
    assert travels_of(of_parts) == {}


def test_a_checksum_of_parts_is_made_anew_of_the_whole() -> None:
    of_parts = {"ChecksumType": "COMPOSITE", "ChecksumSHA256": "yZRlqg==-2", "ContentType": "image/jpeg"}
    assert not lost_by_upload(of_parts)
    assert travels_of(of_parts) == {"ContentType": "image/jpeg", "ChecksumAlgorithm": "SHA256"}


# --- checksums


def test_checksums_are_of_the_whole_content(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, ChecksumAlgorithm="SHA256")
    sha256 = base64.b64encode(hashlib.sha256(b"deer").digest()).decode()
    writer = open_writer(bucket)
    assert writer.checksums(writer.place(KEY, one.etag)) == {"SHA256": sha256}
    assert writer.checksums(writer.place(KEY, "another")) == {}


def test_checksums_of_parts_say_nothing() -> None:
    assert full_checksums({"ChecksumType": "COMPOSITE", "ChecksumSHA256": "abc"}) == {}
    assert full_checksums({"ChecksumSHA256": "abc-2", "ChecksumCRC32": "x", "ETag": "y"}) == {"CRC32": "x"}
