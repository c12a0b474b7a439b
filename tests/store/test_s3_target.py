"""Which bucket this is: endpoint, owner, region; and what a person reads when it cannot be reached."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import HTTPClientError

from labelplan.errors import AwsRefused, LabelplanError, UsageError, WrongTarget
from labelplan.model.objects import Target
from labelplan.store.connect import endpoint_of
from labelplan.store.errors import words
from labelplan.store.s3 import open_reader, open_writer
from tests.wire import answer, answers, recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from syrupy.assertion import SnapshotAssertion

    from tests.wire import Sent

ACCOUNT = "123456789012"  # moto's
OWNER = "x-amz-expected-bucket-owner"


def head_bucket(one: Sent) -> bool:
    return one.method == "HEAD" and not one.key


def test_the_target_is_endpoint_owner_region_bucket_and_versioning(bucket: str, s3_endpoint: str) -> None:
    assert open_reader(bucket).target() == Target(s3_endpoint, ACCOUNT, "us-east-1", bucket, "Enabled")


@pytest.mark.parametrize("state", ["Suspended", None])
def test_versioning_is_read_as_it_is_now(s3: S3Client, bucket: str, state: Any) -> None:
    name = bucket if state else f"{bucket}-never"
    if state:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": state})
    else:
        s3.create_bucket(Bucket=name)
    assert open_reader(name).versioning() == (state or "Disabled")


def test_every_call_names_the_owner(bucket: str) -> None:
    with recorded() as wire:
        store = open_writer(bucket, account="999988887777")
        store.target()
        store.put_once(".labelplan/x", b"1")
        store.read_record(".labelplan/x")
        store.record_time(".labelplan/x")
        list(store.list_records(".labelplan/"))
        list(store.list_current("deer/"))
        store.head("deer/1.jpg")
        store.delete_current("deer/1.jpg", "etag")
        store.key_versions("deer/1.jpg")
    assert len(wire.sent) == 10
    assert {one.headers.get(OWNER) for one in wire.sent} == {"999988887777"}


def test_without_an_account_in_the_spec_the_owner_must_be_the_caller(bucket: str) -> None:
    with recorded() as wire:
        open_reader(bucket).target()
    asked, *rest = wire.sent
    assert asked.method == "POST"
    assert {one.headers[OWNER] for one in rest} == {ACCOUNT}


def test_a_server_for_s3_alone_has_no_accounts_and_aws_is_not_asked(
    bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    with recorded() as wire:
        assert open_reader(bucket).target().account == ""
    assert [one.method for one in wire.sent] == ["HEAD", "GET"]
    assert not any(OWNER in one.headers for one in wire.sent)


def test_a_server_that_does_not_know_sts_has_no_accounts(bucket: str) -> None:
    with recorded() as wire:
        wire.disturb = answers(lambda one: one.method == "POST", lambda: answer(405, "MethodNotAllowed"))
        assert open_reader(bucket).target().account == ""


def test_on_aws_the_callers_account_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with recorded() as wire:
        refusal = b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"
        wire.disturb = answers(lambda _: True, lambda: answer(403, body=refusal))
        with pytest.raises(AwsRefused, match="the credentials are wrong or expired"):
            open_reader("wildlife").target()


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://s3.eu-west-1.amazonaws.com", ""),
        ("https://bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com", ""),
        ("https://s3.cn-north-1.amazonaws.com.cn", ""),
        ("https://s3.dualstack.us-east-1.api.aws", ""),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("HTTP://Minio.Example:80", "http://minio.example"),
        ("https://minio.example:443/s3/", "https://minio.example/s3"),
        ("https://minio.example:80", "https://minio.example:80"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://user:hunter2@minio.example:9000", "http://minio.example:9000"),
        ("https://amazonaws.com.example", "https://amazonaws.com.example"),
    ],
)
def test_endpoints_are_compared_normalised_and_awss_own_are_one(url: str, endpoint: str) -> None:
    class Meta:
        endpoint_url = url

    class Client:
        meta = Meta

    assert endpoint_of(cast("S3Client", Client)) == endpoint


def test_another_owner_is_the_wrong_target(bucket: str) -> None:
    with recorded() as wire:
        wire.disturb = answers(lambda one: OWNER in one.headers, lambda: answer(403))
        with pytest.raises(WrongTarget, match=f"does not belong to the account {ACCOUNT}") as caught:
            open_reader(bucket, account=ACCOUNT).target()
    assert "account:" in caught.value.advice


def test_a_bucket_that_may_not_be_seen_at_all_is_refused(bucket: str) -> None:
    with recorded(answers(head_bucket, lambda: answer(403))), pytest.raises(AwsRefused, match="access denied"):
        open_reader(bucket, account=ACCOUNT).target()


@pytest.mark.usefixtures("s3")
def test_a_server_that_redirects_everything_is_refused_not_followed() -> None:
    with recorded() as wire:
        wire.disturb = answers(lambda _: True, lambda: answer(301, location="https://elsewhere.example"))
        with pytest.raises(AwsRefused, match="301"):
            open_reader("wildlife", account=ACCOUNT).target()
    assert len(wire.sent) == 1


def test_the_bucket_s_own_region_is_named_also_when_access_is_denied(bucket: str) -> None:
    with recorded() as wire:
        wire.disturb = answers(head_bucket, lambda: answer(403, x_amz_bucket_region="eu-west-1"))
        with pytest.raises(AwsRefused, match="is in the region eu-west-1, not in us-east-1") as caught:
            open_reader(bucket, account=ACCOUNT).target()
    assert "region: eu-west-1" in caught.value.advice


def test_a_region_that_is_not_the_bucket_s_is_refused(bucket: str) -> None:
    with pytest.raises(AwsRefused, match="is in the region us-east-1, not in eu-west-1"):
        open_reader(bucket, region="eu-west-1").target()


def said_by(error: LabelplanError) -> str:
    return f"{type(error).__name__} {error.exit_code}\n{error.what}\n{error.advice}"


@pytest.mark.usefixtures("s3")
def test_what_a_person_reads_when_there_is_no_such_bucket(snapshot: SnapshotAssertion) -> None:
    with pytest.raises(AwsRefused) as caught:
        open_reader("no-such-bucket").target()
    assert said_by(caught.value) == snapshot


def test_what_a_person_reads_without_credentials(
    bucket: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsRefused) as caught:
        open_reader(bucket).target()
    assert said_by(caught.value).replace(bucket, "BUCKET") == snapshot


def test_what_a_person_reads_with_an_unknown_profile(
    monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsRefused) as caught:
        open_reader("wildlife")
    assert said_by(caught.value) == snapshot


def test_what_a_person_reads_with_a_bad_endpoint(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost:9000")
    with pytest.raises(AwsRefused) as caught:
        open_reader("wildlife")
    assert said_by(caught.value) == snapshot


def test_what_a_person_reads_when_nobody_answers(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore waits between attempts
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    with pytest.raises(AwsRefused) as caught:
        open_reader("wildlife").target()
    assert said_by(caught.value) == snapshot


def test_what_a_person_reads_for_a_name_that_no_bucket_has(snapshot: SnapshotAssertion) -> None:
    with pytest.raises(UsageError) as caught:
        open_reader("no/bucket", account=ACCOUNT).target()
    assert said_by(caught.value) == snapshot


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (400, "ExpiredToken"),
        (403, "RequestTimeTooSkewed"),
        (404, "NoSuchBucket"),
        (301, "PermanentRedirect"),
        (503, "SlowDown"),
        (418, "Teapot"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_what_a_person_reads_when_s3_refuses(
    status: int, code: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with recorded() as wire:
        wire.disturb = answers(lambda _: True, lambda: answer(status, code, "The server's words"))
        with pytest.raises(AwsRefused) as caught:
            open_reader("wildlife", account=ACCOUNT).versioning()
    assert said_by(caught.value) == snapshot


@pytest.mark.usefixtures("s3")
def test_what_a_person_reads_when_the_server_is_no_s3(snapshot: SnapshotAssertion) -> None:
    with recorded() as wire:
        wire.disturb = answers(lambda _: True, lambda: answer(404, body=b"<html><p>Welcome"))
        with pytest.raises(AwsRefused) as caught:
            open_reader("wildlife", account=ACCOUNT).versioning()
    assert said_by(caught.value) == snapshot


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"])
@pytest.mark.parametrize("value", ["hunter2\nhunter2", "\rhunter2"])
def test_credentials_that_http_cannot_carry_are_not_repeated(
    bucket: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(AwsRefused) as caught:
        open_reader(bucket, account=ACCOUNT).target()
    assert "hunter2" not in said_by(caught.value)
    assert "a line break or another character that HTTP cannot carry" in caught.value.what
    assert "hunter2" not in open_writer(bucket, account=ACCOUNT).delete_current("deer/1.jpg", "e").message


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1:1",
        "http://user:hun@ter2@127.0.0.1:1",
        "http://user:hunter2/@127.0.0.1:1",
        "user:hunter2@127.0.0.1:1",
    ],
)
def test_a_password_in_the_endpoint_is_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(AwsRefused) as caught:
        open_reader("wildlife").target()
    assert "ter2" not in said_by(caught.value)
    assert "user" not in said_by(caught.value)


def test_of_a_server_s_words_only_the_first_line_is_repeated(bucket: str) -> None:
    refusal = answers(lambda _: True, lambda: answer(403, "SignatureDoesNotMatch", "It is wrong.\ntoken:hunter2"))
    with recorded(refusal), pytest.raises(AwsRefused, match=r"wrong or expired \(.*: It is wrong\.\)") as caught:
        open_reader(bucket, account=ACCOUNT).versioning()
    assert "hunter2" not in said_by(caught.value)


def test_an_error_inside_the_http_client_is_named_and_not_repeated() -> None:
    error = HTTPClientError(error=RuntimeError("hunter2"))
    assert words(error) == "the request could not be sent, or its answer not read (RuntimeError)"
