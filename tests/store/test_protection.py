"""What is read of a bucket's configuration: what ends a way back, and what forbids it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.model.protection import Expiry, Protection
from labelplan.store.bucket_policy import may_remove_markers
from labelplan.store.s3 import open_reader, open_writer
from tests.wire import answer, answers, recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent

OWNER = "x-amz-expected-bucket-owner"


def rule(**parts: Any) -> dict[str, Any]:
    return {"ID": "cleaning", "Status": "Enabled", "Filter": {"Prefix": "deer/"}, **parts}


def expiries(s3: S3Client, bucket: str, *rules: Any) -> tuple[Expiry, ...] | None:
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})
    return open_reader(bucket).protection().expiries


def configuration(name: str) -> Any:
    def which(one: Sent) -> bool:
        return one.method == "GET" and name in one.query

    return which


def test_of_a_bucket_without_any_configuration_nothing_is_known_to_end_it(bucket: str) -> None:
    assert open_reader(bucket).protection() == Protection(
        (), mfa_delete=False, replicates=False, may_remove_markers=True, acls=True, bucket=bucket
    )


def test_a_writer_reads_the_same_and_every_call_names_the_owner_and_nobody_pays(bucket: str) -> None:
    with recorded() as wire:
        open_writer(bucket, account="123456789012", requester_pays=True).protection()
    assert [next(iter(one.query)) for one in wire.sent] == [
        "lifecycle",
        "replication",
        "policy",
        "ownershipControls",
        "versioning",
    ]
    assert {one.headers.get(OWNER) for one in wire.sent} == {"123456789012"}
    assert not any("x-amz-request-payer" in one.headers for one in wire.sent)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"Expiration": {"Days": 30}}, {"days": 30}),
        ({"Expiration": {"Date": "2027-01-02T00:00:00Z"}}, {"date": "2027-01-02"}),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 7}}, {"noncurrent_days": 7}),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 5}},
            {"noncurrent_days": 7},
        ),
        (
            {"Transitions": [{"Days": 90, "StorageClass": "DEEP_ARCHIVE"}, {"Days": 9, "StorageClass": "GLACIER"}]},
            {"archive_days": 9},
        ),
        (
            {"Transitions": [{"Date": "2027-01-02T00:00:00Z", "StorageClass": "GLACIER"}]},
            {"archive_date": "2027-01-02"},
        ),
        (
            {"NoncurrentVersionTransitions": [{"NoncurrentDays": 3, "StorageClass": "GLACIER"}]},
            {"noncurrent_archive_days": 3},
        ),
    ],
)
def test_what_a_lifecycle_rule_takes_away(s3: S3Client, bucket: str, parts: Any, found: Any) -> None:
    assert expiries(s3, bucket, rule(**parts)) == (Expiry("cleaning", "deer/", **found),)


@pytest.mark.parametrize(
    "parts",
    [
        {"Status": "Disabled", "Expiration": {"Days": 1}},
        {"Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]},
        {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "STANDARD_IA"}]},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    ],
)
def test_what_takes_nothing_away_is_left_out(s3: S3Client, bucket: str, parts: Any) -> None:
    assert expiries(s3, bucket, rule(**parts)) == ()


@pytest.mark.parametrize(
    ("where", "prefix"),
    [
        ("<Prefix>old/</Prefix>", "old/"),
        ("<Prefix></Prefix>", ""),
        ("<Filter><Prefix>new/</Prefix></Filter>", "new/"),
        ("<Filter></Filter>", ""),
        ("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>", ""),
        ("<Filter><And><Prefix>both/</Prefix><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>", "both/"),
    ],
)
def test_a_rules_prefix_stands_in_one_of_three_places(bucket: str, where: str, prefix: str) -> None:
    text = f"<Rule><ID>x</ID>{where}<Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>"
    body = f"<LifecycleConfiguration>{text}</LifecycleConfiguration>".encode()
    with recorded(answers(configuration("lifecycle"), lambda: answer(200, body=body))):
        assert open_reader(bucket).protection().expiries == (Expiry("x", prefix, days=1),)


def test_a_rule_without_a_number_of_days_may_act_at_once(bucket: str) -> None:
    kept = "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
    text = f"<Status>Enabled</Status><NoncurrentVersionExpiration>{kept}</NoncurrentVersionExpiration>"
    body = f"<LifecycleConfiguration><Rule>{text}</Rule></LifecycleConfiguration>".encode()
    with recorded(answers(configuration("lifecycle"), lambda: answer(200, body=body))):
        assert open_reader(bucket).protection().expiries == (Expiry("", "", noncurrent_days=0),)


# --- what may forbid it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "on"), [("Enabled", True), ("Disabled", False)])
def test_mfa_delete_is_seen(bucket: str, state: str, *, on: bool) -> None:
    body = f"<VersioningConfiguration><Status>Enabled</Status><MfaDelete>{state}</MfaDelete></VersioningConfiguration>"
    with recorded(answers(configuration("versioning"), lambda: answer(200, body=body.encode()))):
        assert open_reader(bucket).protection().mfa_delete is on


@pytest.mark.parametrize(
    ("parts", "replicated"),
    [
        ("<Filter/><DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>", True),
        ("<Filter/><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>", False),
        ("<Prefix></Prefix>", True),  # the old kind replicates them
    ],
)
@pytest.mark.parametrize("status", ["Enabled", "Disabled"])
def test_replication_of_delete_markers_is_seen(bucket: str, parts: str, status: str, *, replicated: bool) -> None:
    where = "<Destination><Bucket>arn:aws:s3:::other</Bucket></Destination>"
    text = f"<Role>r</Role><Rule><Status>{status}</Status>{parts}{where}</Rule>"
    body = f"<ReplicationConfiguration>{text}</ReplicationConfiguration>".encode()
    with recorded(answers(configuration("replication"), lambda: answer(200, body=body))):
        assert open_reader(bucket).protection().replicates is (replicated and status == "Enabled")


@pytest.mark.parametrize(
    ("ownership", "acls"), [("BucketOwnerEnforced", False), ("BucketOwnerPreferred", True), ("ObjectWriter", True)]
)
def test_a_bucket_whose_owner_owns_everything_has_no_acls(
    s3: S3Client, bucket: str, ownership: Any, *, acls: bool
) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})
    assert open_reader(bucket).protection().acls is acls


def test_a_policy_that_denies_removing_markers_is_read(s3: S3Client, bucket: str) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny()))
    assert open_reader(bucket).protection().may_remove_markers is False


def test_a_policy_that_is_none_is_unread(bucket: str) -> None:
    with recorded(answers(configuration("policy"), lambda: answer(200, body=b"<ListBucketResult/>"))):
        found = open_reader(bucket).protection()
    assert (found.may_remove_markers, found.unread) == (None, (f"the policy of {bucket}: it is not JSON",))


# --- what may not be read -------------------------------------------------------------------------------------------

FIELDS = {
    "lifecycle": ("expiries", (), "s3:GetLifecycleConfiguration"),
    "replication": ("replicates", False, "s3:GetReplicationConfiguration"),
    "policy": ("may_remove_markers", True, "s3:GetBucketPolicy"),
    "ownershipControls": ("acls", True, "s3:GetBucketOwnershipControls"),
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed"), (404, "NoSuchThingHere")]
)
def test_a_server_that_knows_no_such_configuration_has_none(bucket: str, name: str, status: int, code: str) -> None:
    field, nothing, _ = FIELDS[name]
    with recorded(answers(configuration(name), lambda: answer(status, code))):
        found = open_reader(bucket).protection()
    assert (getattr(found, field), found.unread) == (nothing, ())


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (400, "SomethingElse")])
def test_what_may_not_be_read_is_unknown_and_why_is_told(bucket: str, name: str, status: int, code: str) -> None:
    field, _, permission = FIELDS[name]
    with recorded(answers(configuration(name), lambda: answer(status, code, "No"))):
        found = open_reader(bucket).protection()
    (why,) = found.unread
    assert getattr(found, field) is None
    assert why.endswith(f"of {bucket} ({permission}): {code}: No")


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (404, "NoSuchBucket")])
def test_a_server_that_fails_is_not_a_bucket_without_rules(bucket: str, status: int, code: str) -> None:
    with (
        recorded(answers(configuration("lifecycle"), lambda: answer(status, code))),
        pytest.raises(AwsRefused, match="Cannot read the lifecycle rules of"),
    ):
        open_reader(bucket).protection()


# --- policies -------------------------------------------------------------------------------------------------------


def deny(**parts: Any) -> dict[str, Any]:
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion", "Resource": "arn:aws:s3:::wild/*"}
    found = {**whole, **parts}
    return {name: value for name, value in found.items() if value is not None}


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"Action": ["s3:GetObject", "S3:deleteobject*"]},
        {"Action": "s3:*"},
        {"Action": "*"},
        {"Action": "s3:Delete?bjectVersion"},
        {"Action": None, "NotAction": ["s3:Get*"]},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/intern"}},
        {"Resource": "*"},
        {"Resource": ["arn:aws:s3:::wild", "arn:aws:s3:::wild/deer/*"]},
        {"Resource": "arn:aws:s3:::*"},
        {"Resource": None, "NotResource": "arn:aws:s3:::wild/elk/*"},
        {"Condition": {"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
        {"Condition": "none"},
        {"Condition": {"Bool": "none"}},
    ],
)
def test_a_deny_counts_whoever_it_is_for_and_whatever_its_condition(parts: Any) -> None:
    assert may_remove_markers(policy(deny(**parts))) is False


@pytest.mark.parametrize(
    "parts",
    [
        {"Effect": "Allow"},
        {"Action": "s3:DeleteObject"},
        {"Action": "s3:[D]eleteObjectVersion"},
        {"Action": None, "NotAction": ["s3:Get*", "s3:DeleteObject*"]},
        {"Action": None},
        {"Resource": "arn:aws:s3:::wild"},
        {"Resource": "arn:aws:s3:::wild/.labelplan/*"},
        {"Resource": None},
        {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Action": "s3:*", "Condition": {"Bool": {"AWS:securetransport": ["false"]}}},
        {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Action": "s3:*", "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}},
    ],
)
def test_what_denies_nothing_about_markers_does_not_count(parts: Any) -> None:
    assert may_remove_markers(policy(deny(**parts))) is True


def test_one_statement_of_many_is_enough_and_one_may_stand_alone() -> None:
    assert may_remove_markers(policy(deny(Effect="Allow"), deny())) is False
    assert may_remove_markers(json.dumps({"Statement": deny()})) is False
    assert may_remove_markers(policy("nonsense")) is True
    assert may_remove_markers("{}") is True


@pytest.mark.parametrize("text", ["", "<xml/>", "[]", "3"])
def test_what_is_not_a_policy_says_nothing(text: str) -> None:
    assert may_remove_markers(text) is None
