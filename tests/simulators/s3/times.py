"""Seconds since 1970 in S3's two ways of writing."""

from __future__ import annotations

import datetime as dt
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

from tests.simulators.s3.errors import invalid


@lru_cache(1024)
def http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


@lru_cache(1024)
def iso(seconds: int) -> str:
    """Write a time as listings do: with milliseconds, which are always none."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def from_iso(text: str) -> int:
    """Read a time of Object Lock; raises `Refusal`."""
    try:
        return int(dt.datetime.fromisoformat(text.strip()).timestamp())
    except ValueError:
        raise invalid("The retain until date must be provided in ISO 8601 format") from None


def from_http(text: str) -> int | None:
    """Read a condition's date; None for one that is none, which S3 passes over."""
    if not text:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        return None
