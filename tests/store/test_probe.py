"""What the probe finds out about servers that honour conditions, ignore them, or answer nothing useful."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import asdict

from labelplan.errors import AwsRefused
from labelplan.model.run import Capabilities
from labelplan.store.probe import PROBE_PREFIX
from labelplan.store.s3 import open_writer
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import Versioning
    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

ALL = frozenset(Capabilities.__struct_fields__)
STATES: list[Versioning] = ["Enabled", "Suspended", "Disabled"]


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def aws(simulated: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A server that does as AWS does, until a test changes it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulated.url)
    before = simulated.settings()
    simulated.forget()
    yield simulated
    simulated.clear_rules()
    simulated.settings(**before)


def found(bucket: str) -> set[str]:
    return {name for name, honoured in asdict(open_writer(bucket).probe()).items() if honoured}


def make(name: str, state: Versioning = "Enabled") -> str:
    client: Any = open_writer(name)
    s3: S3Client = client._changing
    s3.create_bucket(Bucket=name)
    if state != "Disabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": state})
    return name


def of(method: str, part: str = "", **query: str) -> Any:
    """Pick the requests with this method and a part of the path; *query*: with these in the query."""

    def which(one: Sent) -> bool:
        return one.method == method and one.key.endswith(part) and query.items() <= one.query.items()

    return which


@pytest.mark.parametrize("state", STATES)
def test_aws_honours_everything_whatever_the_versioning(aws: Simulator, state: Versioning) -> None:
    bucket = make(f"all-{state.lower()}", state)
    assert found(bucket) == ALL
    assert all(one["key"].startswith(PROBE_PREFIX) for one in aws.changes() if one["operation"] == "PutObject")


@pytest.mark.usefixtures("aws")
def test_it_takes_25_calls_and_no_object_stays_and_no_version_is_named() -> None:
    bucket = make("calls")
    with recorded() as wire:
        assert found(bucket) == ALL
    assert len(wire.sent) == 25
    assert not [one for one in wire.sent if "versionId" in one.query]
    assert not [one for one in wire.sent if b"VersionId" in one.body]
    assert list(open_writer(bucket).list_records(PROBE_PREFIX)) == []


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("setting", "lost"),
    [
        ("ignore_delete_if_match", {"single_delete"}),
        ("ignore_bulk_etag", {"bulk_delete"}),
        ("ignore_copy_if_none_match", {"copy_absent"}),
        ("ignore_copy_source_if_match", {"copy_source"}),
        ("ignore_put_conditions", {"put_absent", "put_match"}),
    ],
)
def test_a_condition_that_is_ignored_is_seen(aws: Simulator, state: Versioning, setting: str, lost: set[str]) -> None:
    bucket = make(f"{setting.replace('_', '-')}-{state.lower()}", state)
    aws.settings(**{setting: True})
    assert found(bucket) == ALL - lost


def test_a_server_that_ignores_all_of_them_is_seen(aws: Simulator) -> None:
    bucket = make("none")
    aws.settings(**{name: True for name in aws.settings() if name.startswith("ignore_")})
    assert found(bucket) == {"tags"}


@pytest.mark.parametrize("state", STATES)
def test_moto_ignores_etags_in_bulk_and_on_copies(s3: S3Client, bucket: str, state: Any) -> None:
    name = bucket if state != "Disabled" else make("moto-disabled", "Disabled")
    if state == "Suspended":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": state})
    assert found(name) == {"single_delete", "put_absent", "put_match", "tags"}


# --- replies that are not believed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "lost"),
    [
        (of("PUT", "one"), {"put_absent", "put_match"}),
        (of("DELETE"), {"single_delete"}),
        (of("POST"), {"bulk_delete"}),
        (of("PUT", "never"), {"copy_source"}),
        (of("PUT", "copied"), {"copy_absent"}),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_yes_is_not_believed(which: Any, lost: set[str]) -> None:
    """All requests of a kind are answered in the server's place, so nothing ever happens."""
    bucket = make("always")
    with recorded(answers(lambda one: which(one) and "tagging" not in one.query, lambda: answer(200))):
        assert ALL - found(bucket) >= lost


