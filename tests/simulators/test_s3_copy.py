"""CopyObject of the simulated S3: what a copy keeps, and what it does not."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"0123456789abcdef0123456789abcdef"
SSE_C: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
SOURCE_C = {f"CopySource{name}": value for name, value in SSE_C.items()}
LATER = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
CONTENT: dict[str, Any] = {
    "ContentType": "image/jpeg",
    "ContentEncoding": "identity",
    "ContentDisposition": "inline",
    "ContentLanguage": "de",
    "CacheControl": "no-store",
    "Expires": dt.datetime(2031, 1, 2, tzinfo=dt.UTC),
    "Metadata": {"camera": "7"},
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Place:
    return Place(simulator, client(simulator), ObjectOwnership="ObjectWriter", ObjectLockEnabledForBucket=True)


KEPT = ("headers", "metadata", "tags", "etag", "size", "sha256", "checksum")


def test_content_headers_metadata_tags_and_checksum_are_kept(place: Place) -> None:
    place.put("deer", **CONTENT, Tagging="a=1&b=2", ChecksumAlgorithm="SHA256")
    answer = place.copy("deer", "copy")
    source, copy = place.newest("deer"), place.newest("copy")
    assert {name: copy[name] for name in KEPT} == {name: source[name] for name in KEPT}
    assert len(copy["headers"]) == 6
    assert answer["CopyObjectResult"]["ETag"] == f'"{copy["etag"]}"'
    assert answer["CopyObjectResult"]["ChecksumSHA256"]
    assert answer["CopySourceVersionId"] == source["version_id"]


def test_acl_class_encryption_lock_and_redirect_are_not_kept(place: Place) -> None:
    place.put(
        "deer", ACL="public-read", StorageClass="STANDARD_IA", ServerSideEncryption="aws:kms",
        WebsiteRedirectLocation="/elk", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=LATER,
        ObjectLockLegalHoldStatus="ON",
    )  # fmt: skip
    place.copy("deer", "copy")
    source, copy = place.newest("deer"), place.newest("copy")
    for name in ("grants", "storage_class", "encryption", "redirect", "lock", "etag"):
        assert source[name] != copy[name]
    assert (copy["storage_class"], len(copy["grants"]), copy["encryption"]["kind"]) == ("STANDARD", 1, "AES256")
    assert copy["lock"] == {"mode": "", "until": 0, "hold": ""}


def test_what_is_asked_for_is_given(place: Place) -> None:
    place.put("deer")
    place.copy(
        "deer", "copy", ACL="authenticated-read", StorageClass="GLACIER_IR", ServerSideEncryption="aws:kms",
        SSEKMSKeyId="mine", WebsiteRedirectLocation="/elk", ObjectLockLegalHoldStatus="ON",
    )  # fmt: skip
    copy = place.newest("copy")
    assert (copy["storage_class"], copy["redirect"], copy["lock"]["hold"]) == ("GLACIER_IR", "/elk", "ON")
    assert (copy["encryption"]["kms_key"], len(copy["grants"])) == ("mine", 2)


def test_directives_replace(place: Place) -> None:
    place.put("deer", **CONTENT, Tagging="a=1")
    place.copy("deer", "metadata", MetadataDirective="REPLACE", Metadata={"x": "y"})
    place.copy("deer", "tags", TaggingDirective="REPLACE", Tagging="b=2")
    metadata, tags = place.newest("metadata"), place.newest("tags")
    assert (metadata["metadata"], metadata["headers"]) == ({"x": "y"}, {"content-type": "binary/octet-stream"})
    assert metadata["tags"] == {"a": "1"}
    assert (tags["tags"], tags["metadata"]) == ({"b": "2"}, {"camera": "7"})
    assert place.refused("copy_object", Key="x", CopySource=f"{place.name}/deer", TaggingDirective="X")[:3] == "400"


def test_a_copy_of_an_upload_in_parts_has_a_plain_etag(place: Place) -> None:
    place.simulator.seed(place.name, key="deer", size=1000, parts=2)
    assert place.ask("head_object", Key="deer")["ETag"].endswith('-2"')
    assert "-" not in place.copy("deer", "copy")["CopyObjectResult"]["ETag"]
    assert place.read("copy") == place.read("deer")


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_neither_read_nor_copied(place: Place, storage_class: str) -> None:
    place.put("deer", StorageClass=storage_class)
    assert place.refused("get_object", Key="deer") == "403 InvalidObjectState"
    assert place.refused("copy_object", Key="copy", CopySource=f"{place.name}/deer") == "403 InvalidObjectState"
    assert place.ask("head_object", Key="deer")["StorageClass"] == storage_class


def test_over_5_gb_nothing_is_copied(place: Place) -> None:
    place.simulator.seed(place.name, key="deer", size=5 * 1024**3 + 1)
    assert place.ask("head_object", Key="deer")["ContentLength"] == 5 * 1024**3 + 1
    assert place.refused("copy_object", Key="copy", CopySource=f"{place.name}/deer") == "400 InvalidRequest"


def test_an_object_is_not_copied_onto_itself_without_a_change_but_an_old_version_is(place: Place) -> None:
    old = place.ask("put_object", Key="deer", Body=b"old")["VersionId"]
    place.put("deer", b"new")
    itself = {"Key": "deer", "CopySource": f"{place.name}/deer"}
    assert place.refused("copy_object", **itself) == "400 InvalidRequest"
    assert place.refused("copy_object", **itself, StorageClass="STANDARD") == ""
    place.ask("copy_object", Key="deer", CopySource={"Bucket": place.name, "Key": "deer", "VersionId": old})
    assert place.read("deer") == b"old"
    assert len(place.history("deer")) == 4


def test_sources_that_are_none(place: Place) -> None:
    def refused(**source: str) -> str:
        return place.refused("copy_object", Key="copy", CopySource={"Bucket": place.name} | source)

    marker = place.ask("delete_object", Key="gone")["VersionId"]
    assert refused(Key="never") == "404 NoSuchKey"
    assert refused(Key="gone") == "404 NoSuchKey"
    assert refused(Key="gone", VersionId=marker) == "400 InvalidRequest"
    assert refused(Key="gone", VersionId="zz") == "400 InvalidArgument"
    assert refused(Bucket="nowhere-1", Key="gone") == "404 NoSuchBucket"
    assert place.refused("copy_object", Key="copy", CopySource="nothing") == "400 InvalidArgument"
    assert place.history("copy") == []


@pytest.mark.parametrize("key", ["a b+c%41?versionId=x", "größe/鹿", "a/../b", "\x01\n", "?#&"])
def test_odd_keys_are_copied_exactly(place: Place, key: str) -> None:
    version = place.ask("put_object", Key=key, Body=key.encode())["VersionId"]
    place.copy(key, f"copy/{key}")
    place.ask("copy_object", Key="again", CopySource={"Bucket": place.name, "Key": key, "VersionId": version})
    assert place.read(f"copy/{key}") == place.read("again") == key.encode()


def test_sse_c_needs_the_key_to_read_and_to_copy(place: Place) -> None:
    etag = place.put("deer", **SSE_C)
    other = SSE_C | {"SSECustomerKey": KEY[::-1]}
    assert place.refused("get_object", Key="deer") == "400 InvalidRequest"
    assert place.refused("get_object", Key="deer", **other) == "403 AccessDenied"
    assert place.read("deer", **SSE_C) == b"deer"
    assert place.refused("copy_object", Key="copy", CopySource=f"{place.name}/deer") == "400 InvalidRequest"
    place.copy("deer", "copy", **SOURCE_C)
    assert place.read("copy") == b"deer"
    assert place.refused("get_object", Key="copy", **SSE_C) == "400 InvalidRequest"
    assert etag != place.ask("head_object", Key="copy")["ETag"]
    wrong = SSE_C | {"SSECustomerKey": base64.b64encode(KEY).decode(), "SSECustomerKeyMD5": "AAAA"}
    assert place.refused("put_object", Key="x", **wrong) == "400 InvalidArgument"


def test_the_expected_owner_of_the_source_is_checked(place: Place) -> None:
    place.put("deer")
    source = {"Key": "copy", "CopySource": f"{place.name}/deer"}
    assert place.refused("copy_object", **source, ExpectedSourceBucketOwner="210987654321") == "403 AccessDenied"
    assert place.refused("copy_object", **source, ExpectedSourceBucketOwner="123456789012") == ""
