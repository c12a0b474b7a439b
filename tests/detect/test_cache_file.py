from __future__ import annotations

import fcntl
import hashlib
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labelplan.detect import cache_file
from labelplan.detect.cache import open_cache
from labelplan.detect.cache_owner import Owner
from labelplan.detect.cache_row import DICTIONARY
from labelplan.errors import CacheUnusable
from labelplan.model.response import Answered, Unreadable
from tests.detect.caching import KIND, answer, content, process

if TYPE_CHECKING:
    from labelplan.detect.cache import AnswerCache
    from labelplan.model.response import Answer

CONTENTS = [content(number) for number in range(400)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def sqlite_file(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        database.execute(statement)
    database.close()


def test_the_dictionary_is_a_part_of_the_format() -> None:
    """Change `FORMAT` with it: answers kept with this one cannot be read with another."""
    assert cache_file.FORMAT == 1
    assert hashlib.sha256(DICTIONARY).hexdigest() == "b4d3464a083cac337384610645eeff0fa90b5a8f9633227da267e782eb778785"


# --- killed ---------------------------------------------------------------------------------------------------------


def test_every_answer_that_was_kept_survives_kill_9(path: Path) -> None:
    moments = random.Random(4)  # noqa: S311 - moments, no secrets
    kept = 0
    for _ in range(6):
        with process("keep_on", path) as running:
            lines = [running.told() for _ in range(moments.randrange(1, 150))]
            running.kill()
            lines += running.rest()
        kept = int(lines[-1]) + 1
        with open_cache(path) as cache:
            found = cache.find(KIND, [content(number) for number in range(kept)])
        assert found == {content(number): answer(f"Label {number}") for number in range(kept)}


def test_the_claims_of_the_dead_are_taken_over_at_once(path: Path) -> None:
    with process("keep_on", path) as running, open_cache(path) as cache:
        running.told()
        assert cache.claim(KIND, b"held") == "theirs"
        running.kill()
        assert cache.claim(KIND, b"held") == "mine"


def test_what_the_dead_left_is_removed(path: Path) -> None:
    with process("keep_on", path) as running:
        running.told()
    owners = path.with_name("answers.sqlite.owners")
    assert len(list(owners.iterdir())) == 1
    open_cache(path).close()
    assert not list(owners.iterdir())
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM claims").fetchall() == [(0,)]
    database.close()


def test_an_owner_without_his_file_is_dead(path: Path) -> None:
    with open_cache(path) as cache, open_cache(path) as other:
        cache.claim(KIND, content(1))
        for file in path.with_name("answers.sqlite.owners").iterdir():
            file.unlink()
        assert other.claim(KIND, content(1)) == "mine"


def test_processes_that_begin_at_once_ask_about_each_content_once(path: Path) -> None:
    with process("ask_all", path, 1) as one, process("ask_all", path, 2) as two, process("ask_all", path, 3) as three:
        asked = [int(line) for running in (one, two, three) for line in running.rest()]
    assert sorted(asked) == list(range(300))
    with open_cache(path) as cache:
        assert cache.stats().answers == 300


def test_the_dead_may_be_buried_by_several_at_once(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).touch()
    for name in owner.dead():
        (tmp_path / {"one": "two", "two": "one"}[name]).unlink()
    assert [path.name for path in tmp_path.iterdir()] == [owner.name]
    owner.leave()


def test_a_file_that_is_taken_away_as_it_is_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, buried = fcntl.flock, list[str]()

    def lock_late(descriptor: int, how: int) -> None:
        if not buried:
            (file,) = tmp_path.iterdir()
            file.unlink()
            buried.append(file.name)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    owner = Owner(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [owner.name]
    assert buried != [owner.name]
    owner.leave()


# --- not a cache of ours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("CREATE TABLE mine(a)",), "no cache of labelplan's; it was left alone"),
        (("PRAGMA application_id=7",), "no cache of labelplan's; it was left alone"),
        (("PRAGMA user_version=7",), "no cache of labelplan's; it was left alone"),
        ((f"PRAGMA application_id={cache_file.APPLICATION}", "PRAGMA user_version=2"), "its format is 2, not 1"),
    ],
)
def test_a_database_that_is_not_ours_is_left_alone(path: Path, statements: tuple[str, ...], words: str) -> None:
    sqlite_file(path, *statements)
    before = path.read_bytes()
    with pytest.raises(CacheUnusable, match=words):
        open_cache(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("shopping list: " + "milk, " * 1000)
    with pytest.raises(CacheUnusable, match="file is not a database") as refused:
        open_cache(path)
    assert "Move it away" in refused.value.advice
    assert path.read_text().startswith("shopping list")


def test_an_empty_file_becomes_a_cache(path: Path) -> None:
    path.touch()
    with open_cache(path) as cache:
        assert cache.claim(KIND, content(1)) == "mine"


def test_one_that_was_killed_as_it_made_the_file_is_no_hindrance(path: Path) -> None:
    sqlite_file(path, "PRAGMA journal_mode=WAL")
    assert path.stat().st_size > 0
    with open_cache(path) as cache:
        cache.keep(KIND, content(1), answer())
        cache.prune()
        assert cache.claim(KIND, content(1)) == "mine"


# --- what can go wrong with ours ------------------------------------------------------------------------------------


def as_kept(number: int) -> Answer:
    return answer(f"Label {number}") if number else Unreadable("invalid-image", "no")


def fill(path: Path) -> None:
    with open_cache(path) as cache:
        cache.keep_many(KIND, [(one, as_kept(number)) for number, one in enumerate(CONTENTS)])


def use(cache: AnswerCache) -> None:
    """Do everything that can be done; what is found must be what was kept."""
    found = cache.find(KIND, CONTENTS)
    assert found == {one: as_kept(number) for number, one in enumerate(CONTENTS) if one in found}
    assert set(cache.models(KIND, CONTENTS)) <= set(CONTENTS)
    for number in range(0, 400, 50):
        cache.claim(KIND, CONTENTS[number])
        cache.keep(KIND, CONTENTS[number], as_kept(number))
        assert cache.find(KIND, [CONTENTS[number]]) in ({}, {CONTENTS[number]: as_kept(number)})
    cache.stats()
    cache.prune()


def test_a_damaged_file_gives_right_answers_or_none(tmp_path: Path, path: Path) -> None:
    fill(path)
    whole = path.read_bytes()
    damage = random.Random(5)  # noqa: S311 - damage, no secret
    refused = 0
    for turn in range(60):
        damaged = bytearray(whole)
        for _ in range(damage.choice([1, 20, 500])):
            damaged[damage.randrange(len(damaged))] = damage.randrange(256)
        (file := tmp_path / f"{turn}.sqlite").write_bytes(damaged)
        try:
            with open_cache(file) as cache:
                use(cache)
        except CacheUnusable:
            refused += 1
    assert 5 < refused < 55


@pytest.mark.parametrize(
    "change",
    [
        "body = substr(body, 1, length(body) - 1)",
        "body = zeroblob(length(body))",
        "body = 'text'",
        "body = x''",
        "model = 3",
        "model = '3.1'",
        "code = 'invalid-image'",
        "code = 7",
        "content = x'09'",
        "body = (SELECT body FROM answers WHERE content <> x'01')",
    ],
)
def test_a_damaged_row_counts_as_not_there(path: Path, change: str) -> None:
    with open_cache(path) as cache:
        cache.keep(KIND, b"\1", answer())
        cache.keep(KIND, b"\2", answer("Elk"))
        sqlite_file(path, f"UPDATE answers SET {change} WHERE content = x'01'")  # noqa: S608 - written above
        for one in (b"\1", b"\x09"):
            assert cache.find(KIND, [one]) == {}
            assert cache.models(KIND, [one]) == {}
            assert cache.claim(KIND, one) == "mine"
            cache.keep(KIND, one, answer())
            assert cache.find(KIND, [one]) == {one: answer()}


def test_what_this_version_cannot_decode_counts_as_not_there(path: Path) -> None:
    with open_cache(path) as cache:
        cache.keep(KIND, b"\1", Answered(b"an answer of some other labelplan", answer().response))
        assert cache.find(KIND, [b"\1"]) == {}
        assert cache.claim(KIND, b"\1") == "mine"


def test_a_kind_that_cannot_be_kept_is_told(path: Path) -> None:
    open_cache(path).close()
    sqlite_file(path, "CREATE TRIGGER broken AFTER INSERT ON kinds BEGIN DELETE FROM kinds; END")
    with open_cache(path) as cache, pytest.raises(CacheUnusable, match="is damaged"):
        cache.find(KIND, [content(1)])


def test_a_write_that_fails_leaves_the_file_to_others(path: Path) -> None:
    with open_cache(path) as cache, open_cache(path) as other:
        cache.claim(KIND, content(1))
        sqlite_file(path, "CREATE TRIGGER no BEFORE INSERT ON answers BEGIN SELECT RAISE(FAIL, 'no'); END")
        with pytest.raises(CacheUnusable):
            cache.keep(KIND, content(1), answer())
        sqlite_file(path, "DROP TRIGGER no")
        assert other.claim(KIND, content(1)) == "theirs"
        other.keep(KIND, content(1), answer())
        assert cache.find(KIND, [content(1)]) == {content(1): answer()}


def test_a_full_disk_is_told_and_costs_no_answer(path: Path) -> None:
    with open_cache(path) as cache:
        cache.keep(KIND, b"before", answer())
        with cache._file.reading() as database:
            ((pages,),) = database.execute("PRAGMA page_count")
            database.execute(f"PRAGMA max_page_count={pages}").fetchall()
        with pytest.raises(CacheUnusable, match=r"answers\.sqlite cannot be used: database or disk is full"):
            cache.keep_many(KIND, ((one, answer()) for one in CONTENTS))
        assert cache.find(KIND, [b"before"]) == {b"before": answer()}
        with cache._file.reading() as database:
            database.execute("PRAGMA max_page_count=100000").fetchall()
        cache.keep(KIND, b"after", answer())
        assert cache.stats().answers == 2


def test_a_file_that_another_process_keeps_locked_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_cache(path).close()
    monkeypatch.setattr(cache_file, "BUSY_S", 0.0)
    other = sqlite3.connect(path, isolation_level=None)
    with open_cache(path) as cache:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CacheUnusable, match="in use by another process"):
            cache.keep(KIND, content(1), answer())
        other.execute("ROLLBACK")
    other.close()


def test_a_folder_that_may_not_be_written_is_told() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users altogether
    try:
        fill(folder / "answers.sqlite")
        for entry in (folder / "answers.sqlite.owners", folder / "answers.sqlite", folder):
            entry.chmod(0o444 if entry.suffix == ".sqlite" else 0o555)
        for file in ("answers.sqlite", "new.sqlite", "deeper/new.sqlite"):
            with process("open_as_nobody", folder / file) as running:
                (told,) = running.rest()
            assert told.startswith(f"The cache of answers {folder / file} cannot be used: ")
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", [".", "file/answers.sqlite"])
def test_a_place_where_no_file_can_be_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheUnusable, match="cannot be used: "):
        open_cache(tmp_path / name)


def test_a_folder_of_owners_that_cannot_be_made_is_told(path: Path) -> None:
    path.with_name("answers.sqlite.owners").touch()
    with pytest.raises(CacheUnusable, match="cannot be used: File exists"):
        open_cache(path)
