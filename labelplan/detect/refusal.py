"""Why the service refused an image: its own words, and what the object's first bytes add to them.

Only the service decides, so nothing here refuses anything. The bytes are read only now, for the few that were refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.detect.formats import JPEG, PNG, format_of, sides_of
from labelplan.detect.limits import OBJECT_LIMIT, UPLOAD_LIMIT, refuse_sides, refuse_size
from labelplan.errors import LabelplanError
from labelplan.model.objects import LocalImage
from labelplan.model.response import NO_ACCESS, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.model.objects import Image, S3Object

FIRST_BYTES = 128 * 1024
"""Enough to find a JPEG's sides behind one whole EXIF segment with its thumbnail (64 KiB)."""

GONE = "it changed or vanished after it was listed, or is archived"


class Refused(Struct, frozen=True):
    """A refusal as the service words it. *code* is labelplan's, as far as the service's own tells."""

    code: str
    words: str


def explain(refused: Refused, image: Image, first_bytes: Callable[[S3Object, int], bytes | None]) -> Unreadable:
    """Say why *image* was refused; a failure to read its first bytes says less, and fails nothing."""
    try:
        head = image.content if isinstance(image, LocalImage) else first_bytes(image, FIRST_BYTES)
    except (LabelplanError, OSError) as error:
        said = error.what if isinstance(error, LabelplanError) else type(error).__name__
        return _unreadable(refused.code, refused.words, f"labelplan could not read it either: {said}")
    if refused.code == NO_ACCESS:
        return _unreadable(NO_ACCESS, refused.words, GONE if head is None else _ONLY_REKOGNITION)
    if head is None:  # what was refused may be another content than the one that was listed
        return _unreadable("changed", refused.words, GONE)
    return _by_content(refused, image, head)


_ONLY_REKOGNITION = (
    "labelplan can read it, so look at the bucket's region, at s3:GetObjectVersion, and at the policies of the bucket "
    "and of its KMS key"
)


def _by_content(refused: Refused, image: Image, head: bytes) -> Unreadable:
    size, limit = (len(head), UPLOAD_LIMIT) if isinstance(image, LocalImage) else (image.size, OBJECT_LIMIT)
    kind, sides = format_of(head), sides_of(head)
    bad_sides = refuse_sides(*sides) if sides else None
    code = bad_sides.code if bad_sides and refused.code == "invalid-parameter" else refused.code
    reasons = [reason.message for reason in (refuse_size(size, limit), bad_sides) if reason]
    if kind not in {JPEG, PNG}:
        reasons.append(f"its first bytes are {kind}'s")
    elif not reasons:
        shown = f"{kind} of {sides[0]} x {sides[1]} pixels" if sides else kind
        todo = "it is cut short or damaged, or of a kind that Rekognition does not read"
        reasons.append(f"{shown}, {size:,} bytes: {todo}")
    return _unreadable(code, refused.words, *reasons)


def _unreadable(code: str, *words: str) -> Unreadable:
    return Unreadable(code, "; ".join(word.rstrip(".") for word in words if word))
