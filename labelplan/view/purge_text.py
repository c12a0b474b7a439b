"""What is said before the way back of a run is ended: what will be gone for good, what stays, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.view.record_text import when
from labelplan.view.style import printable
from labelplan.view.way_back_text import amount, copies_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def purge_lines(run: Mapping[str, Any], doomed: Mapping[str, Any]) -> Iterator[str]:
    """Yield what nobody should say yes to by mistake.

    *run*: as `runs --json` prints it. *doomed*: `objects` of `size` bytes in all go; `kept` more are not surely the
    run's; `versions_stay`: copies go, and the old versions of the objects do not.
    """
    start, name = run["start"], run["run"]
    bucket, backup = printable(start["target"]["bucket"]), start["backup"]
    yield f"The run {bucket}/{name} ({run['state']}) began {when(start['started'])}."
    if run["applied"] is None:
        yield "It has not ended: this ends it, and takes also what it deletes until then."
    objects, size = doomed["objects"], amount(doomed["size"])
    if backup["mode"] == "versioning":
        yield f"{objects:,} old versions that it deleted, {size}, would be gone for good."
    else:
        place = copies_at(backup["bucket"] or start["target"]["bucket"], backup["prefix"], name)
        yield f"{objects:,} copies, {size}, would be gone for good: all under {printable(place)}"
    if doomed["versions_stay"]:
        yield "labelplan undo brings nothing back then."
        yield (
            f"But s3://{bucket} has versioning: the old versions of what it deleted stay there, and whoever may read "
            "them can."
        )
    else:
        yield "Nothing brings them back, neither labelplan undo nor anything else."
    if doomed["kept"]:
        yield (
            f"{doomed['kept']:,} more stay: the run did not record the ids of the delete markers on them, so somebody "
            "else may have deleted them."
        )
        yield "labelplan undo brings those back; an apply that was stopped records them when it goes on."
