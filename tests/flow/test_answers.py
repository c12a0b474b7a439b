from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.detect.cache import AnswerCache, open_cache
from labelplan.flow.answers import Answers
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import TOO_LARGE_TO_SEND, Unreadable
from tests.flow.making import Bucket, Table, answer, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.model.objects import Image

WEBP = S3Object("deer/a.webp", "v", "e", 7)
BUCKET = Bucket()
DEER = answer(Deer=99)
NO_PICTURE = Unreadable("invalid-image", "Request has invalid image format; its first bytes are a WebP's")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[AnswerCache]:
    with open_cache(tmp_path / "answers") as made:
        yield made


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were converted; the result is named like the key with `.jpg`."""
    keys: list[str] = []

    def convert(image: Image, _fetch: object) -> LocalImage | Unreadable:
        assert isinstance(image, S3Object)
        keys.append(image.key)
        return LocalImage(f"{image.key}.jpg", b"jpeg", "ab" * 32)

    monkeypatch.setattr("labelplan.detect.convert.convert_image", convert)
    return keys


def answers(cache: AnswerCache, table: Table, *, convert: bool) -> Answers:
    settings = source(detector={"convert": convert}).spec.detector
    return Answers(cache, table, settings, BUCKET.target(), BUCKET)


def test_what_the_service_cannot_read_is_converted_and_sent_if_the_spec_says_so(
    cache: AnswerCache, converted: list[str]
) -> None:
    table = Table({WEBP.key: NO_PICTURE, f"{WEBP.key}.jpg": DEER})
    assert answers(cache, table, convert=True).ask(WEBP, "") == DEER
    assert (table.asked, converted) == ([WEBP.key, f"{WEBP.key}.jpg"], [WEBP.key])


def test_without_that_it_stays_unreadable(cache: AnswerCache, converted: list[str]) -> None:
    table = Table({WEBP.key: NO_PICTURE})
    assert answers(cache, table, convert=False).ask(WEBP, "") == NO_PICTURE
    assert converted == []


def test_turning_conversion_on_pays_only_for_what_is_converted(cache: AnswerCache, converted: list[str]) -> None:
    jpeg, table = S3Object("deer/b.jpg", "v", "e", 7), Table({WEBP.key: NO_PICTURE, "deer/b.jpg": DEER})
    without = answers(cache, table, convert=False)
    without.ask(WEBP, "")
    without.ask(jpeg, "")
    again = Table({f"{WEBP.key}.jpg": DEER})
    on = answers(cache, again, convert=True)
    contents = [on.content(WEBP), on.content(jpeg)]
    assert on.missing(contents, "3.0") == {contents[0]}
    assert on.ask(WEBP, "") == on.ask(jpeg, "") == DEER
    assert (again.asked, converted) == ([f"{WEBP.key}.jpg"], [WEBP.key])
    assert on.missing(contents, "3.0") == set()
    assert on.known(contents) == dict.fromkeys(contents, DEER)
    assert without.known(contents) == {contents[0]: NO_PICTURE, contents[1]: DEER}


def test_what_could_not_be_converted_is_not_tried_again(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Unreadable("invalid-image", "it cannot be decoded")
    monkeypatch.setattr("labelplan.detect.convert.convert_image", lambda *_: broken)
    table = Table({WEBP.key: NO_PICTURE})
    on = answers(cache, table, convert=True)
    assert on.ask(WEBP, "") == broken
    assert on.known([on.content(WEBP)]) == {on.content(WEBP): broken}
    assert on.missing([on.content(WEBP)], "3.0") == set()
    assert on.ask(WEBP, "") == broken
    assert table.asked == [WEBP.key]


def test_a_failure_leaves_nothing_behind_that_keeps_others_from_asking(cache: AnswerCache) -> None:
    table = Table({WEBP.key: [RuntimeError("the plug was pulled"), DEER]})
    asking = answers(cache, table, convert=False)
    with pytest.raises(RuntimeError):
        asking.ask(WEBP, "")
    assert asking.ask(WEBP, "") == DEER


def test_an_answer_of_another_model_is_missing(cache: AnswerCache) -> None:
    asking = answers(cache, Table({WEBP.key: DEER}), convert=False)
    asking.ask(WEBP, "")
    content = asking.content(WEBP)
    assert asking.missing([content], "3.1") == {content}
    assert asking.missing([content], "3.0") == asking.missing([content], "") == set()


@pytest.mark.parametrize("now", [S3Object("deer/c.jpg", "null", "another", 7), None], ids=["overwritten", "deleted"])
def test_an_answer_for_what_an_object_without_versions_has_become_is_not_kept_for_what_it_was(
    cache: AnswerCache, now: S3Object | None
) -> None:
    item, bucket, table = S3Object("deer/c.jpg", "null", "e", 7), Bucket(), Table({"deer/c.jpg": DEER})
    bucket.objects = {} if now is None else {now.key: now}
    asking = Answers(cache, table, source().spec.detector, bucket.target(), bucket)
    got = asking.ask(item, "")
    assert isinstance(got, Unreadable)
    assert got.code == "changed"
    assert asking.missing([asking.content(item)], "") == {asking.content(item)}
    bucket.objects[item.key] = item
    assert asking.ask(item, "") == DEER


def test_what_is_too_large_to_send_is_no_property_of_the_content(cache: AnswerCache, converted: list[str]) -> None:
    large = Unreadable(TOO_LARGE_TO_SEND, "6,000,000 bytes")
    asking = answers(cache, Table({WEBP.key: [large, DEER]}), convert=False)
    assert asking.ask(WEBP, "") == large
    assert asking.ask(WEBP, "") == DEER  # when the bucket's owner pays again
    assert converted == []


def test_what_is_too_large_to_send_can_be_converted(cache: AnswerCache, converted: list[str]) -> None:
    table = Table({WEBP.key: Unreadable(TOO_LARGE_TO_SEND, "6,000,000 bytes"), f"{WEBP.key}.jpg": DEER})
    on = answers(cache, table, convert=True)
    assert on.ask(WEBP, "") == on.ask(WEBP, "") == DEER
    assert (table.asked, converted) == ([WEBP.key, f"{WEBP.key}.jpg"], [WEBP.key])
