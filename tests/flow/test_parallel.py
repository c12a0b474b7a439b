from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.flow.parallel import AHEAD, in_order


@given(st.lists(st.integers(), max_size=200), st.integers(1, 4))
def test_answers_come_in_the_order_of_the_questions(items: list[int], concurrency: int) -> None:
    assert list(in_order(items, lambda n: n + 1, concurrency)) == [(n, n + 1) for n in items]


def test_so_many_are_asked_at_once_as_there_are_threads() -> None:
    together = threading.Barrier(4, timeout=10)
    assert len(list(in_order(range(8), lambda _: together.wait(), 4))) == 8


def test_no_more_is_read_ahead_than_fits_in_bounded_memory() -> None:
    read = []

    def items() -> object:
        for n in range(1000):
            read.append(n)
            yield n

    answers = in_order(items(), lambda n: n, 2)  # type: ignore[arg-type, var-annotated]  # a generator of int
    next(answers)
    assert len(read) == AHEAD * 2
    answers.close()  # type: ignore[attr-defined]  # it is a generator


def test_the_first_failure_ends_it_and_what_has_not_begun_is_never_asked() -> None:
    asked = []

    def ask(n: int) -> int:
        asked.append(n)
        if n == 3:
            raise RuntimeError
        return n

    with pytest.raises(RuntimeError):
        list(in_order(range(10_000), ask, 1))
    assert len(asked) <= 3 + 2 + AHEAD
