"""Conditions of the simulated S3: each as AWS honours it, and each ignored where the simulator is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG = '"00000000000000000000000000000000"'


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Iterator[Place]:
    yield Place(simulator, client(simulator))
    simulator.settings(**{f"ignore_{name}": False for name in IGNORED})


IGNORED = ("delete_if_match", "bulk_etag", "copy_if_none_match", "copy_source_if_match", "put_conditions")


def source(place: Place, key: str = "deer") -> dict[str, Any]:
    return {"CopySource": {"Bucket": place.name, "Key": key}}


@pytest.mark.parametrize(("operation", "more"), [("put_object", {"Body": b"new"}), ("copy_object", None)])
class TestOnWhatAWriteReplaces:
    @pytest.fixture
    def write(self, place: Place, operation: str, more: dict[str, Any] | None) -> Any:
        place.put("source", b"new")
        arguments = source(place, "source") if more is None else more
        return lambda **conditions: place.refused(operation, Key="key", **arguments, **conditions)

    def test_if_none_match_writes_a_new_key_once(self, place: Place, write: Any) -> None:
        assert [write(IfNoneMatch="*"), write(IfNoneMatch="*")] == ["", "412 PreconditionFailed"]
        assert place.read("key") == b"new"

    def test_if_none_match_keeps_what_is_there(self, place: Place, write: Any) -> None:
        place.put("key", b"old")
        assert write(IfNoneMatch="*") == "412 PreconditionFailed"
        assert place.read("key") == b"old"

    def test_if_none_match_writes_over_a_delete_marker(self, place: Place, write: Any) -> None:
        place.turn("Enabled")
        etag = place.put("key", b"old")
        place.ask("delete_object", Key="key")
        assert write(IfMatch=etag) == "404 NoSuchKey"
        assert write(IfNoneMatch="*") == ""
        assert len(place.history("key")) == 3

    def test_if_match_takes_the_etag_with_and_without_quotes(self, place: Place, write: Any) -> None:
        etag = place.put("key", b"old")
        assert write(IfMatch=WRONG) == "412 PreconditionFailed"
        assert place.read("key") == b"old"
        assert write(IfMatch=etag) == ""
        assert write(IfMatch=place.newest("key")["etag"]) == ""

    def test_if_match_writes_no_new_key(self, place: Place, write: Any) -> None:
        assert write(IfMatch=WRONG) == "404 NoSuchKey"
        assert place.refused("head_object", Key="key") == "404 404"

    def test_what_s3_does_not_implement_is_refused(self, place: Place, write: Any) -> None:
        etag = place.put("key", b"old")
        for conditions in ({"IfMatch": "*"}, {"IfNoneMatch": etag}, {"IfMatch": etag, "IfNoneMatch": "*"}):
            assert write(**conditions) == "501 NotImplemented"
        assert place.read("key") == b"old"

    def test_the_simulator_can_ignore_them(self, place: Place, operation: str, write: Any) -> None:
        place.put("key", b"old")
        ignore = "ignore_put_conditions" if operation == "put_object" else "ignore_copy_if_none_match"
        place.simulator.settings(**{ignore: True})
        assert write(IfNoneMatch="*") == ""
        assert place.read("key") == b"new"
        assert write(IfMatch=WRONG) == ""


@pytest.mark.parametrize("versioning", ["", "Enabled", "Suspended"])
class TestOfADelete:
    @pytest.fixture
    def etag(self, place: Place, versioning: str) -> str:
        if versioning:
            place.turn(versioning)
        return place.put("key")

    def test_only_the_right_etag_deletes(self, place: Place, etag: str) -> None:
        assert place.refused("delete_object", Key="key", IfMatch=WRONG) == "412 PreconditionFailed"
        assert place.read("key") == b"deer"
        assert place.refused("delete_object", Key="key", IfMatch=etag) == ""
        assert place.refused("head_object", Key="key") == "404 404"

    def test_a_second_time_there_is_no_such_key_and_nothing_changes(self, place: Place, etag: str) -> None:
        place.ask("delete_object", Key="key", IfMatch=etag)
        before = place.history("key")
        assert place.refused("delete_object", Key="key", IfMatch=etag) == "404 NoSuchKey"
        assert place.refused("delete_object", Key="never", IfMatch="*") == "404 NoSuchKey"
        assert place.history("key") == before

    def test_a_star_is_any_object(self, place: Place, etag: str) -> None:
        assert etag
        assert place.refused("delete_object", Key="key", IfMatch="*") == ""

    def test_in_bulk_each_key_has_its_own(self, place: Place, etag: str) -> None:
        place.put("other")
        keys = [{"Key": "key", "ETag": etag}, {"Key": "other", "ETag": WRONG}, {"Key": "never", "ETag": etag}]
        answer = place.delete_many(*keys)
        assert [one["Key"] for one in answer["Deleted"]] == ["key"]
        assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [
            ("other", "PreconditionFailed"),
            ("never", "NoSuchKey"),
        ]
        assert place.read("other") == b"deer"
        assert place.refused("head_object", Key="key") == "404 404"
        assert place.history("never") == []

    def test_the_simulator_can_ignore_them(self, place: Place, etag: str) -> None:
        assert etag
        place.put("other")
        place.simulator.settings(ignore_delete_if_match=True)
        assert place.refused("delete_object", Key="key", IfMatch=WRONG) == ""
        assert place.delete_many({"Key": "other", "ETag": WRONG})["Errors"][0]["Code"] == "PreconditionFailed"
        place.simulator.settings(ignore_bulk_etag=True)
        assert "Errors" not in place.delete_many({"Key": "other", "ETag": WRONG})
        assert place.refused("head_object", Key="other") == "404 404"


def test_a_condition_beside_a_version_id_is_on_the_current_version(place: Place) -> None:
    place.turn("Enabled")
    old = place.ask("put_object", Key="key", Body=b"old")
    new = place.put("key", b"new")
    asked = {"Key": "key", "VersionId": old["VersionId"]}
    assert place.refused("delete_object", **asked, IfMatch=old["ETag"]) == "412 PreconditionFailed"
    assert place.refused("delete_object", **asked, IfMatch=new) == ""
    assert place.history("key") == [new.strip('"')]


def test_conditions_that_only_directory_buckets_know_are_refused(place: Place) -> None:
    place.put("key")
    assert place.refused("delete_object", Key="key", IfMatchSize=4) == "501 NotImplemented"
    answer = place.delete_many({"Key": "key", "Size": 4})
    assert answer["Errors"][0]["Code"] == "NotImplemented"
    assert place.read("key") == b"deer"


def test_conditions_on_a_copys_source_are_412(place: Place) -> None:
    etag = place.put("deer")
    for wrong in ({"CopySourceIfMatch": WRONG}, {"CopySourceIfNoneMatch": etag}):
        assert place.refused("copy_object", Key="copy", **source(place), **wrong) == "412 PreconditionFailed"
    assert place.history("copy") == []
    assert place.refused("copy_object", Key="copy", **source(place), CopySourceIfMatch=etag) == ""
    place.simulator.settings(ignore_copy_source_if_match=True)
    assert place.refused("copy_object", Key="copy", **source(place), CopySourceIfMatch=WRONG) == ""


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_conditions_of_reading(place: Place, operation: str) -> None:
    etag = place.put("key")
    now = place.ask("head_object", Key="key")["LastModified"]
    names = {"get_object": ("412 PreconditionFailed", "304 NotModified"), "head_object": ("412 412", "304 304")}
    failed, same = names[operation]
    assert place.refused(operation, Key="key", IfMatch=WRONG) == failed
    assert place.refused(operation, Key="key", IfMatch=etag) == ""
    assert place.refused(operation, Key="key", IfNoneMatch=WRONG) == ""
    assert place.refused(operation, Key="key", IfNoneMatch=etag)[:3] == same[:3]
    assert place.refused(operation, Key="key", IfModifiedSince=now)[:3] == "304"
    assert place.refused(operation, Key="key", IfUnmodifiedSince=now) == ""
    past = now.replace(year=now.year - 1)
    assert place.refused(operation, Key="key", IfUnmodifiedSince=past) == failed
    assert place.refused(operation, Key="key", IfModifiedSince=past) == ""
