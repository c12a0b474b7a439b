"""Copies and old versions, put back only where no object is; what somebody wrote meanwhile is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.flow.copies import UNRECORDED
from labelplan.flow.put_back import UNSAFE, put_version_back
from labelplan.model.run import Attributes
from labelplan.store.s3 import open_writer
from tests.flow.copying import ALL, KEY, RUN, copies, intent, new_bucket, put, save_and_delete, seen
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

COPY = f"labelplan/runs/{RUN}/objects/{KEY}"
EVERYTHING: dict[str, Any] = {
    "ContentType": "image/jpeg",
    "ContentEncoding": "identity",
    "ContentDisposition": 'inline; filename="a.jpg"',
    "ContentLanguage": "de",
    "CacheControl": "max-age=60",
    "Expires": "2030-01-01",
    "Metadata": {"camera": "trail 7"},
    "Tagging": "seen=yes&by=me%20too",
    "StorageClass": "STANDARD_IA",
    "WebsiteRedirectLocation": "/other",
}
KMS: dict[str, Any] = {
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": "arn:aws:kms:us-east-1:1:key/7",
    "BucketKeyEnabled": True,
}
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


def is_copy(one: Sent) -> bool:
    return "x-amz-copy-source" in one.headers


def is_plain_put(one: Sent) -> bool:
    return one.method == "PUT" and not is_copy(one)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    import boto3  # noqa: PLC0415 - a second that a collection need not pay

    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return new_bucket(s3)


def test_many_are_saved_and_restored_each_with_its_own_words(s3: S3Client, bucket: str) -> None:
    many = [put(s3, bucket, f"deer/{number:03}.jpg", b"%d" % number) for number in range(60)]
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, *many)
    put(s3, bucket, many[7].key, b"mine")
    put(s3, bucket, many[8].key, b"8")
    s3.delete_object(Bucket=bucket, Key=run.key_of(many[9].key))
    results = run.restore(intents[::-1])
    assert [one.key for one in results] == [one.key for one in many[::-1]]
    outcomes = {one.key: one.outcome for one in results}
    assert outcomes == {one.key: "restored" for one in many} | {
        many[7].key: "left",
        many[8].key: "present",
        many[9].key: "failed",
    }
    assert seen(s3, bucket, many[7].key)["Body"] == b"mine"
    assert {one.outcome for one in run.restore(intents)} == {"present", "left", "failed"}


@pytest.mark.parametrize("through", ["copy", "put"])
def test_what_somebody_wrote_in_the_last_moment_is_left(s3: S3Client, bucket: str, through: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket, capabilities=replace(ALL, copy_absent=through == "copy"))
    intents = save_and_delete(s3, bucket, run, one)

    def overtaken(sent: Sent, carry_out: Any) -> Any:
        if sent.headers.get("if-none-match") == "*":
            s3.put_object(Bucket=bucket, Key=KEY, Body=b"mine")
        return carry_out()

    with recorded(overtaken):
        assert [(one.outcome, one.message) for one in run.restore(intents)] == [
            ("left", "another object was stored there meanwhile")
        ]
    assert seen(s3, bucket)["Body"] == b"mine"


@pytest.mark.parametrize(("through", "which"), [("copy", is_copy), ("put", is_plain_put)])
def test_a_restore_whose_reply_is_lost_is_seen(s3: S3Client, bucket: str, through: str, which: Any) -> None:
    one = put(s3, bucket)
    run = copies(bucket, capabilities=replace(ALL, copy_absent=through == "copy"))
    intents = save_and_delete(s3, bucket, run, one)
    with recorded(lost_replies(which)) as wire:
        assert run.restore(intents)[0].outcome == "restored"
    assert len([sent for sent in wire.sent if which(sent)]) == 1


def test_a_restore_that_a_busy_server_refused_is_sent_again(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    with recorded(answers(is_copy, lambda: answer(503, "SlowDown", "Later"))):
        assert [(one.outcome, one.message) for one in run.restore(intents)] == [("failed", "SlowDown: Later")]
    with recorded(answers(is_copy, lambda: answer(409, "ConditionalRequestConflict"), times=1)):
        assert run.restore(intents)[0].outcome == "restored"


def test_nothing_is_put_back_by_a_server_that_does_not_compare(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    intents = save_and_delete(s3, bucket, copies(bucket), one)
    run = copies(bucket, capabilities=replace(ALL, copy_absent=False, put_absent=False))
    with recorded() as wire:
        assert [(one.outcome, one.message) for one in run.restore(intents)] == [("failed", UNSAFE)]
    assert not any(sent.changes for sent in wire.sent)


def test_a_copy_that_was_hidden_in_a_versioned_backup_is_found(s3: S3Client, bucket: str) -> None:
    backup = new_bucket(s3, "Enabled")
    one = put(s3, bucket)
    run = copies(bucket, backup)
    intents = save_and_delete(s3, bucket, run, one)
    put(s3, backup, COPY, b"evil")
    s3.delete_object(Bucket=backup, Key=COPY)
    assert run.restore(intents)[0].outcome == "restored"
    assert seen(s3, bucket)["Body"] == b"deer"


def test_a_copy_that_was_replaced_is_not_put_back(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    put(s3, bucket, COPY, b"evil")
    (result,) = run.restore(intents)
    assert (result.outcome, result.message) == (
        "failed",
        f"its copy {COPY} is not there any more, or is another object now",
    )


def test_an_object_of_the_same_size_is_left_and_one_that_cannot_be_read_is_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    put(s3, bucket, body=b"reed")
    assert run.restore(intents)[0].outcome == "left"
    with recorded(answers(lambda sent: sent.method == "HEAD" and sent.key == KEY, lambda: answer(403, "AccessDenied"))):
        (result,) = run.restore(intents)
    assert result.outcome == "failed"
    assert result.message.startswith(f"what is there now cannot be read: Cannot read s3://{bucket}/{KEY}")


def test_a_copy_that_cannot_be_read_is_not_put_back_and_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket, capabilities=replace(ALL, copy_absent=False))
    intents = save_and_delete(s3, bucket, run, one)
    with recorded(answers(lambda sent: sent.method == "HEAD", lambda: answer(403, "AccessDenied"))):
        (result,) = run.restore(intents)
    assert result.outcome == "failed"
    assert result.message.startswith(f"Cannot read s3://{bucket}/{COPY}: access denied")


def test_what_is_not_as_it_was_is_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, StorageClass="STANDARD_IA", WebsiteRedirectLocation="/other")
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    put(s3, bucket)
    assert [(result.outcome, result.message) for result in run.restore(intents)] == [
        ("present", "not as it was: its storage class, its redirect")
    ]


def test_an_object_that_was_readable_for_a_while_goes_back_into_its_archive(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket)
    (saved,) = save_and_delete(s3, bucket, run, one)
    (result,) = run.restore([replace(saved, attributes=Attributes("GLACIER"))])
    assert (result.outcome, result.message) == ("restored", "")
    assert s3.head_object(Bucket=bucket, Key=KEY)["StorageClass"] == "GLACIER"


def test_a_copy_without_recorded_attributes_comes_back_all_the_same(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    run = copies(bucket)
    (saved,) = save_and_delete(s3, bucket, run, one)
    (result,) = run.restore([replace(saved, attributes=None)])
    assert (result.outcome, result.message) == ("restored", UNRECORDED)
    assert [again.message for again in run.restore([replace(saved, attributes=None)])] == [""]


def with_headers(headers: dict[str, str]) -> Any:
    def disturb(one: Sent, carry_out: Any) -> Any:
        found = carry_out()
        if one.method == "HEAD" and one.key == COPY:
            found.headers.update(headers)
        return found

    return disturb


@pytest.mark.parametrize("lost", ["", "the reply"])
def test_all_that_an_upload_did_not_keep_is_said_at_once(s3: S3Client, lost: str) -> None:
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    one = put(s3, bucket, ACL="public-read", WebsiteRedirectLocation="/other")
    run = copies(bucket, acls=True, capabilities=replace(ALL, copy_absent=False))
    intents = save_and_delete(s3, bucket, run, one)
    shorter, expires = lost_replies(is_plain_put), with_headers({"Expires": "0"})

    def disturb(sent: Sent, carry_out: Any) -> Any:
        if is_plain_put(sent) and "x-amz-grant-read" in sent.headers:
            return answer(403, "AccessDenied", "No ACL")
        sent.headers.pop("x-amz-website-redirect-location", "")
        answered = expires(sent, carry_out)
        return shorter(sent, lambda: answered) if lost else answered

    with recorded(disturb):
        (result,) = run.restore(intents)
    assert (result.outcome, result.message) == (
        "restored",
        "its ACL could not be set (AccessDenied: No ACL); not as it was: its header Expires, which is no HTTP date (0)",
    )


def test_a_restored_object_that_cannot_be_compared_is_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, StorageClass="STANDARD_IA")
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    with recorded(answers(lambda sent: sent.method == "HEAD" and sent.key == KEY, lambda: answer(400))):
        (result,) = run.restore(intents)
    assert result.outcome == "restored"
    assert result.message.startswith("whether all is as it was is unknown: S3 does not show it")


def test_a_bucket_key_that_does_not_come_back_is_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, **KMS | {"BucketKeyEnabled": False})
    run = copies(bucket)
    (saved,) = save_and_delete(s3, bucket, run, one)
    assert saved.attributes

    def disturb(sent: Sent, carry_out: Any) -> Any:
        found = carry_out()
        if sent.method == "HEAD" and sent.key == KEY:
            found.headers["x-amz-server-side-encryption-bucket-key-enabled"] = "true"
        return found

    with recorded(disturb):
        assert [result.message for result in run.restore([saved])] == ["not as it was: its S3 Bucket Key"]


def test_a_version_whose_acl_may_not_be_read_comes_back_without_it(s3: S3Client) -> None:
    bucket = new_bucket(s3, "Enabled")
    one = put(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=KEY)
    with recorded(answers(lambda sent: "acl" in sent.query, lambda: answer(403, "AccessDenied", "No"))):
        result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    assert (result.outcome, result.message) == ("restored", "its ACL cannot be read (AccessDenied: No)")


def test_an_unreadable_acl_hides_no_other_loss_of_a_version(s3: S3Client) -> None:
    bucket = new_bucket(s3, "Enabled")
    one = put(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=KEY)

    def disturb(sent: Sent, carry_out: Any) -> Any:
        if "acl" in sent.query:
            return answer(400, "ExpiredToken", "Old")
        found = carry_out()
        if sent.method == "HEAD":
            found.headers["Expires"] = "0"
        return found

    with recorded(disturb):
        result = put_version_back(open_writer(bucket), replace(ALL, copy_absent=False), intent(one, None))
    expires = "not as it was: its header Expires, which is no HTTP date (0)"
    assert (result.outcome, result.message) == ("restored", f"its ACL cannot be read (ExpiredToken: Old); {expires}")


@pytest.mark.parametrize("through", ["copy", "put"])
def test_an_old_version_is_put_over_the_marker_that_hides_it(s3: S3Client, through: str) -> None:
    bucket = new_bucket(s3, "Enabled", ObjectOwnership="ObjectWriter")
    one = put(s3, bucket, ACL="public-read", **EVERYTHING)
    before = seen(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=KEY)
    data, capabilities = open_writer(bucket), replace(ALL, copy_absent=through == "copy")
    assert put_version_back(data, capabilities, intent(one, None)).outcome == "restored"
    assert seen(s3, bucket) == before
    assert [version.is_delete_marker for version in data.key_versions(KEY)] == [False, True, False]
    assert put_version_back(data, capabilities, intent(one, None)).outcome == "present"
    put(s3, bucket, body=b"mine")
    assert put_version_back(data, capabilities, intent(one, None)).outcome == "left"
    assert seen(s3, bucket)["Body"] == b"mine"


def test_a_version_that_is_gone_is_not_put_back(s3: S3Client) -> None:
    bucket = new_bucket(s3, "Enabled")
    one = put(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=KEY)
    s3.delete_object(Bucket=bucket, Key=KEY, VersionId=one.version_id)
    result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    assert (result.outcome, result.message) == ("failed", "it was changed or deleted a moment ago")
