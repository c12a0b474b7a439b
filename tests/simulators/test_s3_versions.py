"""Versions and delete markers of the simulated S3, without versioning, with it, and where it is suspended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

MALFORMED = "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Place:
    return Place(simulator, client(simulator))


@pytest.fixture
def versioned(place: Place) -> Place:
    place.turn("Enabled")
    return place


def test_versioning_is_unset_then_enabled_then_suspended(place: Place) -> None:
    assert "Status" not in place.ask("get_bucket_versioning")
    for status in ("Enabled", "Suspended"):
        place.turn(status)
        assert place.ask("get_bucket_versioning")["Status"] == status


def test_without_versioning_a_delete_is_for_good_and_an_absent_key_no_error(place: Place) -> None:
    place.put("key")
    assert place.ask("delete_object", Key="key")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert place.ask("delete_object", Key="key")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert place.history("key") == []


@pytest.mark.parametrize("version_id", [MALFORMED, "0123456789abcdef.Qs1mV5LtFtjoIl_"])
def test_without_versioning_only_null_is_a_version_id(place: Place, version_id: str) -> None:
    place.put("key")
    assert place.refused("delete_object", Key="key", VersionId=version_id) == "400 InvalidArgument"
    answer = place.delete_many({"Key": "key", "VersionId": version_id})
    assert [one["Code"] for one in answer["Errors"]] == ["NoSuchVersion"]
    assert place.read("key", VersionId="null") == b"deer"
    assert place.refused("delete_object", Key="key", VersionId="null") == ""
    assert place.history("key") == []


def test_a_delete_marker_hides_the_object_and_its_removal_shows_it_again(versioned: Place) -> None:
    written = versioned.ask("put_object", Key="key", Body=b"deer")
    marker = versioned.ask("delete_object", Key="key")
    assert marker["DeleteMarker"]
    assert versioned.refused("get_object", Key="key") == "404 NoSuchKey"
    assert versioned.read("key", VersionId=written["VersionId"]) == b"deer"
    removed = versioned.ask("delete_object", Key="key", VersionId=marker["VersionId"])
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker["VersionId"])
    assert versioned.read("key") == b"deer"


def test_a_delete_makes_a_marker_for_an_absent_key_and_on_a_marker(versioned: Place) -> None:
    ids = {versioned.ask("delete_object", Key="never")["VersionId"] for _ in range(2)}
    assert len(ids) == 2
    assert versioned.history("never") == ["marker", "marker"]


def test_a_marker_says_so(versioned: Place) -> None:
    marker = versioned.ask("delete_object", Key="key")["VersionId"]
    assert versioned.refused("get_object", Key="key", VersionId=marker) == "405 MethodNotAllowed"
    assert versioned.refused("put_object_tagging", Key="key", VersionId=marker, Tagging={"TagSet": []})[:3] == "405"
    with pytest.raises(versioned.s3.exceptions.ClientError) as raised:
        versioned.ask("head_object", Key="key")
    headers = raised.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)


def test_removing_a_version_twice_is_no_error_but_what_is_no_id_is(versioned: Place) -> None:
    old = versioned.ask("put_object", Key="key", Body=b"old")["VersionId"]
    new = versioned.put("key", b"new").strip('"')
    for _ in range(2):
        assert versioned.refused("delete_object", Key="key", VersionId=old) == ""
    assert versioned.refused("get_object", Key="key", VersionId=old) == "404 NoSuchVersion"
    assert versioned.refused("get_object", Key="key", VersionId=MALFORMED) == "400 InvalidArgument"
    assert versioned.refused("delete_object", Key="key", VersionId=MALFORMED) == "400 InvalidArgument"
    assert versioned.history("key") == [new]


def test_removing_the_newest_shows_the_one_below_and_the_last_leaves_no_key(versioned: Place) -> None:
    ids = [versioned.ask("put_object", Key="key", Body=body)["VersionId"] for body in (b"1", b"2", b"3")]
    versioned.ask("delete_object", Key="key", VersionId=ids[2])
    assert versioned.read("key") == b"2"
    versioned.ask("delete_object", Key="key", VersionId=ids[0])
    versioned.ask("delete_object", Key="key", VersionId=ids[1])
    assert "Versions" not in versioned.ask("list_object_versions")


def test_what_was_there_before_versioning_stays_as_the_null_version(place: Place) -> None:
    place.put("key", b"before")
    place.turn("Enabled")
    place.put("key", b"after")
    assert place.read("key", VersionId="null") == b"before"
    assert len(place.history("key")) == 2


def test_where_versioning_is_suspended_only_the_null_version_goes(versioned: Place) -> None:
    kept = versioned.put("key", b"kept").strip('"')
    versioned.turn("Suspended")
    versioned.put("key", b"lost")
    second = versioned.ask("put_object", Key="key", Body=b"null")
    assert second["VersionId"] == "null"
    assert versioned.history("key") == [second["ETag"].strip('"'), kept]
    marker = versioned.ask("delete_object", Key="key")
    assert (marker["VersionId"], marker["DeleteMarker"]) == ("null", True)
    assert versioned.history("key") == ["marker", kept]
    versioned.ask("delete_object", Key="key")
    assert versioned.history("key") == ["marker", kept]
    versioned.put("key", b"again")
    assert len(versioned.history("key")) == 2
    versioned.ask("delete_object", Key="key", VersionId="null")
    assert versioned.read("key") == b"kept"


def test_a_null_version_below_others_is_replaced_by_the_next_one(place: Place) -> None:
    place.put("key", b"null")
    place.turn("Enabled")
    place.put("key", b"one")
    place.turn("Suspended")
    place.put("key", b"new null")
    assert [place.read("key"), len(place.history("key"))] == [b"new null", 2]


def test_times_are_whole_seconds_and_the_clock_can_be_shifted(place: Place) -> None:
    place.put("key")
    listed = place.ask("list_object_versions")["Versions"][0]["LastModified"]
    assert listed.microsecond == 0
    assert place.ask("head_object", Key="key")["LastModified"] == listed
    place.simulator.settings(clock_shift=7200)
    try:
        answer = place.ask("put_object", Key="key", Body=b"later")
        assert (place.ask("head_object", Key="key")["LastModified"] - listed).total_seconds() >= 7200
    finally:
        place.simulator.settings(clock_shift=0)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"].endswith("GMT")
    assert answer["ResponseMetadata"]["RequestId"]


def test_what_the_server_does_not_know_is_501_and_changes_nothing(place: Place) -> None:
    place.put("key")
    assert place.refused("restore_object", Key="key", RestoreRequest={"Days": 1}) == "501 NotImplemented"
    assert place.refused("create_multipart_upload", Key="key") == "501 NotImplemented"
    assert place.refused("put_bucket_website", WebsiteConfiguration={}) == "501 NotImplemented"
    assert place.read("key") == b"deer"
