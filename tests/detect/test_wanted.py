from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from labelplan.detect.wanted import PAGE, Wanted
from labelplan.errors import LabelplanError
from labelplan.model.objects import S3Object
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator


def item(name: str) -> S3Object:
    return S3Object(name, "null", "e", 7)


@pytest.fixture
def wanted() -> Iterator[Wanted]:
    with Wanted() as made:
        yield made


def test_a_content_is_wanted_once_and_its_other_objects_wait_behind_it(wanted: Wanted) -> None:
    wanted.add([(b"1", item("a")), (b"2", item("b")), (b"1", item("c"))])
    wanted.add([(b"1", item("d"))])
    assert len(wanted) == 2
    assert list(wanted.items()) == [item("a"), item("b")]
    assert wanted.others(b"1", 5) == [item("c"), item("d")]
    assert wanted.others(b"1", 1) == [item("c")]
    assert wanted.others(b"2", 5) == []


def test_more_than_a_page_comes_in_the_order_in_which_it_was_added(wanted: Wanted) -> None:
    items = [item(f"{n:05}") for n in range(2 * PAGE + 1)]
    wanted.add((one.key.encode(), one) for one in items)
    assert list(wanted.items()) == items


def test_what_is_put_off_comes_back_once(wanted: Wanted) -> None:
    wanted.put_off(item("a"))
    wanted.put_off(item("b"))
    assert wanted.take_later() == [item("a"), item("b")]
    assert wanted.take_later() == []


def test_a_content_remembers_why_it_has_no_answer(wanted: Wanted) -> None:
    wanted.fail(b"1", Unreadable("no-access", "Unable to get object metadata"))
    wanted.fail(b"1", Unreadable("changed", "it went"))
    assert wanted.failures([b"1", b"2"]) == {b"1": Unreadable("changed", "it went")}
    assert wanted.failures([]) == {}


def test_many_threads_may_use_it(wanted: Wanted) -> None:
    def work(number: int) -> None:
        for n in range(50):
            wanted.fail(b"%d/%d" % (number, n), Unreadable("changed", "x"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wanted.failures([b"%d/%d" % (number, n) for number in range(8) for n in range(50)])) == 400


def test_a_full_disk_is_explained(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def close(self) -> None:
            pass

    monkeypatch.setattr(wanted, "_database", Full())
    with pytest.raises(LabelplanError, match="cannot be kept on disk: database or disk is full") as caught:
        wanted.fail(b"a", Unreadable("changed", "x"))
    assert "TMPDIR" in caught.value.advice
