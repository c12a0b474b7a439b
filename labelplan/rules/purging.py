"""Which old version a run's delete hides, and nothing else: what ending its way back may destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.rules.versions import NULL, marker_above, way_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import KeyVersion, S3Object, Versioning
    from labelplan.rules.versions import Recorded


def hidden_version(
    versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded, versioning: Versioning
) -> KeyVersion | None:
    """Return the planned version, if the run's own delete marker is the latest and lies directly on it; else None.

    Its own is the marker whose id the run recorded. So neither what was restored, nor what was stored since, nor what
    somebody else deleted. The version `null` counts only while versioning is on: otherwise another object could take
    its id.
    """
    hidden = _hidden(versions, planned, recorded, versioning)
    return hidden if hidden and versions[0].version_id == recorded.marker else None


def perhaps_hidden(
    versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded, versioning: Versioning
) -> KeyVersion | None:
    """Return the planned version, if the marker on it may be the run's, which recorded no id for it; else None.

    Undo takes such a marker back. A purge leaves what it hides: somebody may have deleted the object by hand.
    """
    hidden = _hidden(versions, planned, recorded, versioning)
    return hidden if hidden and not recorded.marker else None


def _hidden(
    versions: Sequence[KeyVersion], planned: S3Object, recorded: Recorded, versioning: Versioning
) -> KeyVersion | None:
    if marker_above(versions, planned) is None or way_back(versions, planned, recorded).way != "marker":
        return None
    hidden = versions[1]
    return None if hidden.version_id == NULL and versioning != "Enabled" else hidden
