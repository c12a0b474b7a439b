"""What a person is told of a plan's cost before it is paid, and of how it gets on; rendered from the JSON events.

So the two cannot disagree. `labelplan/cli/events.py` makes them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from labelplan.model.spec import NO_QUOTA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def estimate_line(event: Mapping[str, Any]) -> str:
    """Say in one line what a plan will take: calls, dollars, time at the quota, answers that are there already."""
    parts = [f"{event['calls']:,} DetectLabels call{'s' * (event['calls'] != 1)}"]
    if event["usd"] is None:
        parts.append("free of charge")
    elif event["calls"]:
        parts.append(f"about ${_cents_up(event['usd']):,.2f}")
    if event["seconds"]:
        parts.append(f"about {duration(event['seconds'])} at {event['tps']:g} TPS{_guessed(event)}")
    twice = "; an image that has to be converted takes a second call" if event["converts"] and event["calls"] else ""
    return f"{', '.join(parts)}; {event['cached']:,} answer{'s' * (event['cached'] != 1)} from the cache{twice}"


def estimate_lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the same line, and what it was reckoned from."""
    yield estimate_line(event)
    yield f"  objects  {event['objects']:,} listed"
    if event["usd"] is not None:
        yield f"  prices   list of {event['prices_of']}, us-east-1, as if these were the month's first calls"
    if event["tps"] is not None:
        yield f"  pace     {event['tps']:g} calls a second ({event['tps_from']}{': --tps' * _is_guessed(event)})"
    if event["usd"] is not None and event["max_calls"] is not None:
        enough = "" if event["calls"] <= event["max_calls"] else ": not enough, the plan would be refused"
        yield f"  budget   {event['max_calls']:,} calls{enough}"
    yield "Nothing was paid, and no plan written."


def listing_line(event: Mapping[str, Any]) -> str:
    """Say how many objects have been listed so far."""
    return f"Listing: {event['objects']:,} objects so far"


def labelling_line(event: Mapping[str, Any]) -> str:
    """Say how the calls get on: done, answers a second against the quota, throttles, cost so far, time left."""
    parts = [f"Labelling: {event['done']:,} of {event['total']:,}"]
    if event["rate"] is not None:
        parts.append(f"{event['rate']:.1f}/s" + (f" of {event['tps']:g}" if event["tps"] is not None else ""))
    if event["throttled"]:
        parts.append(f"{event['throttled']:,} throttled")
    if event["pending"]:
        parts.append(f"{event['pending']:,} put off")
    if event["elsewhere"]:
        parts.append(f"{event['elsewhere']:,} being asked by another labelplan")
    if event["usd"] is not None:
        parts.append(f"${event['usd']:,.2f} so far")
    if event["seconds_left"] is not None:
        parts.append(f"about {duration(event['seconds_left'])} left")
    return ", ".join(parts)


def writing_line(event: Mapping[str, Any]) -> str:
    """Say how many objects have been decided and written."""
    return f"Writing: {event['done']:,} of {event['total']:,}"


def duration(seconds: float) -> str:
    """Write a length of time with the unit that suits it: `45 s`, `4 min`, `5.6 h`, `2.3 days`; never nothing."""
    if seconds <= 90:  # noqa: PLR2004 - what a person still thinks of in seconds
        return f"{max(1, math.ceil(seconds))} s"
    minutes = seconds / 60
    if minutes <= 90:  # noqa: PLR2004 - and in minutes
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes <= 48 * 60 else f"{minutes / 60 / 24:.1f} days"


def _cents_up(usd: float) -> float:
    return math.ceil(round(usd * 100, 4)) / 100


def _is_guessed(event: Mapping[str, Any]) -> bool:
    return bool(event["tps_from"] == NO_QUOTA)


def _guessed(event: Mapping[str, Any]) -> str:
    return f" ({NO_QUOTA}: --tps)" if _is_guessed(event) else ""
