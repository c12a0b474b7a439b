"""Which old version a run's delete hides: what ending its way back may destroy, and what it leaves, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labelplan.rules.versions import NULL, is_planned, marker_above, way_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import KeyVersion, S3Object, Versioning
    from labelplan.rules.versions import Recorded

UNRECORDED = (
    "the run did not record the id of its delete marker, so somebody else may have deleted it; "
    "labelplan undo brings it back"
)
COVERED = "a newer object lies on it"
ANOTHER = "a delete marker that the run did not record lies on it"
TAKEN = "its version id is null, and while versioning is suspended another object could take that id"


class OldVersion(NamedTuple):
    """An old version that a run deleted. *why*: why a purge leaves it; empty: it is the run's alone, and may go."""

    version: KeyVersion
    why: str = ""


def old_version(
    versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded, versioning: Versioning
) -> OldVersion | None:
    """Return the planned version, if it is still there as an old one, and why it stays, if it does.

    None if it is gone, if it is the current one, or if an undo brought it back and somebody else hid it since.
    It may go only if the marker whose id the run recorded is the latest, and lies directly on it. So what somebody else
    deleted or covered stays, and whoever wants it gone has to be told. The version `null` may go only while versioning
    is on: otherwise another object could take its id.
    """
    version = next((one for one in versions if is_planned(one, planned)), None)
    if version is None or version is versions[0]:
        return None
    why = _why_it_stays(versions, planned, recorded, versioning)
    return None if recorded.undone and why in {COVERED, ANOTHER} else OldVersion(version, why)


def _why_it_stays(versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded, versioning: Versioning) -> str:
    top = versions[0]
    if not top.is_delete_marker:
        return COVERED
    if marker_above(versions, planned) is None or way_back(versions, planned, recorded).way != "marker":
        return ANOTHER
    if versions[1].version_id == NULL and versioning != "Enabled":
        return TAKEN
    if not recorded.marker:
        return UNRECORDED
    return "" if top.version_id == recorded.marker else ANOTHER
