"""What Rekognition cannot read, made into a JPEG that it can: for `detector: {convert: true}`.

Needs Pillow, from `labelplan[local]`. The same content becomes the same JPEG wherever the same Pillow is used.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from labelplan.detect.image_file import UnreadableImageError
from labelplan.detect.limits import refuse_size
from labelplan.detect.refusal import GONE
from labelplan.errors import MissingExtra
from labelplan.model.objects import LocalImage
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.model.objects import Image, S3Object

FETCH_LIMIT = 100 * 1024 * 1024
"""Bytes of an object that is fetched to be converted; it is held in memory."""


def require_converter() -> None:
    """Raise `MissingExtra` unless images can be converted."""
    try:
        from labelplan.detect import reencode  # noqa: F401, PLC0415 - it needs the extra
    except ImportError as error:
        msg = f"`detector.convert` needs a Python package that is not there: {error}"
        raise MissingExtra(msg, hint='pip install "labelplan[local]"') from None


def convert_image(image: Image, fetch: Callable[[S3Object, int], bytes | None]) -> LocalImage | Unreadable:
    """Make *image* a JPEG of at most 5 MiB and 10,000 pixels a side, or say why not.

    *fetch* (a store's `Reader.fetch`) returns an object's bytes, at most as many as its second argument says, or None.
    """
    require_converter()
    from labelplan.detect.reencode import reencode  # noqa: PLC0415 - it needs the extra

    size = len(image.content) if isinstance(image, LocalImage) else image.size
    if refused := refuse_size(size, FETCH_LIMIT):
        return refused
    content = image.content if isinstance(image, LocalImage) else fetch(image, FETCH_LIMIT)
    if content is None:
        return Unreadable("changed", GONE)
    try:
        made = reencode(content)
    except UnreadableImageError as error:
        return error.reason
    name = image.name if isinstance(image, LocalImage) else image.key
    return LocalImage(name, made, hashlib.sha256(made).hexdigest())
