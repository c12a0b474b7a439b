from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.content import content_of, kind_of
from labelplan.model.objects import LocalImage, S3Object, Target
from labelplan.model.spec import DetectorSettings

if TYPE_CHECKING:
    from labelplan.model.objects import Image

TARGET = Target("", "123456789012", "us-east-1", "bucket", "Disabled")
SETTINGS = DetectorSettings("rekognition", 50, 50)
MD5 = hashlib.md5(b"a picture", usedforsecurity=False).hexdigest()
OBJECT = S3Object("images/deer/1.jpg", "null", MD5, 9)
IN_PARTS = msgspec.structs.replace(OBJECT, etag=f"{MD5}-2")

texts = st.text(max_size=4)
etags = st.one_of(
    texts, st.sampled_from([MD5, f"{MD5}-2", MD5.upper(), f"{MD5}\n", "٣" * 32, "d41d8cd98f00b204e9800998ecf8427e"])
)
objects = st.builds(S3Object, key=texts, version_id=texts, etag=etags, size=st.integers(0, 2))
places = st.tuples(objects, st.builds(msgspec.structs.replace, st.just(TARGET), endpoint=texts, bucket=texts))


def is_md5(etag: str) -> bool:
    return len(etag) == 32 and set(etag) <= set("0123456789abcdef")


def local(content: bytes) -> LocalImage:
    return LocalImage("./a.jpg", content, hashlib.sha256(content).hexdigest())


@given(places, places)
def test_two_objects_share_a_content_only_if_md5_and_size_say_so(
    one: tuple[S3Object, Target], other: tuple[S3Object, Target]
) -> None:
    same_bytes = one[0].etag == other[0].etag and one[0].size == other[0].size and is_md5(one[0].etag)
    same_place = one[0] == other[0] and (one[1].endpoint, one[1].bucket) == (other[1].endpoint, other[1].bucket)
    if content_of(*one) == content_of(*other):
        assert same_bytes or same_place
    else:
        assert not same_place


def test_the_same_bytes_are_one_content_under_any_key_in_any_bucket() -> None:
    copied = S3Object("other/2.jpg", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", MD5, 9)
    elsewhere = Target("http://127.0.0.1:9000", "", "eu-west-1", "another", "Enabled")
    assert content_of(copied, elsewhere) == content_of(OBJECT, TARGET)


def test_a_local_file_shares_with_an_object_of_the_same_bytes() -> None:
    assert content_of(local(b"a picture"), TARGET) == content_of(OBJECT, TARGET)
    assert content_of(local(b"a picturf"), TARGET) != content_of(OBJECT, TARGET)


@pytest.mark.parametrize(
    "other",
    [
        {"key": "images/deer/2.jpg"},
        {"version_id": "v2"},
        {"etag": f"{MD5}-3"},
        {"size": 10},
    ],
)
def test_what_has_no_md5_is_known_by_where_it_is_and_which_version(other: dict[str, Any]) -> None:
    assert content_of(msgspec.structs.replace(IN_PARTS, **other), TARGET) != content_of(IN_PARTS, TARGET)


@pytest.mark.parametrize("other", [{"endpoint": "http://127.0.0.1:9000"}, {"bucket": "another"}])
def test_what_has_no_md5_is_another_content_in_another_place(other: dict[str, Any]) -> None:
    assert content_of(IN_PARTS, msgspec.structs.replace(TARGET, **other)) != content_of(IN_PARTS, TARGET)


def test_no_letter_can_move_from_one_part_to_the_next() -> None:
    one = S3Object("ab", "c", "d", 1)
    assert content_of(one, TARGET) != content_of(S3Object("a", "bc", "d", 1), TARGET)


def test_the_md5_of_nothing_is_believed_of_an_empty_object_only() -> None:
    empty = hashlib.md5(b"", usedforsecurity=False).hexdigest()
    one, two = S3Object("a", "null", empty, 7), S3Object("b", "null", empty, 7)
    assert content_of(one, TARGET) != content_of(two, TARGET)
    assert content_of(S3Object("a", "null", empty, 0), TARGET) == content_of(local(b""), TARGET)


def test_the_sizes_tell_two_md5s_apart() -> None:
    assert content_of(msgspec.structs.replace(OBJECT, size=10), TARGET) != content_of(OBJECT, TARGET)


@pytest.mark.parametrize(("image", "length"), [(OBJECT, 22), (local(b""), 22), (IN_PARTS, 32)])
def test_a_content_is_short(image: Image, length: int) -> None:
    assert len(content_of(image, TARGET)) == length


@pytest.mark.parametrize(
    "other", [{"max_labels": 51}, {"min_confidence": 50.5}, {"min_confidence": 0.1 + 0.2}, {"max_labels": 5}]
)
def test_a_setting_that_changes_an_answer_makes_another_kind(other: dict[str, Any]) -> None:
    assert kind_of("rekognition", msgspec.structs.replace(SETTINGS, **other)) != kind_of("rekognition", SETTINGS)


def test_a_setting_that_changes_no_answer_makes_no_other_kind() -> None:
    same = DetectorSettings("rekognition", 50, 50.0, convert=True, tps=5)
    assert kind_of("rekognition", same) == kind_of("rekognition", SETTINGS)


def test_who_answers_and_a_converted_image_make_another_kind() -> None:
    kinds = {
        kind_of("rekognition", SETTINGS),
        kind_of("rekognition", SETTINGS, converted=True),
        kind_of("rekognition at http://127.0.0.1:4000", SETTINGS),
        kind_of("local 1", SETTINGS),
    }
    assert len(kinds) == 4


@given(st.lists(st.tuples(texts, st.integers(0, 99), st.floats(0, 100), st.booleans()), min_size=2, max_size=2))
def test_two_kinds_are_the_same_only_if_all_of_it_is(asked: list[tuple[str, int, float, bool]]) -> None:
    one, two = (kind_of(who, DetectorSettings("local", most, least), converted=c) for who, most, least, c in asked)
    assert (one == two) == (repr(asked[0]) == repr(asked[1]))


@pytest.mark.parametrize("etag", ["0" * 32, "f" * 32, "01" * 16])
def test_an_etag_that_a_server_gives_everything_alike_is_no_md5(etag: str) -> None:
    one, other = S3Object("deer/1.jpg", "v1", etag, 10), S3Object("deer/2.jpg", "v2", etag, 10)
    assert content_of(one, TARGET) != content_of(other, TARGET)
