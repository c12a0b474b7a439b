"""What DetectLabels costs, from AWS's published tiers, as far as they are sure.

List prices of us-east-1 on `PRICES_OF` (aws.amazon.com/rekognition/pricing, image analysis, group 2), for an account
that has used nothing yet this month and no free tier. So a real bill may be lower, and is higher only in the regions
that AWS charges more for. Where the sources differ the dearer reading stands: the second tier may be shorter than it is
here, and beyond 35 million a month AWS is said to charge less.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

PRICES_OF: Final = dt.date(2026, 10, 7)
"""The day of this table."""

_TIERS: Final = (
    (1_000_000, Decimal("0.0010")),
    (4_000_000, Decimal("0.0008")),
)
"""How many calls of a month cost how many dollars each, from the first call on."""

_BEYOND: Final = Decimal("0.0006")
"""Dollars for each call after those: the price of the next 30 million, and the most that the ones after can cost."""


def cost(calls: int) -> Decimal:
    """Return what so many paid calls cost, in US dollars; raises `ValueError` for less than none."""
    if calls < 0:
        raise ValueError(f"{calls} calls cannot be made")
    dollars, left = Decimal(0), calls
    for count, price in _TIERS:
        dollars += min(left, count) * price
        left = max(0, left - count)
    return dollars + left * _BEYOND


def calls_for(usd: float | Decimal) -> int:
    """Return how many calls *usd* pay for: the most whose `cost` is not above it; raises `ValueError` below zero."""
    dollars = Decimal(str(usd))  # by its text: as a binary fraction, 2.3 is less than 2.3
    if not dollars.is_finite() or dollars < 0:
        raise ValueError(f"{usd} dollars cannot be spent")
    calls = 0
    for count, price in _TIERS:
        if dollars < count * price:
            return calls + int(dollars // price)
        dollars -= count * price
        calls += count
    return calls + int(dollars // _BEYOND)
