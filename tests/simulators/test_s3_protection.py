"""Who may do what in the simulated S3: Object Lock, MFA delete, policies, owners, and credentials that expire."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
SOONER = dt.datetime(2098, 1, 1, tzinfo=dt.UTC)
OTHER = "210987654321"
MFA = "arn:aws:iam::123456789012:mfa/root 123456"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Place:
    one = Place(simulator, client(simulator))
    one.turn("Enabled")
    return one


@pytest.fixture
def locking(simulator: Simulator) -> Place:
    return Place(simulator, client(simulator), ObjectLockEnabledForBucket=True)


def write(place: Place, **arguments: Any) -> dict[str, Any]:
    """Write `key`; return what names its version."""
    return {"Key": "key", "VersionId": place.ask("put_object", Key="key", Body=b"deer", **arguments)["VersionId"]}


class TestObjectLock:
    def test_retention_protects_the_version_but_not_from_a_marker(self, locking: Place) -> None:
        version = write(locking, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATER)
        assert locking.refused("delete_object", **version) == "403 AccessDenied"
        assert locking.delete_many(version)["Errors"][0]["Code"] == "AccessDenied"
        assert locking.refused("delete_object", Key="key") == ""
        assert len(locking.history("key")) == 2
        assert locking.refused("delete_object", **version, BypassGovernanceRetention=True) == ""
        assert locking.history("key") == ["marker"]

    def test_compliance_and_a_legal_hold_are_not_bypassed(self, locking: Place) -> None:
        version = write(locking, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=LATER)
        assert locking.refused("delete_object", **version, BypassGovernanceRetention=True) == "403 AccessDenied"
        held = write(locking, ObjectLockLegalHoldStatus="ON")
        assert locking.refused("delete_object", **held, BypassGovernanceRetention=True) == "403 AccessDenied"
        locking.ask("put_object_legal_hold", **held, LegalHold={"Status": "OFF"})
        assert locking.ask("get_object_legal_hold", **held)["LegalHold"]["Status"] == "OFF"
        assert locking.refused("delete_object", **held) == ""

    def test_retention_is_read_lengthened_and_not_shortened(self, locking: Place) -> None:
        version = write(locking)
        assert locking.refused("get_object_retention", **version) == "404 NoSuchObjectLockConfiguration"
        for mode, until in (("GOVERNANCE", SOONER), ("GOVERNANCE", LATER)):
            locking.ask("put_object_retention", **version, Retention={"Mode": mode, "RetainUntilDate": until})
        shorter = {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": SOONER}}
        assert locking.refused("put_object_retention", **version, **shorter) == "403 AccessDenied"
        assert locking.ask("get_object_retention", **version)["Retention"]["RetainUntilDate"] == LATER
        assert locking.refused("put_object_retention", **version, **shorter, BypassGovernanceRetention=True) == ""
        seen = locking.ask("head_object", **version)
        assert (seen["ObjectLockMode"], seen["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", SOONER)
        assert locking.refused("get_object_legal_hold", **version) == "404 NoSuchObjectLockConfiguration"

    def test_the_buckets_default_is_taken(self, locking: Place) -> None:
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
        locked = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        locking.ask("put_object_lock_configuration", ObjectLockConfiguration=locked)
        assert locking.ask("get_object_lock_configuration")["ObjectLockConfiguration"] == locked
        lock = locking.ask("get_object_retention", **write(locking))["Retention"]
        days = (lock["RetainUntilDate"] - dt.datetime.now(dt.UTC)).total_seconds() / 86_400
        assert (lock["Mode"], round(days)) == ("GOVERNANCE", 3)

    def test_a_bucket_without_it_says_so(self, place: Place) -> None:
        version = write(place)
        assert place.refused("get_object_retention", **version) == "400 InvalidRequest"
        assert place.refused("get_object_lock_configuration") == "404 ObjectLockConfigurationNotFoundError"
        assert place.refused("delete_object", **version, BypassGovernanceRetention=True) == "400 InvalidArgument"
        asked = {"Key": "x", "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": LATER}
        assert place.refused("put_object", **asked) == "400 InvalidRequest"

    def test_what_makes_no_sense_is_refused(self, locking: Place) -> None:
        past = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}
        assert locking.refused("put_object", Key="x", **past) == "400 InvalidArgument"
        assert locking.refused("put_object", Key="x", ObjectLockMode="GOVERNANCE") == "400 InvalidArgument"
        wrong = {"ObjectLockMode": "OTHER", "ObjectLockRetainUntilDate": LATER}
        assert locking.refused("put_object", Key="x", **wrong) == "400 InvalidArgument"
        assert locking.refused("put_object_legal_hold", **write(locking), LegalHold={"Status": "X"})[:3] == "400"

    def test_versioning_is_not_suspended(self, locking: Place) -> None:
        asked = {"VersioningConfiguration": {"Status": "Suspended"}}
        assert locking.refused("put_bucket_versioning", **asked) == "409 InvalidBucketState"
        assert locking.ask("get_bucket_versioning")["Status"] == "Enabled"


def test_mfa_delete_protects_versions_and_fails_a_whole_batch(place: Place) -> None:
    enabled = {"VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
    assert place.refused("put_bucket_versioning", **enabled) == "403 AccessDenied"
    place.ask("put_bucket_versioning", **enabled, MFA=MFA)
    assert place.ask("get_bucket_versioning")["MFADelete"] == "Enabled"
    version = write(place)
    assert place.refused("delete_object", **version) == "403 AccessDenied"
    assert place.refused("delete_objects", Delete={"Objects": [{"Key": "other"}, version]}) == "403 AccessDenied"
    assert place.history("other") == []
    assert place.refused("delete_object", Key="key") == ""
    rules = {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]}}
    assert place.refused("put_bucket_lifecycle_configuration", **rules) == "400 InvalidRequest"
    assert place.refused("delete_object", **version, MFA=MFA) == ""
    assert place.history("key") == ["marker"]


def deny(place: Place, action: Any, resource: str = "/*", **more: Any) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action,
                 "Resource": f"arn:aws:s3:::{place.name}{resource}"} | more  # fmt: skip
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    place.ask("put_bucket_policy", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow, statement]}))


class TestPolicy:
    def test_deletes_are_denied_under_a_prefix(self, place: Place) -> None:
        for key in ("deer/1", "elk/1"):
            place.put(key)
        deny(place, "s3:DeleteObject", "/deer/*")
        assert place.refused("delete_object", Key="deer/1") == "403 AccessDenied"
        answer = place.delete_many({"Key": "deer/1"}, {"Key": "elk/1"})
        assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("deer/1", "AccessDenied")]
        assert place.read("deer/1") == b"deer"
        place.ask("delete_bucket_policy")
        assert place.refused("delete_object", Key="deer/1") == ""

    def test_removing_versions_is_another_permission(self, place: Place) -> None:
        version = write(place)
        deny(place, ["s3:DeleteObjectVersion"])
        assert place.refused("delete_object", **version) == "403 AccessDenied"
        assert place.delete_many(version)["Errors"][0]["Code"] == "AccessDenied"
        assert place.refused("delete_object", Key="key") == ""

    def test_a_conditional_delete_must_be_allowed_to_read(self, place: Place) -> None:
        etag = place.put("key")
        deny(place, "s3:getobject")
        assert place.refused("get_object", Key="key") == "403 AccessDenied"
        assert place.refused("head_object", Key="key") == "403 403"
        assert place.refused("delete_object", Key="key", IfMatch=etag) == "403 AccessDenied"
        assert place.delete_many({"Key": "key", "ETag": etag})["Errors"][0]["Code"] == "AccessDenied"
        assert place.refused("copy_object", Key="copy", CopySource=f"{place.name}/key") == "403 AccessDenied"
        assert place.refused("delete_object", Key="key", IfMatch="*") == ""

    @pytest.mark.parametrize(
        ("action", "operation", "arguments"),
        [
            ("s3:GetLifecycleConfiguration", "get_bucket_lifecycle_configuration", {}),
            ("s3:GetReplicationConfiguration", "get_bucket_replication", {}),
            ("s3:GetBucketVersioning", "get_bucket_versioning", {}),
            ("s3:ListBucketVersions", "list_object_versions", {}),
            ("s3:ListBucket", "list_objects_v2", {}),
            ("s3:PutObject", "put_object", {"Key": "x"}),
            ("s3:PutObjectTagging", "put_object", {"Key": "x", "Tagging": "a=1"}),
            ("s3:GetObjectVersion", "get_object", {"Key": "x", "VersionId": "null"}),
            ("s3:GetObjectVersionTagging", "get_object_tagging", {"Key": "x", "VersionId": "null"}),
            ("s3:Get*", "get_object_acl", {"Key": "x"}),
        ],
    )
    def test_an_action_is_denied_by_its_own_name(
        self, place: Place, action: str, operation: str, arguments: dict[str, Any]
    ) -> None:
        deny(place, "s3:SomethingElse", "*")
        assert "403" not in place.refused(operation, **arguments)
        deny(place, action, "*")
        assert place.refused(operation, **arguments) == "403 AccessDenied"

    def test_conditional_deletes_can_be_required(self, place: Place) -> None:
        etag = place.put("key")
        deny(place, "s3:DeleteObject", Condition={"Null": {"s3:if-match": "true"}})
        assert place.refused("delete_object", Key="key") == "403 AccessDenied"
        assert place.delete_many({"Key": "key"})["Errors"][0]["Code"] == "AccessDenied"
        assert "Errors" not in place.delete_many({"Key": "key", "ETag": etag})

    def test_one_user_is_denied(self, place: Place, simulator: Simulator) -> None:
        place.put("key")
        deny(place, "s3:*", Principal={"AWS": "arn:aws:iam::123456789012:user/POOR"})
        poor = client(simulator, aws_access_key_id="POOR", aws_secret_access_key="x")  # noqa: S106 - simulated
        with pytest.raises(ClientError, match="explicit deny"):
            poor.get_object(Bucket=place.name, Key="key")
        assert place.read("key") == b"deer"

    def test_what_is_no_policy_is_refused(self, place: Place) -> None:
        assert place.refused("put_bucket_policy", Policy="{") == "400 MalformedPolicy"
        with pytest.raises(ClientError, match="not simulated"):
            deny(place, "s3:*", Condition={"StringLike": {}})
        assert place.refused("get_bucket_policy") == "404 NoSuchBucketPolicy"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("head_bucket", {}),
        ("get_bucket_versioning", {}),
        ("list_object_versions", {}),
        ("get_object", {"Key": "key"}),
        ("put_object", {"Key": "key"}),
        ("delete_object", {"Key": "key"}),
        ("delete_objects", {"Delete": {"Objects": [{"Key": "key"}]}}),
        ("put_object_tagging", {"Key": "key", "Tagging": {"TagSet": []}}),
    ],
)
def test_another_expected_owner_is_refused(place: Place, operation: str, arguments: dict[str, Any]) -> None:
    before = place.put("key")
    assert place.refused(operation, **arguments, ExpectedBucketOwner=OTHER)[:3] == "403"
    assert place.history("key") == [before.strip('"')]
    assert place.refused(operation, **arguments, ExpectedBucketOwner="123456789012") == ""


def test_credentials_expire_by_name_and_by_number(place: Place, simulator: Simulator) -> None:
    expired = client(simulator, aws_access_key_id="EXPIRED", aws_secret_access_key="x")  # noqa: S106 - simulated
    with pytest.raises(ClientError, match="ExpiredToken"):
        expired.get_bucket_location(Bucket=place.name)
    simulator.settings(expire_after=2)
    try:
        answers = [place.refused("put_object", Key=f"{number}") for number in range(3)]
        fresh = client(simulator, aws_access_key_id="FRESH", aws_secret_access_key="x")  # noqa: S106 - simulated
        fresh.put_object(Bucket=place.name, Key="fresh")
    finally:
        simulator.settings(expire_after=0)
    assert answers == ["", "", "400 ExpiredToken"]
    assert sorted(simulator.dump(place.name)["keys"]) == ["0", "1", "fresh"]
