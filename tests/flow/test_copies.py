"""Copies: made and checked before a delete, put back only where no object is; what lies there decides, not a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.model.run import Attributes, Grant
from labelplan.store.s3 import S3Writer, open_writer
from tests.flow.copying import ALL, KEY, RUN, copies, new_bucket, put, save_and_delete, seen
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import KeyVersion, S3Object
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


@pytest.mark.parametrize("elsewhere", ["", "another bucket"])
@pytest.mark.parametrize("through", ["copy", "put"])
@pytest.mark.parametrize("encryption", [{}, {"ServerSideEncryption": "AES256"}, KMS])
def test_all_that_an_object_is_comes_back(
    s3: S3Client, bucket: str, elsewhere: str, through: str, encryption: dict[str, Any]
) -> None:
    one = put(s3, bucket, **EVERYTHING, **encryption)
    before = seen(s3, bucket)
    backup = new_bucket(s3) if elsewhere else ""
    run = copies(bucket, backup, capabilities=replace(ALL, copy_absent=through == "copy"))
    intents = save_and_delete(s3, bucket, run, one)
    assert s3.get_object(Bucket=backup or bucket, Key=COPY)["Body"].read() == b"deer"
    (result,) = run.restore(intents)
    assert (result.key, result.outcome, result.message) == (KEY, "restored", "")
    assert seen(s3, bucket) == before


def test_an_acl_comes_back_and_the_copy_is_private(s3: S3Client) -> None:
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    one = put(s3, bucket, ACL="public-read")
    before = seen(s3, bucket)
    run = copies(bucket, acls=True)
    (one_intent,) = save_and_delete(s3, bucket, run, one)
    assert one_intent.attributes
    assert Grant("Group", EVERYONE, "READ") in one_intent.attributes.acl
    assert len(seen(s3, bucket, COPY)["Grants"]) == 1
    assert [(result.outcome, result.message) for result in run.restore([one_intent])] == [("restored", "")]
    assert seen(s3, bucket) == before


def test_an_object_whose_acl_is_not_allowed_any_more_comes_back_without_it(s3: S3Client) -> None:
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    one = put(s3, bucket, ACL="public-read")
    run = copies(bucket, acls=True)
    intents = save_and_delete(s3, bucket, run, one)
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    (result,) = run.restore(intents)
    assert result.outcome == "restored"
    assert "its ACL could not be set (AccessControlListNotSupported" in result.message


def test_an_object_that_came_in_parts_is_compared_by_its_bytes(s3: S3Client, simulator: Simulator, bucket: str) -> None:
    simulator.seed(bucket, key=KEY, parts=2)
    body = simulator.body(bucket, KEY)
    one = open_writer(bucket).head(KEY)
    assert one
    assert one.etag.endswith("-2")
    run = copies(bucket)
    (one_intent,) = save_and_delete(s3, bucket, run, one)
    assert one_intent.attributes
    assert one_intent.attributes.copy not in {"", one.etag}
    assert run.restore([one_intent])[0].outcome == "restored"
    assert simulator.body(bucket, KEY) == body


def test_what_changed_since_it_was_seen_is_not_saved(s3: S3Client, bucket: str) -> None:
    old, gone = put(s3, bucket, body=b"old!"), put(s3, bucket, "deer/gone.jpg")
    put(s3, bucket, body=b"new!")
    s3.delete_object(Bucket=bucket, Key=gone.key)
    saved = copies(bucket).save([old, gone])
    assert saved == {one.key: "it was changed or deleted a moment ago" for one in (old, gone)}


def test_a_newer_object_that_a_server_copies_all_the_same_is_no_copy(s3: S3Client, bucket: str) -> None:
    old = put(s3, bucket, body=b"old!")

    def replaced(one: Sent, carry_out: Any) -> Any:
        if is_copy(one) and "x-amz-copy-source-if-match" in one.headers:
            s3.put_object(Bucket=bucket, Key=KEY, Body=b"new!")
            s3.copy_object(Bucket=bucket, Key=COPY, CopySource={"Bucket": bucket, "Key": KEY})
            return answer(200, body=b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
        return carry_out()

    with recorded(replaced):
        saved = copies(bucket).save([old])
    assert saved == {KEY: "no copy of it was made, or not the same"}


def test_a_copy_that_was_promised_but_never_made_is_no_copy(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    promise = answers(is_copy, lambda: answer(200, body=b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"))
    with recorded(promise):
        assert copies(bucket).save([one]) == {KEY: "no copy of it was made, or not the same"}


def test_a_copy_whose_reply_is_lost_counts(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(lost_replies(is_copy)) as wire:
        assert copies(bucket).save([one]) == {KEY: Attributes(encryption="AES256")}
    assert len([sent for sent in wire.sent if is_copy(sent)]) == 1


@pytest.mark.parametrize(("fresh", "looks"), [(True, 1), (False, 3)])
def test_a_run_that_begins_looks_for_its_copies_only_when_they_are_made(
    s3: S3Client, bucket: str, *, fresh: bool, looks: int
) -> None:
    wanted = [put(s3, bucket, f"deer/{number}.jpg") for number in range(2)]
    with recorded() as wire:
        assert all(isinstance(one, Attributes) for one in copies(bucket, fresh=fresh).save(wanted).values())
    assert len([one for one in wire.sent if "versions" in one.query]) >= looks
    assert fresh is (len([one for one in wire.sent if "versions" in one.query]) == 1)


def test_what_a_busy_server_did_not_copy_is_looked_at_and_sent_again(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(answers(is_copy, lambda: answer(503, "SlowDown"), times=2)) as wire:
        assert copies(bucket).save([one]) == {KEY: Attributes(encryption="AES256")}
    assert len([sent for sent in wire.sent if is_copy(sent)]) == 3
    with recorded(answers(is_copy, lambda: answer(503, "SlowDown", "Slower"))):
        assert copies(bucket).save([one]) == {KEY: "no copy of it was made, or not the same: SlowDown: Slower"}


def test_a_denied_copy_is_sent_once(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(answers(is_copy, lambda: answer(403, "AccessDenied", "Not you"))) as wire:
        assert copies(bucket).save([one]) == {KEY: "no copy of it was made, or not the same: AccessDenied: Not you"}
    assert len([sent for sent in wire.sent if is_copy(sent)]) == 1


def late_tags(s3: S3Client, bucket: str) -> None:
    s3.put_object_tagging(Bucket=bucket, Key=KEY, Tagging={"TagSet": [{"Key": "late", "Value": "yes"}]})


def test_an_earlier_attempts_copy_is_made_anew(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    copies(bucket).save([one])
    late_tags(s3, bucket)
    assert copies(bucket).save([one]) == {KEY: Attributes(encryption="AES256")}
    assert seen(s3, bucket, COPY)["Tags"] == [{"Key": "late", "Value": "yes"}]


@pytest.mark.parametrize("versioning", ["", "Enabled"])
@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (412, "PreconditionFailed"), (503, "SlowDown")])
def test_an_earlier_attempts_copy_is_no_proof_of_this_ones(
    s3: S3Client, bucket: str, versioning: str, status: int, code: str
) -> None:
    backup = new_bucket(s3, versioning)
    one = put(s3, bucket)
    copies(bucket, backup).save([one])
    late_tags(s3, bucket)
    with recorded(answers(is_copy, lambda: answer(status, code, "No"))):
        saved = copies(bucket, backup).save([one])
    assert saved == {KEY: f"no copy of it was made, or not the same: {code}: No"}


def test_a_copy_over_an_earlier_attempts_counts_when_its_reply_is_lost(s3: S3Client, bucket: str) -> None:
    backup = new_bucket(s3, "Enabled")
    one = put(s3, bucket)
    copies(bucket, backup).save([one])
    late_tags(s3, bucket)
    with recorded(lost_replies(is_copy)) as wire:
        assert copies(bucket, backup).save([one]) == {KEY: Attributes(encryption="AES256")}
    assert len([sent for sent in wire.sent if is_copy(sent)]) == 1
    assert seen(s3, backup, COPY)["Tags"] == [{"Key": "late", "Value": "yes"}]


def test_the_last_attempts_copy_of_an_object_under_a_kms_key_is_the_one_that_comes_back(
    s3: S3Client, bucket: str
) -> None:
    one = put(s3, bucket, **KMS)
    run = copies(bucket)
    first = run.save([one])[KEY]
    (last,) = save_and_delete(s3, bucket, run, one)
    assert last.attributes
    assert isinstance(first, Attributes)
    assert last.attributes.copy != first.copy
    unknown = replace(first, checksum="")  # else it would be known by that
    assert run.restore([replace(last, attributes=unknown)])[0].outcome == "failed"
    assert [(result.outcome, result.message) for result in run.restore([last])] == [("restored", "")]
    assert seen(s3, bucket)["Body"] == b"deer"


def test_a_name_too_long_for_a_copy_is_said(s3: S3Client, bucket: str) -> None:
    longest = 1024 - len(f"labelplan/runs/{RUN}/objects/")
    fits, too_long = put(s3, bucket, "a" * longest), put(s3, bucket, "b" * (longest + 3))
    saved = copies(bucket).save([fits, too_long])
    assert saved[fits.key] == Attributes(encryption="AES256")
    assert saved[too_long.key] == "the name of its copy would be 3 bytes too long for S3"


@pytest.mark.parametrize("uploads", [False, True])
def test_what_an_upload_would_lose_is_not_saved_where_undo_has_to_upload(
    s3: S3Client,
    bucket: str,
    uploads: bool,  # noqa: FBT001 - a parameter of tests
) -> None:
    one = put(s3, bucket)

    def odd(sent: Sent, carry_out: Any) -> Any:
        found = carry_out()
        if sent.method == "HEAD":
            found.headers["Expires"] = "0"
        return found

    with recorded(odd) as wire:
        saved = copies(bucket, capabilities=replace(ALL, copy_absent=not uploads)).save([one])
    assert isinstance(saved[KEY], str) is uploads
    if uploads:
        said = "on this server undo has to upload it, and would lose its header Expires, which is no HTTP date (0)"
        assert saved == {KEY: said}
        assert not any(sent.changes for sent in wire.sent)


def test_what_may_not_be_read_is_not_saved(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(answers(lambda sent: sent.method == "HEAD", lambda: answer(403, "AccessDenied"))) as wire:
        said = copies(bucket).save([one])[KEY]
    assert f"Cannot read s3://{bucket}/{KEY}: access denied" in str(said)
    assert not any(sent.changes for sent in wire.sent)


def test_a_server_whose_listing_names_another_etag_is_asked_for_a_head(
    s3: S3Client, simulator: Simulator, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.seed(bucket, key=KEY, parts=2)
    in_parts = open_writer(bucket).head(KEY)
    assert in_parts
    versions_of = S3Writer.versions_of

    def listed(self: S3Writer, keys: Sequence[str]) -> dict[str, list[KeyVersion]]:
        found = versions_of(self, keys)
        return {key: [replace(one, etag=one.etag + "-3") for one in found[key]] for key in keys}

    monkeypatch.setattr(S3Writer, "versions_of", listed)
    one = put(s3, bucket, "deer/one.jpg")
    run = copies(bucket)
    intents = save_and_delete(s3, bucket, run, in_parts, one)
    assert [bool(saved.attributes and saved.attributes.copy) for saved in intents] == [True, False]
    assert {result.outcome for result in run.restore(intents)} == {"restored"}
    s3.put_object(Bucket=bucket, Key=one.key, Body=b"mine")
    assert [result.outcome for result in run.restore(intents)] == ["present", "left"]
    s3.delete_object(Bucket=bucket, Key=run.key_of(one.key))
    assert run.restore(intents[1:])[0].outcome == "failed"


@pytest.mark.parametrize("which", ["head", "size"])
def test_a_copy_that_changes_while_it_is_looked_at_is_none(
    bucket: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    simulator.seed(bucket, key=KEY, parts=2)
    one = open_writer(bucket).head(KEY)
    assert one
    head = S3Writer.head

    def changed(self: S3Writer, key: str) -> S3Object | None:
        found = head(self, key)
        return replace(found, size=1) if found and which == "size" else None

    monkeypatch.setattr(S3Writer, "head", changed)
    assert isinstance(copies(bucket).save([one])[KEY], str)


def test_an_apply_in_copy_mode_names_no_version(s3: S3Client) -> None:
    bucket = new_bucket(s3, "Enabled")
    wanted = [put(s3, bucket, "deer/1", **EVERYTHING), put(s3, bucket, "deer/2", **KMS)]
    with recorded() as wire:
        copies(bucket, acls=True).save(wanted)
    assert all("versionId" not in sent.query for sent in wire.sent)
    assert all("versionId" not in sent.headers.get("x-amz-copy-source", "") for sent in wire.sent)
    assert all("x-amz-copy-source-if-match" in sent.headers for sent in wire.sent if is_copy(sent))
