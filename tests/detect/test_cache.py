from __future__ import annotations

import datetime as dt
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect import cache_upkeep
from labelplan.detect.cache import open_cache
from labelplan.detect.cache_file import default_cache_path
from labelplan.errors import CacheUnusable
from labelplan.model.response import NO_ACCESS, OF_CONTENT, Answered, Unreadable, strict_answer
from tests.detect.caching import KIND, answer, content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.detect.cache import AnswerCache
    from labelplan.model.response import Answer

NOW = 1_800_000_000.0
OTHER = "rekognition max_labels=10 min_confidence=50.0"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "answers.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(path: Path, clock: Clock) -> Iterator[AnswerCache]:
    with open_cache(path, clock) as made:
        yield made


@pytest.fixture(scope="module")
def kept_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnswerCache]:
    with open_cache(tmp_path_factory.mktemp("cache") / "answers.sqlite") as made:
        yield made


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_what_was_kept_is_found_again_by_another_process(path: Path, cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer())
    with open_cache(path) as other:
        assert other.find(KIND, [content(1), content(2)]) == {content(1): answer()}
        assert other.models(KIND, [content(1), content(2)]) == {content(1): "3.0"}


numbers = st.floats(0, 100) | st.just(100) | st.integers(0, 100)
texts = st.text(max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts, st.lists, max_leaves=3
)
labels = st.fixed_dictionaries(
    {"Name": texts, "Confidence": numbers}, optional={"Instances": anything, "Ж\u2028": anything}
)
raws = st.builds(
    lambda body, ascii_only, gap: json.dumps(body, ensure_ascii=ascii_only, separators=gap).encode(),
    st.fixed_dictionaries(
        {"Labels": st.lists(labels, max_size=3)}, optional={"LabelModelVersion": texts, "More": anything}
    ),
    st.booleans(),
    st.sampled_from([(",", ":"), (" ,  ", " : ")]),
)


@given(raws)
def test_an_answer_comes_back_byte_for_byte(kept_for_all: AnswerCache, raw: bytes) -> None:
    given_answer = strict_answer(raw)
    kept_for_all.keep(KIND, b"odd", given_answer)
    assert kept_for_all.find(KIND, [b"odd"]) == {b"odd": given_answer}
    assert kept_for_all.models(KIND, [b"odd"]) == {b"odd": given_answer.response.LabelModelVersion}


@given(st.sampled_from(sorted(OF_CONTENT)), st.text() | st.just("\udcff"))
def test_a_refusal_comes_back_with_its_words(kept_for_all: AnswerCache, code: str, words: str) -> None:
    kept_for_all.keep(KIND, b"refused", Unreadable(code, words))
    assert kept_for_all.find(KIND, [b"refused"]) == {b"refused": Unreadable(code, words)}
    assert kept_for_all.models(KIND, [b"refused"]) == {b"refused": ""}


@pytest.mark.parametrize("code", [NO_ACCESS, "changed", "empty", "malformed-answer", "other-model"])
def test_a_refusal_that_is_not_the_contents_own_is_never_kept(cache: AnswerCache, code: str) -> None:
    with pytest.raises(ValueError, match="says nothing about the content"):
        cache.keep(KIND, content(1), Unreadable(code, "try later"))
    with pytest.raises(ValueError, match="says nothing about the content"):
        cache.keep_many(KIND, [(content(1), Unreadable(code, "try later"))])
    assert cache.find(KIND, [content(1)]) == {}


def test_other_settings_have_other_answers(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer("Deer"))
    cache.keep(OTHER, content(1), answer("Elk"))
    assert cache.find(KIND, [content(1)]) == {content(1): answer("Deer")}
    assert cache.find(OTHER, [content(1)]) == {content(1): answer("Elk")}


def test_a_newer_answer_takes_the_place_of_an_older_one(cache: AnswerCache) -> None:
    for newer in (answer(), Unreadable("invalid-image", "no"), answer("Deer", "3.1")):
        cache.keep(KIND, content(1), newer)
        assert cache.find(KIND, [content(1)]) == {content(1): newer}
    assert cache.stats().answers == 1


