"""From an image file to the picture that the networks look at: upright, RGB, not much larger than they need.

For the local detector only. Needs Pillow, so import it only once that is known to be there.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from labelplan.detect.image_file import UnreadableImageError, invalid, read_image_file
from labelplan.detect.limits import refuse_sides
from labelplan.model.response import Unreadable

ENOUGH = 512
"""Pixels of the short side below which a picture is not shrunk while decoding: twice what the classifier looks at."""

MOST_PIXELS = 50_000_000
"""Of a picture that cannot be shrunk while it is decoded; it takes up to 0.6 GB for a moment, on each core."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(content: bytes) -> Image.Image:
    """Decode a JPEG or PNG; transparency is shown on white. Raises `UnreadableImageError`."""
    file = read_image_file(content)
    try:
        # The plugins themselves: Image.open would guess among all formats, and warn of large ones.
        picture = (JpegImageFile if file.format == "JPEG" else PngImageFile)(BytesIO(file.pixels))
        if refused := refuse_sides(*picture.size):
            raise UnreadableImageError(refused)
        if file.whole and picture.width * picture.height > MOST_PIXELS:
            raise UnreadableImageError(_too_many_pixels(picture))
        picture.draft(None, (ENOUGH, ENOUGH))
        picture.load()
    except (OSError, SyntaxError, ValueError):
        msg = f"it is a {file.format} that cannot be decoded: damaged or cut off"
        raise invalid(msg) from None
    upright = UPRIGHT.get(file.orientation)
    shown = _on_white(picture)
    return shown if upright is None else shown.transpose(upright)


def _too_many_pixels(picture: Image.Image) -> Unreadable:
    words = f"{picture.width} x {picture.height}: a PNG or progressive JPEG may have {MOST_PIXELS:,} pixels"
    return Unreadable("image-too-large", words)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16-bit grey; Pillow would clip it, not scale it
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode not in {"LA", "PA", "RGBA"} and "transparency" not in picture.info:
        shown = _shrink(picture.convert("RGB") if picture.mode in {"1", "P"} else picture)
        return shown if shown.mode == "RGB" else shown.convert("RGB")
    clear = _shrink(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
    solid = Image.new("RGBA", clear.size, "white")
    solid.alpha_composite(clear)
    return solid.convert("RGB")


def _shrink(picture: Image.Image) -> Image.Image:
    factor = min(picture.size) // ENOUGH
    return picture.reduce(factor) if factor > 1 else picture
