"""Until when a run can be undone, as far as lifecycle rules say, and what else may stand in the way.

S3 counts whole days and acts some time after them, so what a rule takes away after N days is there for at least N days
from the delete on. A rule that has several conditions is taken to act as soon as one could.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.model.run import RUN_PREFIX, copies_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.protection import Expiry, Protection

_RUNS = f"{RUN_PREFIX}runs/"
_FOREVER = 36_500
"""Days after which no rule is worth a word."""


class End(Struct, frozen=True):
    """What ends a way back: *when*, at the earliest, and *how*: which rule of which bucket does what."""

    when: dt.datetime
    how: str


def first_end(
    prefixes: Sequence[str], data: Protection, copies: Protection | None, copies_prefix: str, now: dt.datetime
) -> End | None:
    """Return what ends the way back first, for what is deleted from *now* on; None: nothing does.

    *prefixes*: what is deleted lies under one of them. *copies*: the configuration of the bucket with the copies, under
    *copies_prefix*, and None where the way back is the bucket's own versions. Configurations that may not be read
    count as empty.
    """
    ends = list(_of_current(data, _RUNS, "the run record", now))
    if copies is None:
        ends += _of_old_versions(data, prefixes, now)
    else:
        ends += _of_current(copies, copies_folder(copies_prefix), "the copies", now)
    return min(ends, key=lambda end: end.when, default=None)


def _of_old_versions(data: Protection, prefixes: Sequence[str], now: dt.datetime) -> Iterator[End]:
    for rule in data.expiries or ():
        hit = any(_overlap(rule.prefix, prefix) for prefix in prefixes)
        if hit and (when := _after(rule.noncurrent_days, now)):
            yield End(when, f"{_named(rule, data)} removes old versions after {_days(rule.noncurrent_days)}")


def _of_current(place: Protection, prefix: str, what: str, now: dt.datetime) -> Iterator[End]:
    """Yield what becomes of the objects under *prefix*, which are current ones."""
    for rule in place.expiries or ():
        if not _overlap(rule.prefix, prefix):
            continue
        named = _named(rule, place)
        if when := _after(rule.days, now):
            yield End(when, f"{named} removes {what} after {_days(rule.days)}")
        if rule.date:
            yield End(_on(rule.date, now), f"{named} removes {what} from {rule.date} on")
        if when := _after(rule.archive_days, now):
            yield End(when, f"{named} archives {what} after {_days(rule.archive_days)}")
        if rule.archive_date:
            yield End(_on(rule.archive_date, now), f"{named} archives {what} from {rule.archive_date} on")


def _overlap(one: str, other: str) -> bool:
    """Tell whether an object may have both prefixes."""
    return one.startswith(other) or other.startswith(one)


def _after(days: int | None, now: dt.datetime) -> dt.datetime | None:
    return None if days is None or days > _FOREVER else now + dt.timedelta(days=days)


def _on(date: str, now: dt.datetime) -> dt.datetime:
    """Return when a rule with a date acts; one whose date is past acts on everything new as well."""
    return max(dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC), now)


def _named(rule: Expiry, place: Protection) -> str:
    name = f"the lifecycle rule {rule.name}" if rule.name else "a lifecycle rule without a name"
    return f"{name} of the bucket {place.bucket} (for {rule.prefix or 'all objects'})"


def _days(days: int | None) -> str:
    return "1 day" if days == 1 else f"{days} days"


def removable(data: Protection) -> bool:
    """Tell whether delete markers may be removed, as far as could be read."""
    return not data.mfa_delete and data.may_remove_markers is not False


def notes(prefixes: Sequence[str], data: Protection, copies: Protection | None) -> tuple[str, ...]:
    """Say for a person what else stands in the way of an undo; *prefixes*, *copies*: as in `first_end`."""
    said: list[str] = []
    if copies is None:
        said += _about_markers(data)
        said += about_archived(prefixes, data)
    if data.replicates:
        said.append(
            f"Delete markers of {data.bucket} are replicated to another bucket, and their removal is not: "
            "after an undo the objects stay deleted there."
        )
    unread = data.unread + (() if copies is None or copies is data else copies.unread)
    said += [f"Could not be read: {one}." for one in unread]
    return tuple(said)


def _about_markers(data: Protection) -> Iterator[str]:
    instead = (
        "undo will copy the old versions back instead of removing the delete markers, with their Object Lock if it may "
        "set one; it cannot copy what is archived, over 5 GB, or encrypted with a customer's key (SSE-C)."
    )
    if data.mfa_delete:
        yield f"MFA delete is on for the bucket {data.bucket}: {instead}"
    if data.may_remove_markers is False:
        yield f"The policy of the bucket {data.bucket} denies s3:DeleteObjectVersion: {instead}"


def about_archived(prefixes: Sequence[str], data: Protection) -> Iterator[str]:
    """Say which lifecycle rules move old versions under *prefixes* to where they cannot be read at once."""
    for rule in data.expiries or ():
        days = rule.noncurrent_archive_days
        if days is not None and any(_overlap(rule.prefix, prefix) for prefix in prefixes):
            yield (
                f"From {_days(days)} on, an object that is brought back must be restored from an archive before it can "
                f"be read: {_named(rule, data)} moves old versions there."
            )
