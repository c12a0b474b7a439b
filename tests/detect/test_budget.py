from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labelplan.detect.budget import Budget
from labelplan.errors import BudgetExceeded


def test_as_many_tokens_as_it_holds_are_taken_and_then_it_says_what_to_do() -> None:
    budget = Budget(2)
    budget.take()
    budget.take()
    with pytest.raises(BudgetExceeded, match="budget of 2 DetectLabels calls is spent") as caught:
        budget.take()
    assert "budget.max_calls" in caught.value.advice
    assert "--max-calls" in caught.value.advice
    assert budget.spent == 2


def test_what_was_given_back_can_be_taken_again() -> None:
    budget = Budget(1)
    budget.take()
    budget.give_back()
    assert budget.spent == 0
    budget.take()
    with pytest.raises(BudgetExceeded):
        budget.take()


def test_a_budget_of_nothing_gives_nothing_and_none_is_no_limit() -> None:
    with pytest.raises(BudgetExceeded):
        Budget(0).take()
    free = Budget(None)
    for _ in range(1000):
        free.take()
    assert free.spent == 1000


def test_sixty_four_threads_take_exactly_what_there_is() -> None:
    class Watched(int):
        """A limit that gives other threads a chance while it is looked at, and sees whether they took it."""

        looking = most = 0

        def __le__(self, other: int) -> bool:
            Watched.looking += 1
            Watched.most = max(Watched.most, Watched.looking)
            for _ in range(20):
                os.sched_yield()
            Watched.looking -= 1
            return super().__le__(other)

    budget, together = Budget(Watched(1000)), threading.Barrier(64)

    def take(number: int) -> int:
        together.wait(30)
        taken = 0
        for turn in range(40):
            try:
                budget.take()
            except BudgetExceeded:
                continue
            taken += 1
            if (number + turn) % 5 == 0:
                budget.give_back()
                taken -= 1
        return taken

    with ThreadPoolExecutor(64) as pool:
        taken = sum(pool.map(take, range(64)))
    assert taken == budget.spent == 1000
    assert Watched.most == 1
