"""What DetectLabels costs, and what copies cost, from AWS's published prices, as far as they are sure.

DetectLabels: list prices of us-east-1 on `PRICES_OF` (aws.amazon.com/rekognition/pricing, image analysis, group 2), for
an account that has used nothing yet this month and no free tier. So a real bill may be lower, and is higher only in the
regions that AWS charges more for. Where the sources differ the dearer reading stands: the second tier may be
shorter than it is here, and beyond 35 million a month AWS is said to charge less.

Copies within S3: list prices of us-east-1 on `COPY_PRICES_OF` (aws.amazon.com/s3/pricing), for the storage class
Standard and without the discounts of more than 50 TB. It is a rough figure: other classes and regions have other
prices, and another region takes a fee for the transfer.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final, NamedTuple

PRICES_OF: Final = dt.date(2026, 10, 7)
"""The day of this table."""

_TIERS: Final = (
    (1_000_000, Decimal("0.0010")),
    (4_000_000, Decimal("0.0008")),
)
"""How many calls of a month cost how many dollars each, from the first call on."""

_BEYOND: Final = Decimal("0.0006")
"""Dollars for each call after those: the price of the next 30 million, and the most that the ones after can cost."""

COPY_PRICES_OF: Final = dt.date(2026, 11, 22)
"""The day of the prices of copies."""

_A_COPY: Final = Decimal("0.000005")
"""Dollars for one COPY request."""

_A_GB_MONTH: Final = Decimal("0.023")
"""Dollars for 2**30 bytes that are kept for a month."""


class CopyCost(NamedTuple):
    """What copies cost, in US dollars: the *requests* once, and *a_month* for as long as the copies are kept."""

    requests: Decimal
    a_month: Decimal


def copy_cost(objects: int, size: int) -> CopyCost:
    """Return about what copies of so many objects, of *size* bytes in all, cost."""
    return CopyCost(objects * _A_COPY, size * _A_GB_MONTH / 2**30)


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
