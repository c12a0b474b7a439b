from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.model.price import CopyCost, calls_for, copy_cost, cost

CALLS = st.integers(0, 10**9)
USD = st.decimals(0, 10**6, places=4) | st.floats(0, 10**6)


@pytest.mark.parametrize(
    ("calls", "usd"),
    [
        (0, "0"),
        (1, "0.001"),
        (12_400, "12.40"),
        (1_000_000, "1000"),
        (1_000_001, "1000.0008"),
        (5_000_000, "4200"),
        (5_000_001, "4200.0006"),
        (35_000_000, "22200"),
        (45_000_000, "28200"),
    ],
)
def test_each_tier_costs_its_published_price(calls: int, usd: str) -> None:
    assert cost(calls) == Decimal(usd)
    assert calls_for(Decimal(usd)) == calls


@pytest.mark.parametrize(("usd", "calls"), [(2.3, 2300), (1.001, 1001), (0.0019, 1), (1e-300, 0), (50, 50_000)])
def test_dollars_are_read_as_they_are_written(usd: float, calls: int) -> None:
    assert calls_for(usd) == calls


@given(USD)
def test_a_call_more_would_not_be_paid_for(usd: float | Decimal) -> None:
    calls = calls_for(usd)
    assert cost(calls) <= Decimal(str(usd)) < cost(calls + 1)


@given(CALLS)
def test_what_calls_cost_pays_for_them_and_no_more(calls: int) -> None:
    assert calls_for(cost(calls)) == calls


@given(CALLS, st.integers(1, 10**7))
def test_more_calls_cost_more_but_each_no_more_than_before(calls: int, more: int) -> None:
    assert cost(calls) < cost(calls + more) <= cost(calls) + cost(more)


@pytest.mark.parametrize("usd", [-0.01, float("nan"), float("inf"), Decimal(-1)])
def test_what_is_no_sum_of_money_pays_for_nothing(usd: float | Decimal) -> None:
    with pytest.raises(ValueError, match="cannot be spent"):
        calls_for(usd)


def test_fewer_calls_than_none_have_no_price() -> None:
    with pytest.raises(ValueError, match="-1 calls"):
        cost(-1)


def test_copies_cost_a_request_each_and_their_room_for_every_month() -> None:
    assert copy_cost(0, 0) == CopyCost(Decimal(0), Decimal(0))
    assert copy_cost(13_000, 0) == CopyCost(Decimal("0.065"), Decimal(0))
    assert copy_cost(0, 10 * 2**30) == CopyCost(Decimal(0), Decimal("0.23"))
