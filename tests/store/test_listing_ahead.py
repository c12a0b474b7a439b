"""Listings side by side: their order, how far ahead they run, and what ends them."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest

from labelplan.errors import AwsRefused
from labelplan.store import listing_ahead
from labelplan.store.listing_ahead import AHEAD, SIDE_BY_SIDE, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

PATIENCE = 10.0
"""Seconds that a test waits for another thread before it fails."""


def of(*pages: str) -> Callable[[], Iterator[str]]:
    return lambda: iter(pages)


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "labelplan-listing"]


def close(pages: Iterator[object]) -> None:
    cast("Generator[object]", pages).close()


def test_all_of_a_listing_stands_together_in_the_order_asked_for() -> None:
    listings = [of(), of("a", "b"), of(), of("c"), *(of(str(number)) for number in range(30)), of()]
    expected = [(1, "a"), (1, "b"), (3, "c"), *((number + 4, str(number)) for number in range(30))]
    assert list(side_by_side(listings)) == expected
    assert not threads()


def test_nothing_is_listed_before_somebody_reads() -> None:
    side_by_side([of("a")])
    assert not threads()
    assert list(side_by_side(cast("list[Callable[[], Iterator[str]]]", []))) == []


def test_several_run_at_once() -> None:
    together = threading.Barrier(SIDE_BY_SIDE, timeout=PATIENCE)

    def listing() -> Iterator[str]:
        together.wait()
        yield "a"

    assert len(list(side_by_side([listing] * SIDE_BY_SIDE))) == SIDE_BY_SIDE


def test_none_runs_further_ahead_than_there_is_room_for() -> None:
    fetched = [0] * 20
    full = threading.Semaphore(0)

    def endless(number: int) -> Iterator[int]:
        while True:
            fetched[number] += 1
            if fetched[number] == AHEAD:
                full.release()
            yield number

    pages = side_by_side([lambda number=number: endless(number) for number in range(20)])  # type: ignore[misc]  # a lambda's default
    with closing(cast("Generator[object]", pages)):
        assert next(pages) == (0, 0)
        for _ in range(SIDE_BY_SIDE - 1):  # the first has been read from
            assert full.acquire(timeout=PATIENCE)
        assert max(fetched[1:]) <= AHEAD
        assert fetched[0] <= AHEAD + 1
        assert fetched[SIDE_BY_SIDE:] == [0] * (20 - SIDE_BY_SIDE)


def test_an_error_is_raised_where_its_page_would_have_come() -> None:
    def fails() -> Iterator[str]:
        yield "b"
        raise AwsRefused("access denied")

    pages = side_by_side([of("a"), fails, of("c")])
    assert [next(pages), next(pages)] == [(0, "a"), (1, "b")]
    with pytest.raises(AwsRefused, match="access denied"):
        next(pages)
    assert not threads()


def test_whoever_stops_reading_ends_all_threads() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "a"

    pages = side_by_side([endless] * 20)
    assert next(pages) == (0, "a")
    assert len(threads()) == SIDE_BY_SIDE
    close(pages)
    assert not threads()


def test_a_server_that_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_ahead, "_GRACE", 0.0)
    begun, answers = threading.Event(), threading.Event()

    def slow() -> Iterator[str]:
        begun.set()
        answers.wait(PATIENCE)
        yield "b"

    pages = side_by_side([of("a"), slow, of("c")])
    next(pages)
    begun.wait(PATIENCE)
    close(pages)
    (left,) = (one for one in threads() if one.is_alive() and not answers.is_set())
    assert left.daemon
    answers.set()
    left.join(PATIENCE)
    assert not threads()
