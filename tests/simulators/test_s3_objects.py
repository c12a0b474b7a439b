"""What the simulated S3 keeps of an object and gives back: headers, ranges, checksums, tags, ACLs, encryption."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.simulators.s3 import checksums
from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Place:
    return Place(simulator, client(simulator))


@pytest.fixture
def with_acls(simulator: Simulator) -> Place:
    return Place(simulator, client(simulator), ObjectOwnership="ObjectWriter")


SAID: dict[str, Any] = {
    "ContentType": "image/jpeg",
    "ContentEncoding": "gzip",
    "ContentDisposition": 'attachment; filename="x"',
    "ContentLanguage": "de, en",
    "CacheControl": "max-age=1",
    "Metadata": {"camera": "7", "place": "a: b"},
    "StorageClass": "STANDARD_IA",
    "WebsiteRedirectLocation": "/elk",
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": "mine",
    "BucketKeyEnabled": True,
}


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_what_was_said_of_an_object_is_said_again(place: Place, operation: str) -> None:
    expires = dt.datetime(2031, 1, 2, tzinfo=dt.UTC)
    place.put("key", **SAID, Expires=expires, Tagging="a=1&b=%20")
    found = place.ask(operation, Key="key")
    assert {name: found[name] for name in SAID} == SAID
    assert (found["TagCount"], found["ContentLength"], found["AcceptRanges"]) == (2, 4, "bytes")
    assert found["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Thu, 02 Jan 2031 00:00:00 GMT"
    assert "VersionId" not in found


def test_a_plain_object_is_sse_s3_with_its_md5_as_etag(place: Place) -> None:
    etag = place.put("key")
    found = place.ask("get_object", Key="key")
    assert etag == found["ETag"] == f'"{hashlib.md5(b"deer", usedforsecurity=False).hexdigest()}"'
    assert (found["ContentType"], found["ServerSideEncryption"]) == ("binary/octet-stream", "AES256")
    assert "StorageClass" not in found
    under_kms = [place.put("kms", ServerSideEncryption="aws:kms") for _ in range(2)]
    assert len({etag, *under_kms}) == 3


@pytest.mark.parametrize(
    ("asked", "body", "said"),
    [
        ("bytes=1-2", b"ee", "bytes 1-2/4"),
        ("bytes=2-", b"er", "bytes 2-3/4"),
        ("bytes=-3", b"eer", "bytes 1-3/4"),
        ("bytes=0-99", b"deer", "bytes 0-3/4"),
        ("bytes=-99", b"deer", "bytes 0-3/4"),
        ("lines=1", b"deer", None),
    ],
)
def test_ranges(place: Place, asked: str, body: bytes, said: str | None) -> None:
    place.put("key")
    found = place.ask("get_object", Key="key", Range=asked)
    assert (found["Body"].read(), found.get("ContentRange")) == (body, said)
    assert place.ask("head_object", Key="key", Range=asked)["ContentLength"] == len(body)


def test_a_range_outside_is_refused(place: Place) -> None:
    place.put("key")
    assert place.refused("get_object", Key="key", Range="bytes=4-") == "416 InvalidRange"


def test_headers_of_the_answer_can_be_asked_for(place: Place) -> None:
    place.put("key", CacheControl="no-store")
    found = place.ask("get_object", Key="key", ResponseContentType="text/plain", ResponseCacheControl="public")
    assert (found["ContentType"], found["CacheControl"]) == ("text/plain", "public")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # of b"123456789": the check values of the CRC catalogue, and SHA's own
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", hashlib.sha1(b"123456789", usedforsecurity=False).hexdigest()),
        ("SHA256", hashlib.sha256(b"123456789").hexdigest()),
    ],
)
def test_checksums_are_right_kept_and_held_against_the_body(place: Place, name: str, expected: str) -> None:
    digest = checksums._DIGESTS[name](b"123456789")
    assert digest.hex() == expected
    given = {f"Checksum{name}": checksums.written(name, b"123456789")}
    assert place.refused("put_object", Key="key", Body=b"other", **given) == "400 BadDigest"
    assert place.refused("head_object", Key="key") == "404 404"
    written = place.ask("put_object", Key="key", Body=b"123456789", **given)
    assert {name: written[name] for name in given} == given
    found = place.ask("head_object", Key="key", ChecksumMode="ENABLED")
    assert ({name: found[name] for name in given}, found["ChecksumType"]) == (given, "FULL_OBJECT")
    assert f"Checksum{name}" not in place.ask("head_object", Key="key")
    listed = place.ask("list_objects_v2")["Contents"][0]
    assert listed["ChecksumAlgorithm"] == [name]


def test_what_is_no_value_of_a_setting_is_refused(place: Place) -> None:
    refused = place.refused
    assert refused("put_object", Key="key", StorageClass="OTHER") == "400 InvalidStorageClass"
    assert refused("put_object", Key="key", ServerSideEncryption="OTHER") == "400 InvalidArgument"
    assert refused("put_object", Key="key", Metadata={"a": "x" * 2049}) == "400 MetadataTooLarge"
    assert refused("put_object", Key="é" * 513) == "400 KeyTooLongError"
    assert refused("put_object", Key="key", SSECustomerAlgorithm="AES256") == "400 InvalidRequest"
    assert place.simulator.dump(place.name)["keys"] == {}


class TestTags:
    def test_they_are_put_read_and_deleted_and_change_nothing_else(self, place: Place) -> None:
        place.turn("Enabled")
        version = place.ask("put_object", Key="key", Body=b"deer", Tagging="a=1")["VersionId"]
        place.put("key", b"newer")
        before = place.ask("head_object", Key="key", VersionId=version)
        tags = [{"Key": "b", "Value": ""}, {"Key": "ü&<", "Value": "/"}]
        place.ask("put_object_tagging", Key="key", VersionId=version, Tagging={"TagSet": tags})
        found = place.ask("get_object_tagging", Key="key", VersionId=version)
        assert (found["TagSet"], found["VersionId"]) == (tags, version)
        assert place.ask("get_object_tagging", Key="key")["TagSet"] == []
        after = place.ask("head_object", Key="key", VersionId=version)
        assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
        place.ask("delete_object_tagging", Key="key", VersionId=version)
        assert place.ask("get_object_tagging", Key="key", VersionId=version)["TagSet"] == []
        assert place.read("key", VersionId=version) == b"deer"

    @pytest.mark.parametrize(
        ("tags", "code"),
        [
            ([{"Key": f"{number}", "Value": ""} for number in range(11)], "BadRequest"),
            ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
            ([{"Key": "a" * 129, "Value": ""}], "InvalidTag"),
            ([{"Key": "a", "Value": "1" * 257}], "InvalidTag"),
        ],
    )
    def test_their_limits(self, place: Place, tags: list[dict[str, str]], code: str) -> None:
        place.put("key", Tagging="old=1")
        assert place.refused("put_object_tagging", Key="key", Tagging={"TagSet": tags}) == f"400 {code}"
        assert place.newest("key")["tags"] == {"old": "1"}

    def test_a_header_that_is_no_query_is_refused(self, place: Place) -> None:
        assert place.refused("put_object", Key="key", Tagging="a") == "400 InvalidArgument"
        absent: dict[str, Any] = {"Key": "never", "Tagging": {"TagSet": []}}
        assert place.refused("put_object_tagging", **absent) == "404 NoSuchKey"


class TestAcls:
    def grants(self, place: Place) -> list[tuple[str, str]]:
        grants = place.ask("get_object_acl", Key="key")["Grants"]
        return [(grant["Grantee"].get("URI", "").rpartition("/")[2], grant["Permission"]) for grant in grants]

    @pytest.mark.parametrize(
        ("canned", "more"),
        [
            ("private", []),
            ("bucket-owner-read", []),
            ("public-read", [("AllUsers", "READ")]),
            ("public-read-write", [("AllUsers", "READ"), ("AllUsers", "WRITE")]),
            ("authenticated-read", [("AuthenticatedUsers", "READ")]),
        ],
    )
    def test_canned_ones(self, with_acls: Place, canned: str, more: list[tuple[str, str]]) -> None:
        with_acls.put("key", ACL=canned)
        assert self.grants(with_acls) == [("", "FULL_CONTROL"), *more]

    def test_grants_are_kept_as_they_were_given_and_can_be_given_back(self, with_acls: Place) -> None:
        with_acls.put("key", GrantRead='id="abc", uri="http://acs.amazonaws.com/groups/global/AllUsers"')
        found = with_acls.ask("get_object_acl", Key="key")
        assert [grant["Grantee"]["Type"] for grant in found["Grants"]] == ["CanonicalUser", "Group"]
        with_acls.put("other")
        policy = {name: found[name] for name in ("Grants", "Owner")}
        with_acls.ask("put_object_acl", Key="other", AccessControlPolicy=policy)
        assert with_acls.newest("other")["grants"] == with_acls.newest("key")["grants"]
        with_acls.ask("put_object_acl", Key="other", ACL="private")
        assert len(with_acls.newest("other")["grants"]) == 1

    def test_a_new_bucket_takes_none(self, place: Place) -> None:
        assert place.refused("put_object", Key="key", ACL="public-read") == "400 AccessControlListNotSupported"
        assert place.refused("put_object", Key="key", ACL="bucket-owner-full-control") == ""
        assert place.refused("put_object_acl", Key="key", ACL="private") == "400 AccessControlListNotSupported"
        place.ask("delete_bucket_ownership_controls")
        assert place.refused("put_object_acl", Key="key", ACL="public-read") == ""

    def test_what_is_none_is_refused(self, with_acls: Place) -> None:
        with_acls.put("key")
        assert with_acls.refused("put_object", Key="x", ACL="other") == "400 InvalidArgument"
        assert with_acls.refused("put_object", Key="x", ACL="private", GrantRead="id=a") == "400 InvalidRequest"
        assert with_acls.refused("put_object", Key="x", GrantRead="all") == "400 InvalidArgument"
        wrong: dict[str, Any] = {"Grants": [{"Permission": "READ"}]}
        assert with_acls.refused("put_object_acl", Key="key", AccessControlPolicy=wrong) == "400 MalformedXML"


class TestBuckets:
    RULE: ClassVar = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "a/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}  # fmt: skip
    ABSENT = (
        ("get_bucket_lifecycle_configuration", "404 NoSuchLifecycleConfiguration"),
        ("get_bucket_replication", "404 ReplicationConfigurationNotFoundError"),
        ("get_bucket_policy", "404 NoSuchBucketPolicy"),
        ("get_object_lock_configuration", "404 ObjectLockConfigurationNotFoundError"),
        ("get_bucket_tagging", "404 NoSuchTagSet"),
        ("get_bucket_cors", "404 NoSuchCORSConfiguration"),
        ("get_public_access_block", "404 NoSuchPublicAccessBlockConfiguration"),
    )

    @pytest.mark.parametrize(("operation", "code"), ABSENT)
    def test_what_is_not_configured_has_its_own_code(self, place: Place, operation: str, code: str) -> None:
        assert place.refused(operation) == code

    def test_lifecycle_rules_are_kept_and_deleted(self, place: Place) -> None:
        place.ask("put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [self.RULE]})
        assert place.ask("get_bucket_lifecycle_configuration")["Rules"] == [self.RULE]
        empty: dict[str, Any] = {"LifecycleConfiguration": {"Rules": []}}
        assert place.refused("put_bucket_lifecycle_configuration", **empty) == "400 MalformedXML"
        place.ask("delete_bucket_lifecycle")
        assert place.refused("get_bucket_lifecycle_configuration") == "404 NoSuchLifecycleConfiguration"

    def test_replication_needs_versioning(self, place: Place) -> None:
        rule = {"Status": "Enabled", "Priority": 1, "Destination": {"Bucket": "arn:aws:s3:::other"},
                "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Enabled"}}  # fmt: skip
        given = {"ReplicationConfiguration": {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}}
        assert place.refused("put_bucket_replication", **given) == "400 InvalidRequest"
        locks = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
        assert place.refused("put_object_lock_configuration", **locks) == "409 InvalidBucketState"
        place.turn("Enabled")
        place.ask("put_bucket_replication", **given)
        assert place.ask("get_bucket_replication")["ReplicationConfiguration"] == given["ReplicationConfiguration"]

    def test_ownership_and_encryption_are_those_of_a_new_bucket(self, place: Place) -> None:
        rules = place.ask("get_bucket_ownership_controls")["OwnershipControls"]["Rules"]
        assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        given = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        place.ask("put_bucket_ownership_controls", OwnershipControls=given)
        assert place.ask("get_bucket_ownership_controls")["OwnershipControls"] == given
        place.ask("delete_bucket_ownership_controls")
        assert place.refused("get_bucket_ownership_controls") == "404 OwnershipControlsNotFoundError"
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "mine"}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
        place.ask("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]})
        found = place.ask("put_object", Key="key", Body=b"deer")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"], found["BucketKeyEnabled"]) == (
            "aws:kms",
            "mine",
            True,
        )

    def test_a_bucket_is_found_listed_located_and_deleted_when_empty(self, place: Place) -> None:
        headers = place.ask("head_bucket")["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-bucket-region"] == "us-east-1"
        assert place.ask("get_bucket_location")["LocationConstraint"] is None
        assert place.name in [one["Name"] for one in place.s3.list_buckets()["Buckets"]]
        place.put("key")
        assert place.refused("delete_bucket") == "409 BucketNotEmpty"
        place.ask("delete_object", Key="key")
        place.ask("delete_bucket")
        assert place.refused("head_bucket") == "404 404"
        assert place.refused("list_objects_v2") == "404 NoSuchBucket"

    def test_a_name_is_taken_once_and_must_be_one(self, place: Place, simulator: Simulator) -> None:
        assert place.refused("create_bucket") == ""
        there = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
        other = Place(simulator, place.s3, **there)
        assert other.ask("get_bucket_location")["LocationConstraint"] == "eu-west-1"
        assert other.refused("create_bucket", **there) == "409 BucketAlreadyOwnedByYou"
        other.name = f"Not_{uuid.uuid4().hex}"
        assert other.refused("create_bucket") == "400 InvalidBucketName"
