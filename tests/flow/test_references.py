from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.detect.cache import open_cache
from labelplan.errors import AnswersPending, AwsRefused, DetectorFailed, SpecMismatch
from labelplan.flow.answers import Answers
from labelplan.flow.references import find_references, known_model, label_references
from tests.flow.making import Bucket, Table, answer, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.detect.cache import AnswerCache

NAMES = [f"deer/r{n}.jpg" for n in (1, 2, 3)]
BUCKET = Bucket(*NAMES)
SPEC = source().spec
IMAGES = find_references(SPEC.rules, {}, BUCKET)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[AnswerCache]:
    with open_cache(tmp_path / "answers") as made:
        yield made


def answers(cache: AnswerCache, table: Table) -> Answers:
    return Answers(cache, table, SPEC.detector, BUCKET.target(), BUCKET)


def test_all_missing_references_are_named_at_once() -> None:
    with pytest.raises(SpecMismatch, match=r"(?s)no object deer/r1\.jpg.*no object deer/r3\.jpg"):
        find_references(SPEC.rules, {}, Bucket("deer/r2.jpg"))


def test_the_first_reference_is_asked_alone_so_that_a_missing_permission_costs_one_call(cache: AnswerCache) -> None:
    table = Table(dict.fromkeys(NAMES, AwsRefused("AccessDenied")))
    with pytest.raises(AwsRefused):
        label_references(IMAGES, answers(cache, table))
    assert table.asked == NAMES[:1]


def test_kept_answers_of_references_are_not_fresh(cache: AnswerCache) -> None:
    table = Table(dict.fromkeys(NAMES, answer(Deer=99)))
    assert known_model(IMAGES, answers(cache, table)) == ""
    assert label_references(IMAGES, answers(cache, table)).fresh
    assert known_model(IMAGES, answers(cache, table)) == "3.0"
    assert not label_references(IMAGES, answers(cache, table)).fresh
    assert len(table.asked) == 3


def test_a_reference_added_after_the_service_moved_on_has_the_others_asked_again(cache: AnswerCache) -> None:
    label_references({name: IMAGES[name] for name in NAMES[:2]}, answers(cache, Table(dict.fromkeys(NAMES, answer()))))
    table = Table(dict.fromkeys(NAMES, answer("3.1", Deer=99)))
    references = label_references(IMAGES, answers(cache, table))
    assert (references.model_version, references.fresh) == ("3.1", True)
    assert sorted(table.asked) == NAMES


def test_a_service_that_cannot_make_up_its_mind_is_an_error(cache: AnswerCache) -> None:
    table = Table({NAMES[0]: answer("3.0"), NAMES[1]: answer("3.1"), NAMES[2]: answer("3.0")})
    with pytest.raises(DetectorFailed, match=r"different models: 3\.0, 3\.1"):
        label_references(IMAGES, answers(cache, table))


def test_a_service_that_went_back_to_an_older_model_is_believed(cache: AnswerCache) -> None:
    newer = answers(cache, Table(dict.fromkeys(NAMES, answer("4.0", Deer=99))))
    label_references({name: IMAGES[name] for name in NAMES[:2]}, newer)
    table = Table(dict.fromkeys(NAMES, answer("3.0", Deer=99)))
    assert known_model(IMAGES, answers(cache, table)) == "4.0"
    references = label_references(IMAGES, answers(cache, table), "4.0")
    assert (references.model_version, references.fresh) == ("3.0", True)
    assert sorted(table.asked) == sorted([*NAMES, NAMES[2]])  # the new one twice: it might have been of two minds
    again = Table({})
    assert label_references(IMAGES, answers(cache, again)).model_version == "3.0"


def test_kept_answers_of_two_models_are_not_all_taken_for_good(cache: AnswerCache) -> None:
    label_references({name: IMAGES[name] for name in NAMES[:2]}, answers(cache, Table(dict.fromkeys(NAMES, answer()))))
    label_references({NAMES[2]: IMAGES[NAMES[2]]}, answers(cache, Table(dict.fromkeys(NAMES, answer("2.0")))))
    asking = answers(cache, Table({}))
    assert known_model(IMAGES, asking) == "3.0"
    contents = [asking.content(image) for image in IMAGES.values()]
    assert asking.missing(contents, "3.0") == {contents[2]}


def test_an_interrupt_while_references_are_labelled_sends_nothing_more(cache: AnswerCache) -> None:
    table = Table(dict.fromkeys(NAMES, answer(Deer=99)))

    def interrupt(_calls: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_references(IMAGES, answers(cache, table), tell=interrupt)
    assert table.stopped


def test_whoever_waits_for_another_process_stops_when_told(cache: AnswerCache) -> None:
    asking = answers(cache, Table({}))
    asking.stop()
    with pytest.raises(AnswersPending, match="stopped asking"):
        asking.pause()
