"""Before anything is deleted: will it be possible to bring it back, and for how long?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.errors import NoWayBack
from labelplan.rules.wayback import first_end, notes, removable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.protection import Protection
    from labelplan.model.spec import Backup
    from labelplan.rules.wayback import End
    from labelplan.store.interface import Reader


class WayBack(Struct, frozen=True):
    """A way back. *until*: at least until then; None: nothing ends it. *notes*: what a person should know besides.

    *removable*: whether delete markers may be removed, as far as could be read; else old versions are copied back.
    """

    until: dt.datetime | None
    removable: bool
    notes: tuple[str, ...]


def check_way_back(
    data: Reader, copies: Reader | None, backup: Backup, prefixes: Sequence[str], now: dt.datetime
) -> WayBack:
    """Read how long the way back lasts; raises `NoWayBack` where that is shorter than the spec asks for, or unknown.

    *data*: the bucket that is planned; *copies*: the one for the copies, if it is another. *prefixes*: what the plan
    deletes lies under one of them. Calls to two buckets at most, none of which changes anything.
    """
    own = data.protection()
    other: Protection | None = None
    if backup.mode == "copy":
        other = own if copies is None else copies.protection()
    until = undo_until(own, other, backup, prefixes, now)
    return WayBack(until, removable(own), notes(prefixes, own, other))


def undo_until(
    own: Protection, other: Protection | None, backup: Backup, prefixes: Sequence[str], now: dt.datetime
) -> dt.datetime | None:
    """Judge what was read of the planned bucket, and of the one with the copies; otherwise like `check_way_back`."""
    for place in filter(None, (own, other)):
        _require_known(place, backup)
    end = first_end(prefixes, own, other, backup.prefix, now)
    if end is None:
        return None
    _require_long(end, backup, now)
    return end.when


def _require_known(place: Protection, backup: Backup) -> None:
    if place.expiries is None and backup.keep_days > 0:
        raise NoWayBack(
            f"The lifecycle rules of the bucket {place.bucket} may not be read, so nobody knows for how long what is "
            f"deleted could be brought back ({'; '.join(place.unread)}).",
            hint="Allow s3:GetLifecycleConfiguration, or accept any time in the spec: backup: {keep_days: 0}",
        )


def _require_long(end: End, backup: Backup, now: dt.datetime) -> None:
    if end.when - now < dt.timedelta(days=backup.keep_days):
        left = (end.when - now).days
        raise NoWayBack(
            f"What is deleted could be brought back until {end.when:%Y-%m-%d} at least, and not for the "
            f"{backup.keep_days} days that the spec asks for: {end.how}.",
            hint=f"Change that rule, or ask for less in the spec, and plan again: backup: {{keep_days: {left}}}",
        )
