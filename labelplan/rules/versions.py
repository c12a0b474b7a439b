"""What a key's version list says about a planned object: whether it is still the one, what hides it, how it comes back.

A version list is newest first. Nothing is read or changed here; apply and undo act on the answers.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.model.objects import KeyVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import S3Object, Versioning

NULL = "null"

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
    """Return the delete marker that hides the planned object: the latest entry, and directly above it."""
    match versions:
        case [marker, below, *_] if marker.is_delete_marker and is_planned(below, planned):
            return marker
    return None


def would_lose(versions: Sequence[KeyVersion], planned: S3Object, versioning: Versioning) -> bool:
    """Tell whether deleting the planned object, the latest, would destroy another version of it.

    In a bucket whose versioning is suspended a delete replaces the version `null`, wherever it lies.
    """
    others = (version for version in versions if not is_planned(version, planned))
    return versioning == "Suspended" and any(version.version_id == NULL for version in others)


class Recorded(Struct, frozen=True):
    """What a run's record says of one object that it was about to delete.

    *marker*: the delete marker's version id as the reply gave it, or empty. *since*, *until*: S3's times between which
    the delete was made. *since* None: it never was about to; *until* None: it may still be made.
    """

    marker: str
    since: dt.datetime | None
    until: dt.datetime | None


class WayBack(Struct, frozen=True):
    """How a planned object comes back.

    `present`: it is there. `marker`: removing *entry*, a delete marker of the run's, shows it. `version`: *entry*, the
    planned version, is there, under what may not be removed. `absent`: no version of it is left, and nothing else is
    there. `left`: *why* it stays as it is.
    """

    way: Literal["present", "marker", "version", "absent", "left"]
    entry: KeyVersion | None = None
    why: str = ""


def way_back(versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded) -> WayBack:
    """Tell how a deleted object comes back, from what lies under its key now and what the record says.

    Only the run's own delete is taken back: the marker whose id was recorded, whatever it lies on, if it was made in
    the run's time; or, if none was recorded, one of that time that lies directly on the planned version.
    """
    if not versions:
        return WayBack("absent")
    top = versions[0]
    if not top.is_delete_marker:
        same = (top.etag, top.size) == (planned.etag, planned.size)
        return WayBack("present") if same else WayBack("left", why="another object was stored under this key")
    if not _is_ours(versions, planned, recorded):
        return WayBack("left", why="it was deleted again by somebody else")
    kept = next((version for version in versions if is_planned(version, planned)), None)
    if kept is None and not _same_bytes_below(versions, planned):
        return WayBack("absent")
    if top.version_id == NULL:  # a new object could take its place before it is removed
        return WayBack("version", kept) if kept else WayBack("absent")
    return WayBack("marker", top)


def _is_ours(versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded) -> bool:
    top = versions[0]
    if recorded.since is None or not _within(top.last_modified, recorded.since, recorded.until):
        return False
    if recorded.marker:
        return top.version_id == recorded.marker
    destroyed = not any(is_planned(version, planned) for version in versions)  # the marker `null` took its place
    return marker_above(versions, planned) is not None or (destroyed and top.version_id == NULL)


def _same_bytes_below(versions: Sequence[KeyVersion], planned: S3Object) -> bool:
    match versions:
        case [_, below, *_]:
            return (below.etag, below.size) == (planned.etag, planned.size)
    return False


def _within(when: dt.datetime, since: dt.datetime, until: dt.datetime | None) -> bool:
    return since <= when and (until is None or when <= until)