def test_many_are_found_in_one_go_however_often_one_is_named(cache: AnswerCache) -> None:
    kept: dict[bytes, Answer] = {content(number): answer(f"Label {number}") for number in range(1201)}
    assert cache.keep_many(KIND, kept.items()) == 1201
    assert cache.find(KIND, [*kept, *kept]) == kept
    assert cache.models(KIND, list(kept)) == dict.fromkeys(kept, "3.0")
    assert cache.find(KIND, []) == {}


def test_what_is_kept_in_bulk_never_replaces_an_answer(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer("Deer", "3.1"))
    assert cache.keep_many(KIND, [(content(1), answer()), (content(2), answer())]) == 1
    assert cache.models(KIND, [content(1), content(2)]) == {content(1): "3.1", content(2): "3.0"}


def test_a_real_looking_answer_takes_a_quarter_of_its_size_or_less(cache: AnswerCache, path: Path) -> None:
    label = '{"Name":"Antelope","Confidence":99.1234567,"Instances":[],"Parents":[{"Name":"Animal"},{"Name":"Mammal"},'
    label += '{"Name":"Wildlife"}],"Aliases":[],"Categories":[{"Name":"Animals and Pets"}]}'
    raw = f'{{"Labels":[{",".join([label] * 9)}],"LabelModelVersion":"3.0"}}'.encode()
    cache.keep_many(KIND, [(content(number), strict_answer(raw)) for number in range(1000)])
    assert cache.stats().bytes - path.with_name(f"{path.name}-wal").stat().st_size < 250 * len(raw)


# --- who asks -------------------------------------------------------------------------------------------------------


def test_only_one_caller_asks(path: Path, cache: AnswerCache) -> None:
    with open_cache(path) as other:
        assert cache.claim(KIND, content(1)) == "mine"
        assert (other.claim(KIND, content(1)), cache.claim(KIND, content(1))) == ("theirs", "theirs")
        assert (other.claim(KIND, content(2)), other.claim(OTHER, content(1))) == ("mine", "mine")
        cache.keep(KIND, content(1), answer())
        assert (other.claim(KIND, content(1)), cache.claim(KIND, content(1))) == ("answered", "answered")


def test_a_refusal_is_an_answer_too(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), Unreadable("invalid-image", "no"))
    assert cache.claim(KIND, content(1), "3.0") == "answered"


def test_an_answer_of_another_model_does_not_count_when_one_is_named(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer(model="3.0"))
    assert cache.claim(KIND, content(1), "3.0") == "answered"
    assert cache.claim(KIND, content(1)) == "answered"
    assert cache.claim(KIND, content(1), "3.1") == "mine"
    assert cache.claim(KIND, content(1), "3.1") == "theirs"


def test_who_gives_up_lets_others_ask(path: Path, cache: AnswerCache) -> None:
    with open_cache(path) as other:
        cache.claim(KIND, content(1))
        other.release(KIND, content(1))
        assert other.claim(KIND, content(1)) == "theirs"
        cache.release(KIND, content(1))
        assert other.claim(KIND, content(1)) == "mine"


def test_to_keep_an_answer_ends_nobody_elses_claim(path: Path, cache: AnswerCache) -> None:
    with open_cache(path) as other:
        other.claim(KIND, content(1))
        cache.keep(KIND, content(1), answer(model="3.0"))
        assert cache.claim(KIND, content(1), "3.1") == "theirs"


def test_who_closes_his_cache_claims_nothing(path: Path, cache: AnswerCache) -> None:
    other = open_cache(path)
    other.claim(KIND, content(1))
    other.close()
    other.close()
    assert cache.claim(KIND, content(1)) == "mine"


def test_among_64_threads_each_content_is_asked_about_once(cache: AnswerCache) -> None:
    asked: list[bytes] = []

    def ask(one: bytes) -> None:
        if cache.claim(KIND, one) == "mine":
            asked.append(one)
            cache.keep(KIND, one, answer())
        assert set(cache.find(KIND, [one])) <= {one}

    with ThreadPoolExecutor(64) as pool:
        for done in [pool.submit(ask, content(number % 100)) for number in range(1000)]:
            done.result()
    assert sorted(asked) == [content(number) for number in range(100)]
    assert len(cache.find(KIND, asked)) == 100


# --- what there is, and less of it ----------------------------------------------------------------------------------


