"""What a key's version list says about a planned object: whether it is still the one, and which marker hides it.

A version list is newest first. Nothing is read or changed here; apply and undo act on the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from labelplan.model.objects import KeyVersion
    from labelplan.model.plan import Decision

_NULL = "null"
_BY_HAND = (
    "its delete marker has the id `null`, made while versioning was suspended: a new object could take its place "
    "meanwhile; look, and remove it by hand: aws s3api delete-object --bucket … --key … --version-id null"
)

State = Literal["planned", "changed", "gone"]
"""What is current at a key: the planned object, another object, or none."""


def state(versions: Sequence[KeyVersion], planned: Decision) -> State:
    """Tell what is current at the planned object's key."""
    if not versions or versions[0].is_delete_marker:
        return "gone"
    return "planned" if is_planned(versions[0], planned) else "changed"


def is_planned(version: KeyVersion, planned: Decision) -> bool:
    """Tell whether a version is the very object that was planned."""
    return (version.version_id, version.etag, version.size) == (planned.version_id, planned.etag, planned.size)


def marker_above(versions: Sequence[KeyVersion], planned: Decision) -> KeyVersion | None:
    """Return the delete marker that hides the planned object: the latest entry, and directly above it."""
    match versions:
        case [marker, below, *_] if marker.is_delete_marker and is_planned(below, planned):
            return marker
    return None


def marker_to_remove(
    versions: Sequence[KeyVersion],
    planned: Decision,
    recorded: str,
    since: dt.datetime,
    until: dt.datetime | None,
) -> KeyVersion | str:
    """Return the delete marker whose removal undoes a delete, or why nothing may be removed.

    *recorded*: the marker's version id as the run recorded it; only that marker counts then, above the planned bytes
    (a re-upload of the very same bytes may have come between). Empty after a crash: then it must lie directly above
    the planned version, made in the run's time, from *since* to *until* (None: open) by S3's clock. The marker `null`
    is never removed.
    """
    match versions:
        case [marker, below, *_] if marker.is_delete_marker:
            pass
        case []:
            return "no version of it is left"
        case [version] if version.is_delete_marker:
            return "no version of it is left"
        case _:
            return "another object was stored under this key"
    if recorded:
        ours = marker.version_id == recorded and (below.etag, below.size) == (planned.etag, planned.size)
    else:
        ours = is_planned(below, planned) and _within(marker.last_modified, since, until)
    if not ours:
        return "it was deleted again by somebody else"
    return _BY_HAND if marker.version_id == _NULL else marker


def _within(when: dt.datetime, since: dt.datetime, until: dt.datetime | None) -> bool:
    return since <= when and (until is None or when <= until)
