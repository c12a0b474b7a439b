"""How objects are deleted, as follows from what the server was seen to honour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.errors import NoWayBack

if TYPE_CHECKING:
    from labelplan.model.objects import Versioning
    from labelplan.model.run import Capabilities, Strategy

_SAID: dict[Strategy, str] = {
    "bulk": "up to 1,000 objects a request, and the server compares each one's ETag",
    "single": "one object a request, for the server compares ETags only there",
    "check": (
        "the server compares no ETags, so each object is looked at just before; what somebody stores in between is "
        "deleted in its place, and undo brings it back"
    ),
}

STATES: dict[Versioning, str] = {"Enabled": "on", "Suspended": "suspended", "Disabled": "off"}
"""What a bucket's versioning is, for a person; it is `Disabled` where it was never on."""


def choose_strategy(found: Capabilities, versioning: Versioning, bucket: str) -> Strategy:
    """Choose the fastest way to delete that is safe; raises `NoWayBack` where there is none.

    Without any condition, what somebody stores between the look and the delete is deleted in its place: a bucket with
    versioning on keeps it, any other loses it for good (a suspended one deletes its null version).
    """
    if found.bulk_delete and found.single_delete:  # a key that XML cannot carry goes by itself
        return "bulk"
    if found.single_delete:
        return "single"
    if versioning == "Enabled":
        return "check"
    raise NoWayBack(
        f"The server ignores conditions on deletes, and versioning of the bucket {bucket} is {STATES[versioning]}: an "
        "object that somebody replaces at the wrong moment would be lost.",
        hint=f"Turn versioning on: aws s3api put-bucket-versioning --bucket {bucket} "
        "--versioning-configuration Status=Enabled\n"
        "Then wait 15 minutes, as AWS advises, and plan again.\n"
        "Or use a server that honours If-Match on DeleteObject: labelplan doctor SPEC --probe shows what one does.",
    )


def said(strategy: Strategy) -> str:
    """Say for a person how objects are deleted."""
    return _SAID[strategy]
