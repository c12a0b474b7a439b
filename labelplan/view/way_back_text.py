"""What is said of the way back: before the question, which way it is, until when it lasts and what it costs."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from labelplan.model.price import COPY_PRICES_OF, copy_cost
from labelplan.model.run import copies_folder
from labelplan.view.style import printable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from labelplan.model.run import Strategy
    from labelplan.model.spec import Backup

STRATEGIES: dict[Strategy, str] = {
    "bulk": "up to a thousand objects a request, each under its ETag",
    "single": "one object a request, each under its ETag",
    "check": "looked at first, then deleted: this server compares no ETags",
}
"""How objects are deleted, in few words."""

UPLOADED = "this server's CopyObject ignores If-None-Match, so undo uploads through this machine, without annotations"


def way_back_lines(backup: Backup, bucket: str, objects: int, size: int) -> Iterator[str]:
    """Yield which way back *objects* of *size* bytes in all have, and what it costs; *bucket*: the planned one."""
    if backup.mode == "versioning":
        yield "The way back: the versions of the bucket."
        return
    requests, a_month = copy_cost(objects, size)
    place = copies_at(backup.bucket or bucket, backup.prefix, "<run>")
    kept = f"{amount(size)} kept: {_dollars(a_month)} a month"
    transfer = f"; and the transfer to {backup.region}" if backup.region else ""
    yield f"The way back: each object is copied first, to {printable(place)}"
    yield f"  {objects:,} COPY requests: {_dollars(requests)}; {kept}{transfer}"
    yield f"  (rough: by the list prices of us-east-1 on {COPY_PRICES_OF})"


def note_lines(notes: Iterable[str]) -> Iterator[str]:
    """Yield what else was read about the way back."""
    return (f"  Note: {printable(note)}" for note in notes)


def until_line(until: dt.datetime | None) -> str:
    """Say until when a run can be undone."""
    if until is None:
        return "Can be undone at any time: nothing that could be read ends the way back."
    return f"Can be undone until {until:%Y-%m-%d %H:%M} UTC."


def copies_at(bucket: str, prefix: str, run: str) -> str:
    """Return where a run's copies are."""
    return f"s3://{bucket}/{copies_folder(prefix, run)}"


def amount(size: int) -> str:
    """Write a number of bytes with the unit that suits it."""
    gigabytes = size / 2**30
    return f"{gigabytes:,.1f} GB" if gigabytes >= 1 else f"{size / 2**20:,.1f} MB"


def _dollars(usd: Decimal) -> str:
    cents = usd.quantize(Decimal("0.01"), ROUND_UP)
    return f"about ${cents:,}" if usd >= Decimal("0.01") else "less than $0.01"