@pytest.mark.parametrize(
    ("which", "lost"),
    [
        (of("PUT", "one"), {"put_absent", "put_match"}),
        (of("DELETE"), {"single_delete"}),
        (of("PUT", "copied"), {"copy_absent", "copy_source"}),
        (lambda one: "x-amz-copy-source" in one.headers and "if-none-match" in one.headers, {"copy_absent"}),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_server_that_always_refuses_compares_nothing(which: Any, lost: set[str]) -> None:
    bucket = make("never")
    refusal = answers(lambda one: which(one) and "tagging" not in one.query, lambda: answer(412, "PreconditionFailed"))
    with recorded(refusal):
        assert ALL - found(bucket) >= lost


@pytest.mark.parametrize(
    ("operation", "skip", "lost"),
    [
        ("PutObject", 1, {"put_absent"}),
        ("PutObject", 2, {"put_match"}),
        ("DeleteObject", 0, {"single_delete"}),
        ("DeleteObjects", 0, {"bulk_delete"}),
        ("DeleteObjects/Key", 1, {"bulk_delete"}),
        ("CopyObject", 1, {"copy_source"}),
        ("CopyObject", 2, {"copy_absent"}),
    ],
)
def test_an_error_to_what_had_to_be_refused_proves_nothing(
    aws: Simulator, operation: str, skip: int, lost: set[str]
) -> None:
    """The request may never have been looked at; that the object is as it was says nothing then."""
    bucket = make("errors")
    aws.rules({"operation": operation, "skip": skip, "status": 500, "code": "InternalError"})
    assert found(bucket) == ALL - lost


@pytest.mark.parametrize(
    "which", [of("PUT", "one"), of("PUT", "two"), of("PUT", "copied"), of("PUT", "one", tagging="")]
)
@pytest.mark.usefixtures("aws")
def test_a_lost_reply_to_what_had_to_work_is_looked_after(which: Any) -> None:
    bucket = make("lost")
    with recorded(lost_replies(which)):
        assert found(bucket) == ALL


@pytest.mark.usefixtures("aws")
def test_a_lost_reply_to_the_delete_that_had_to_work_is_looked_after() -> None:
    bucket, refused = make("lost-delete"), []

    def second(one: Sent) -> bool:
        refused.extend([one] * (one.method == "DELETE"))
        return len(refused) == 2 and one.method == "DELETE"

    with recorded(lost_replies(second)) as wire:
        assert found(bucket) == ALL
    assert len(wire.deletes()) == 3  # wrong, right, and the one that is left over


@pytest.mark.usefixtures("aws")
def test_a_delete_that_is_accepted_and_not_done_is_no_condition() -> None:
    """A server may say yes and hide the object later."""
    bucket = make("later")
    with recorded(answers(of("DELETE"), lambda: answer(204), times=1)):
        assert found(bucket) == ALL - {"single_delete"}


@pytest.mark.parametrize(
    ("setting", "operation", "skip", "lost"),
    [
        ("ignore_delete_if_match", "DeleteObject", 0, {"single_delete"}),
        ("ignore_bulk_etag", "DeleteObjects/Key", 1, {"bulk_delete"}),
        ("ignore_copy_source_if_match", "CopyObject", 1, {"copy_source"}),
        ("ignore_copy_if_none_match", "CopyObject", 2, {"copy_absent"}),
        ("ignore_put_conditions", "PutObject", 1, {"put_absent", "put_match"}),
    ],
)
def test_a_no_is_not_believed_where_the_bucket_shows_a_yes(
    aws: Simulator, setting: str, operation: str, skip: int, lost: set[str]
) -> None:
    """The condition is ignored, and the answer is that it did not hold."""
    bucket = make("liar")
    aws.settings(**{setting: True})
    refusal = {"status": 412, "code": "PreconditionFailed", "after": True}
    aws.rules({"operation": operation, "skip": skip, **refusal})
    assert found(bucket) == ALL - lost


@pytest.mark.usefixtures("aws")
def test_etags_go_as_the_real_requests_send_them() -> None:
    """Ceph's PutObject takes no ETag in quotes; elsewhere AWS's own form is used."""
    bucket = make("quotes")
    with recorded() as wire:
        found(bucket)
    etags = {(one.method, one.headers["if-match"]) for one in wire.sent if "if-match" in one.headers}
    assert {(method, '"' in etag) for method, etag in etags} == {("PUT", False), ("DELETE", True)}


# --- servers that lack something ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "lost"),
    [
        (lambda one: one.method == "DELETE" and "if-match" in one.headers, {"single_delete"}),
        (lambda one: one.method == "POST", {"bulk_delete"}),
        (lambda one: "tagging" in one.query, {"tags"}),
        (lambda one: "x-amz-copy-source" in one.headers, {"copy_source", "copy_absent"}),
        (lambda one: "x-amz-copy-source" in one.headers and "if-none-match" in one.headers, {"copy_absent"}),
        (lambda one: "x-amz-copy-source" not in one.headers and "if-none-match" in one.headers, {"put_absent"}),
        (lambda one: one.method == "PUT" and "if-match" in one.headers, {"put_match"}),
    ],
)
@pytest.mark.usefixtures("aws")
def test_what_is_not_implemented_is_not_honoured(which: Any, lost: set[str]) -> None:
    bucket = make("lacking")
    with recorded(answers(which, lambda: answer(501, "NotImplemented"))):
        assert found(bucket) == ALL - lost


@pytest.mark.usefixtures("aws")
def test_a_server_that_takes_tags_for_a_body_is_seen() -> None:
    """As rclone does: it knows no tags, so this is a request about the object."""
    bucket = make("bodies")
    other: Any = open_writer(bucket)

    def overwrite(one: Sent, carry_out: Any) -> Any:
        if one.method == "PUT" and "tagging" in one.query:
            other._changing.put_object(Bucket=bucket, Key=one.key, Body=one.body)
        return carry_out()

    with recorded(overwrite):
        assert found(bucket) == ALL - {"tags"}


# --- no permission --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"])
@pytest.mark.usefixtures("aws")
def test_without_permission_nothing_can_be_found_out(action: str) -> None:
    bucket = make(f"denied-{action[3:].lower()}")
    deny(bucket, action)
    with pytest.raises(AwsRefused) as refused:
        found(bucket)
    assert "access denied" in refused.value.what
    if action != "s3:GetObject":
        assert refused.value.advice.endswith(
            f"Allow s3:PutObject, s3:GetObject and s3:DeleteObject for what is under {PROBE_PREFIX} "
            f"in the bucket {bucket}."
        )


@pytest.mark.usefixtures("aws")
def test_tags_that_may_not_be_set_are_no_tags_and_the_rest_is_found_out() -> None:
    bucket = make("denied-tags")
    deny(bucket, "s3:PutObjectTagging")
    assert found(bucket) == ALL - {"tags"}


@pytest.mark.usefixtures("aws")
def test_wrong_credentials_are_called_that() -> None:
    bucket = make("credentials")
    with (
        recorded(answers(of("PUT"), lambda: answer(403, "InvalidAccessKeyId"))),
        pytest.raises(AwsRefused, match="the credentials are wrong or expired") as refused,
    ):
        found(bucket)
    assert "s3:PutObject" not in refused.value.advice


@pytest.mark.usefixtures("aws")
def test_a_bucket_whose_policy_wants_conditional_deletes_is_left_tidy() -> None:
    bucket = make("tidy")
    deny(bucket, "s3:DeleteObject", Condition={"Null": {"s3:if-match": "true"}})
    assert found(bucket) == ALL
    assert list(open_writer(bucket).list_records(PROBE_PREFIX)) == []


def deny(bucket: str, action: str, **more: Any) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/.labelplan/*",
        **more,
    }
    writer: Any = open_writer(bucket)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    writer._changing.put_bucket_policy(Bucket=bucket, Policy=policy)
