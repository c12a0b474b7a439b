"""DeleteObjects of the simulated S3: its limits, its digest, and what it says of each key."""

from __future__ import annotations

import base64
import hashlib
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

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
    one = Place(simulator, client(simulator))
    one.turn("Enabled")
    return one


def post(place: Place, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(place.simulator.url).netloc, timeout=10)
    try:
        connection.request(
            "POST", f"/{place.name}?delete", body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


BODY = b"<Delete><Object><Key>key</Key></Object></Delete>"


def test_a_thousand_keys_are_the_most(place: Place) -> None:
    keys: list[dict[str, Any]] = [{"Key": f"{number}"} for number in range(1001)]
    assert len(place.delete_many(*keys[:1000])["Deleted"]) == 1000
    assert place.refused("delete_objects", Delete={"Objects": keys}) == "400 MalformedXML"
    assert place.history("1000") == []
    assert place.refused("delete_objects", Delete={"Objects": []}) == "400 MalformedXML"


def test_a_quiet_answer_names_only_errors(place: Place) -> None:
    place.put("key")
    answer = place.delete_many({"Key": "key"}, {"Key": "other", "ETag": "none"}, quiet=True)
    assert "Deleted" not in answer
    assert [one["Key"] for one in answer["Errors"]] == ["other"]
    assert place.history("key")[0] == "marker"


def test_markers_are_made_and_removed_by_their_ids(place: Place) -> None:
    etag = place.put("key").strip('"')
    made = place.delete_many({"Key": "key"}, {"Key": "never"})["Deleted"]
    assert [(one["Key"], one["DeleteMarker"], "VersionId" in one) for one in made] == [
        ("key", True, False),
        ("never", True, False),
    ]
    markers = [{"Key": one["Key"], "VersionId": one["DeleteMarkerVersionId"]} for one in made]
    removed = place.delete_many(*markers)["Deleted"]
    assert [(one["VersionId"], one["DeleteMarkerVersionId"]) for one in removed] == [
        (one["VersionId"], one["VersionId"]) for one in markers
    ]
    assert (place.history("key"), place.history("never")) == ([etag], [])


def test_a_content_version_is_removed_for_good_and_a_key_may_stand_twice(place: Place) -> None:
    ids = [place.ask("put_object", Key="key", Body=body)["VersionId"] for body in (b"1", b"2")]
    answer = place.delete_many({"Key": "key", "VersionId": ids[1]}, {"Key": "key"}, {"Key": "key"})
    assert [one.get("VersionId") for one in answer["Deleted"]] == [ids[1], None, None]
    assert "DeleteMarker" not in answer["Deleted"][0]
    assert place.history("key")[:2] == ["marker", "marker"]
    assert len(place.history("key")) == 3


def test_a_control_character_fails_the_whole_batch_and_a_single_delete_takes_it(place: Place) -> None:
    place.put("key")
    place.put("a\x01b")
    assert place.refused("delete_objects", Delete={"Objects": [{"Key": "key"}, {"Key": "a\x01b"}]})[:3] == "400"
    assert "marker" not in place.history("key") + place.history("a\x01b")
    place.ask("delete_object", Key="a\x01b")
    assert place.history("a\x01b")[0] == "marker"


@pytest.mark.parametrize("key", ["cr\rlf\nx", "<&>\"'", " a+b%20 ", "größe/鹿.jpg", "\U0010ffff", "a/../b", "//x"])
def test_other_odd_keys_are_deleted_exactly(place: Place, key: str) -> None:
    place.put(key)
    assert place.delete_many({"Key": key})["Deleted"][0]["Key"] == key
    assert place.history(key)[0] == "marker"


def test_a_key_that_is_too_long_is_an_error_of_its_own(place: Place) -> None:
    answer = place.delete_many({"Key": "é" * 513}, {"Key": "é" * 512})
    assert [one["Code"] for one in answer["Errors"]] == ["KeyTooLongError"]
    assert len(answer["Deleted"]) == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (400, b"InvalidRequest")),
        ({"content_md5": md5(b"other")}, (400, b"BadDigest")),
        ({"content_md5": "zz"}, (400, b"InvalidDigest")),
        ({"x_amz_checksum_crc32": "AAAAAA=="}, (400, b"BadDigest")),
        ({"x_amz_checksum_sha256": "zz"}, (400, b"InvalidRequest")),
        ({"x_amz_checksum_crc32": "AAAAAA==", "x_amz_checksum_sha1": "AAAA"}, (400, b"InvalidRequest")),
        ({"x_amz_checksum_xxhash64": "AAAA"}, (501, b"NotImplemented")),
        ({"content_md5": md5(BODY)}, (200, b"DeleteResult")),
    ],
)
def test_the_digest_is_required_and_checked(place: Place, headers: dict[str, str], expected: tuple[int, bytes]) -> None:
    status, said = post(place, BODY, **headers)
    assert (status, expected[1] in said) == (expected[0], True)
    assert (place.history("key") == ["marker"]) == (status == 200)


@pytest.mark.parametrize(
    "body",
    [b"", b"<Delete", b"<Other/>", b"<Delete><Object/></Delete>", b"<Delete><Object><Key/></Object></Delete>",
     b"<Delete><Other/></Delete>"],
)  # fmt: skip
def test_what_is_no_list_of_keys_is_refused(place: Place, body: bytes) -> None:
    assert b"MalformedXML" in post(place, body, content_md5=md5(body))[1]
