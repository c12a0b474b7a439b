"""What a key's version list says about a planned object: whether it is still the one, what hides it, how it comes back.

A version list is newest first. Nothing is read or changed here; apply and undo act on the answers.
"""

from __future__ import annotations

import datetime as dt
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.model.objects import KeyVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import S3Object, Versioning

NULL = "null"

_CLOCKS = dt.timedelta(minutes=15)
"""How far the times of one S3 may differ from one another."""

AT_WORK = dt.timedelta(hours=1)
"""How long after its intent a delete may still be sent, be tried again and arrive. Later ones are somebody else's."""

State = Literal["planned", "changed", "gone"]
"""What is current at a key: the planned object, another object, or none."""


def state(versions: Sequence[KeyVersion], planned: S3Object) -> State:
    """Tell what is current at the planned object's key."""
    if not versions or versions[0].is_delete_marker:
        return "gone"
    return "planned" if is_planned(versions[0], planned) else "changed"


def is_planned(version: KeyVersion, planned: S3Object) -> bool:
    """Tell whether a version is the very object that was planned."""
    return (version.version_id, version.etag, version.size) == (planned.version_id, planned.etag, planned.size)


def marker_above(versions: Sequence[KeyVersion], planned: S3Object) -> KeyVersion | None:
    """Return the delete marker that hides the very planned version: the latest entry, and directly above it."""
    match versions:
        case [marker, below, *_] if marker.is_delete_marker and is_planned(below, planned):
            return marker
    return None


def own_marker(
    versions: Sequence[KeyVersion], planned: S3Object, since: dt.datetime, until: dt.datetime | None = None
) -> KeyVersion | None:
    """Return the delete marker that hides the planned object, if it is the latest entry and of that time.

    It lies directly on the planned version, which was current at *since*: so it was made after that, whatever S3's
    clocks say. Or on the same bytes: if they were stored again just before, the server that compared the ETag took them
    for it.
    """
    match versions:
        case [marker, below, *_] if marker.is_delete_marker and _has_bytes(below, planned):
            slack = _CLOCKS if is_planned(below, planned) else dt.timedelta()
            if since <= marker.last_modified + slack and (until is None or marker.last_modified <= until):
                return marker
    return None


def uncovered(versions: Sequence[KeyVersion]) -> KeyVersion | None:
    """Return the newest version that is no delete marker, or None."""
    return next((version for version in versions if not version.is_delete_marker), None)


def _has_bytes(version: KeyVersion, planned: S3Object) -> bool:
    return not version.is_delete_marker and (version.etag, version.size) == (planned.etag, planned.size)


def would_lose(versions: Sequence[KeyVersion], planned: S3Object, versioning: Versioning) -> bool:
    """Tell whether deleting the planned object, the latest, would destroy another version of it.

    In a bucket whose versioning is suspended a delete replaces the version `null`, wherever it lies.
    """
    others = (version for version in versions if not is_planned(version, planned))
    return versioning == "Suspended" and any(version.version_id == NULL for version in others)


class Recorded(Struct, frozen=True):
    """What a run's record says of one object that it was about to delete.

    *marker*: the delete marker's version id as it was seen, or empty. *since*, *until*: S3's times between which the
    delete was made. *since* None: it never was about to; *until* None: it may still be made. *compared*: whether the
    server compared the ETag with the delete. *undone*: an undo has found the object there, or brought it back, before.
    """

    marker: str
    since: dt.datetime | None
    until: dt.datetime | None
    compared: bool = True
    undone: bool = False


class WayBack(Struct, frozen=True):
    """How a planned object comes back.

    `present`: it is there. `marker`: removing *entries*, delete markers of the run's, shows it, or what is newer.
    `version`: it is there, under what may not be removed. `absent`: no version of it is left, and nothing else is
    there. `left`: *why* it stays as it is.
    """

    way: Literal["present", "marker", "version", "absent", "left"]
    entries: tuple[KeyVersion, ...] = ()
    why: str = ""


NEWER = "another object was stored under this key"
AGAIN = "it had been brought back, and is gone again since"


def way_back(versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded) -> WayBack:
    """Tell how a deleted object comes back, from what lies under its key now and what the record says.

    Only the run's own delete is taken back: the marker whose id was recorded, whatever it lies on; or, if none was,
    one of the run's time that lies directly on the planned bytes. Where the server did not compare, all markers of the
    run's time that lie on top: the request may have been repeated on the way.
    """
    if not versions:
        return WayBack("left", why=AGAIN) if recorded.undone else WayBack("absent")
    if not versions[0].is_delete_marker:
        return WayBack("present") if _has_bytes(versions[0], planned) else WayBack("left", why=NEWER)
    own = _own_markers(versions, planned, recorded)
    if not own:
        return WayBack("left", why=_not_ours(versions[0]))
    kept = any(is_planned(version, planned) for version in versions)
    if not kept and not _shows_no_older(versions[len(own) :], planned, recorded):
        return WayBack("absent")
    if any(marker.version_id == NULL for marker in own):  # a new object could take its place before it is removed
        return WayBack("version") if kept else WayBack("absent")
    return WayBack("marker", own)


def _own_markers(versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded) -> tuple[KeyVersion, ...]:
    top = versions[0]
    if recorded.since is None:
        return ()
    if not recorded.compared:
        inside = takewhile(lambda one: one.is_delete_marker and _is_of_its_time(one, recorded), versions)
        return tuple(inside)
    if recorded.marker:
        return (top,) if top.version_id == recorded.marker and _is_of_its_time(top, recorded) else ()
    if marker := own_marker(versions, planned, recorded.since, recorded.until):
        return (marker,)
    destroyed = top.version_id == NULL and not any(is_planned(version, planned) for version in versions)
    return (top,) if destroyed and _is_of_its_time(top, recorded) else ()


def _is_of_its_time(marker: KeyVersion, recorded: Recorded) -> bool:
    # an id that was recorded is as good as the record: S3's clocks may differ a little from one another
    slack = _CLOCKS if marker.version_id == recorded.marker != NULL else dt.timedelta()
    since, until = recorded.since, recorded.until
    return (since is not None and since - slack <= marker.last_modified) and (
        until is None or marker.last_modified <= until + slack
    )


def _shows_no_older(below: Sequence[KeyVersion], planned: S3Object, recorded: Recorded) -> bool:
    """Tell whether what the markers hide is the planned bytes, or newer than the run: never an older version."""
    shown = uncovered(below)
    if shown is None or recorded.since is None:
        return False
    return _has_bytes(shown, planned) or shown.last_modified > recorded.since


def _not_ours(marker: KeyVersion) -> str:
    return (
        f"a delete marker that is not known to be this run's lies on it: {marker.version_id}, "
        f"{marker.last_modified:%Y-%m-%d %H:%M:%S} UTC; to remove it: aws s3api delete-object --bucket … --key … "
        f"--version-id {marker.version_id}"
    )
