"""What Rekognition takes, which every detector keeps to: what is too big or empty is unreadable before it is fetched.

Source: AWS, "Guidelines and quotas in Amazon Rekognition" (docs.aws.amazon.com/rekognition/latest/dg/limits.html). The
service's own words for an image it refused stand in `rekognition_errors.py`.
"""

from __future__ import annotations

from labelplan.model.response import Unreadable

OBJECT_LIMIT = 15 * 1024 * 1024
"""Bytes of an image in S3."""

UPLOAD_LIMIT = 5 * 1024 * 1024
"""Bytes of an image sent with the request (botocore's service model: 5,242,880)."""

SMALLEST_SIDE = 80
LARGEST_SIDE = 10_000


def refuse_size(size: int, limit: int) -> Unreadable | None:
    """Say why an image file of *size* bytes cannot be labelled, or None if its size is fine."""
    if size == 0:
        return Unreadable("empty", "it has 0 bytes")
    if size > limit:
        return Unreadable("image-too-large", f"{size:,} bytes are more than the {limit:,} that can be labelled")
    return None


def refuse_sides(width: int, height: int) -> Unreadable | None:
    """Say why a picture of so many pixels cannot be labelled, or None if they are fine."""
    if max(width, height) > LARGEST_SIDE:
        return Unreadable("image-too-large", f"{width} x {height} pixels: no side may be over {LARGEST_SIDE:,}")
    if min(width, height) < SMALLEST_SIDE:
        return Unreadable("image-too-small", f"{width} x {height} pixels: no side may be under {SMALLEST_SIDE}")
    return None