def test_the_stats_count_by_kind(cache: AnswerCache, clock: Clock, path: Path) -> None:
    cache.keep(KIND, content(1), answer())
    clock.now += 60
    cache.keep(KIND, content(2), answer())
    cache.keep(KIND, content(3), Unreadable("invalid-image", "no"))
    cache.keep(OTHER, content(1), answer())
    cache.claim("local", content(1))
    stats = cache.stats()
    assert [(kept.kind, kept.answers, kept.refusals, kept.oldest, kept.newest) for kept in stats.kinds] == [
        (OTHER, 1, 0, NOW + 60, NOW + 60),
        (KIND, 2, 1, NOW, NOW + 60),
    ]
    assert (stats.answers, stats.refusals) == (3, 1)
    assert stats.bytes == sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file())


def test_what_is_old_is_pruned_and_the_rest_stays(cache: AnswerCache, clock: Clock) -> None:
    cache.keep(KIND, content(1), answer())
    clock.now += 100
    cache.keep(KIND, content(2), answer())
    old = dt.timedelta(seconds=50)
    assert cache.stats(older_than=old).answers == 1
    cache.prune(older_than=old)
    assert list(cache.find(KIND, [content(1), content(2)])) == [content(2)]


def test_a_prune_goes_through_all_of_it(cache: AnswerCache, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_upkeep, "_STEP_ROWS", 2)
    for number in range(9):
        clock.now += 1 if number == 4 else 0
        cache.keep(OTHER if number % 2 else KIND, content(number), answer())
    clock.now += 1
    cache.prune(older_than=dt.timedelta(seconds=1), kind=KIND)
    assert sorted(cache.find(KIND, [content(number) for number in range(9)])) == [content(4), content(6), content(8)]
    assert cache.stats(kind=OTHER).answers == 4
    cache.prune()
    cache.prune()
    assert cache.stats().kinds == ()


def test_one_kind_can_be_pruned_alone(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer())
    cache.keep(OTHER, content(1), answer())
    assert cache.stats(kind=OTHER).answers == 1
    cache.prune(kind=OTHER)
    assert [kept.kind for kept in cache.stats().kinds] == [KIND]


def test_a_prune_gives_the_room_back_while_others_use_the_file(cache: AnswerCache, path: Path) -> None:
    cache.keep_many(KIND, ((content(number), answer(f"Label {number}" * 20)) for number in range(11_000)))
    with open_cache(path) as other, ThreadPoolExecutor(1) as pool:
        before = cache.stats().bytes
        pruned = pool.submit(lambda: cache.prune(kind=KIND))
        number = 20_000
        while not pruned.done():
            other.keep(OTHER, content(number), answer())
            assert other.claim(OTHER, content(number)) == "answered"
            number += 1
        pruned.result()
        assert cache.stats().answers == number - 20_000
    cache.prune()
    assert cache.stats().bytes < before / 4


# --- the file -------------------------------------------------------------------------------------------------------


def test_nobody_else_may_read_it(path: Path, cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer())
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in [path.parent, *path.parent.iterdir()]}
    assert modes == {
        "caches": 0o700,
        "answers.sqlite": 0o600,
        "answers.sqlite-wal": 0o600,
        "answers.sqlite-shm": 0o600,
        "answers.sqlite.owners": 0o700,
    }


def test_a_closed_cache_leaves_one_file_and_an_empty_folder(path: Path) -> None:
    with open_cache(path) as cache:
        cache.keep(KIND, content(1), answer())
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["answers.sqlite", "answers.sqlite.owners"]
    assert not list((path.parent / "answers.sqlite.owners").iterdir())


def test_a_closed_cache_cannot_be_used(path: Path) -> None:
    cache = open_cache(path)
    cache.close()
    with pytest.raises(CacheUnusable, match="closed"):
        cache.find(KIND, [content(1)])


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LABELPLAN_CACHE": "~/mine.sqlite", "XDG_CACHE_HOME": "/x"}, "/home/me/mine.sqlite"),
        ({"LABELPLAN_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/labelplan/answers.sqlite"),
        ({}, "/home/me/.cache/labelplan/answers.sqlite"),
    ],
)
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], expected: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert str(default_cache_path(env)) == expected


def test_an_answer_is_what_it_was_kept_as(cache: AnswerCache) -> None:
    cache.keep(KIND, content(1), answer())
    found = cache.find(KIND, [content(1)])[content(1)]
    assert isinstance(found, Answered)
    assert b'"Confidence":100}' in found.raw
