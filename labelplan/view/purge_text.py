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

    *run*: as `runs --json` prints it. *doomed*: `objects` of `size` bytes in all go; `kept`: so many more stay,
    by the reason; `versions_stay`: copies go, and the old versions of the objects do not.
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
    for why, count in doomed["kept"].items():
        yield f"{count:,} more stay, and can be read by their version ids: {why}."


def kept_lines(bucket: str, count: int) -> Iterator[str]:
    """Yield, after a purge that kept *count* old versions, how a person ends what it may not."""
    if count:
        yield "What was kept can still be read. If it has to go, destroy it by its version id (--json names it):"
        yield f"  aws s3api delete-object --bucket {bucket} --key … --version-id …"
