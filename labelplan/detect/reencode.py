"""From an image file of nearly any format to a JPEG that Rekognition takes: upright, on white, its first frame.

What comes is not trusted: its format is known by its bytes, its size before it is decoded, and whatever a decoder makes
of it, the worst is a reason. Needs Pillow, so import it only once that is known to be there.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from labelplan.detect.formats import JPEG, PNG, format_of, sides_of
from labelplan.detect.image_file import UnreadableImageError, exif_orientation, invalid, read_image_file
from labelplan.detect.limits import LARGEST_SIDE, SMALLEST_SIDE, UPLOAD_LIMIT, refuse_sides
from labelplan.detect.picture import UPRIGHT
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

ENOUGH_SIDE = 4096
"""Pixels of the longer side of what is sent; Rekognition makes it smaller itself."""

MOST_PIXELS = 100_000_000
"""Of a picture as it is decoded, and `MANY_PIXELS` of those that are decoded side by side: about 1.5 GB in all."""

MANY_PIXELS = 25_000_000

QUALITIES = (92, 85, 75, 60)
"""JPEG's, from the best; the first that is small enough."""

_PLUGINS: dict[str, type[ImageFile]] = {
    JPEG: JpegImageFile,
    PNG: PngImageFile,
    "a BMP": BmpImageFile,
    "a GIF": GifImageFile,
    "a TIFF": TiffImageFile,
    "a WebP": WebPImageFile,
}

with contextlib.suppress(ImportError):  # before Pillow 11.3 there is none
    from PIL.AvifImagePlugin import AvifImageFile

    _PLUGINS["an AVIF"] = AvifImageFile

_AT_ONCE = threading.BoundedSemaphore(4)
_LARGE = threading.Lock()

warnings.filterwarnings("ignore", module=r"PIL\.")  # of damaged metadata; it is not used


def reencode(content: bytes) -> bytes:
    """Decode an image and encode it as JPEG; raises `UnreadableImageError` with the reason why not."""
    kind = format_of(content)
    plugin = _PLUGINS.get(kind)
    if plugin is None:
        hint = ": Pillow cannot read it by itself, so make it a JPEG with another tool" if kind == "a HEIC" else ""
        raise invalid(f"it is {kind}, which cannot be converted{hint}")
    try:
        with _AT_ONCE:
            return _encoded(_decoded(plugin, content))
    except UnreadableImageError:
        raise
    except Exception as error:  # noqa: BLE001 - Pillow raises whatever damaged bytes provoke
        msg = f"it is {kind} that cannot be decoded: damaged or cut off ({type(error).__name__})"
        raise invalid(msg) from None


def _decoded(plugin: type[ImageFile], content: bytes) -> Image.Image:
    orientation, drafts = 1, False
    _refuse_pixels(sides_of(content) if plugin is WebPImageFile else None)  # it makes its canvas when it is opened
    if plugin in {JpegImageFile, PngImageFile}:
        file = read_image_file(content)
        content, orientation, drafts = file.pixels, file.orientation, not file.whole
    picture = plugin(BytesIO(content))  # the plugin itself: Image.open would guess among all formats
    _refuse_small(*picture.size)
    if drafts:
        picture.draft(None, (ENOUGH_SIDE, ENOUGH_SIDE))
    _refuse_pixels(picture.size)
    if plugin not in {JpegImageFile, PngImageFile, TiffImageFile}:  # a TIFF's Pillow applies itself
        exif = picture.info.get("exif", b"")
        orientation = exif_orientation(exif.removeprefix(b"Exif\0\0"))
    if picture.width * picture.height <= MANY_PIXELS:
        return _upright(picture, orientation)
    with _LARGE:
        return _upright(picture, orientation)


def _upright(picture: ImageFile, orientation: int) -> Image.Image:
    picture.load()
    size = _sent_size(*picture.size)
    shown = _on_white(picture, size)
    shown.info.clear()  # a GIF's comment would go into the JPEG
    turn = UPRIGHT.get(orientation)
    return shown if turn is None else shown.transpose(turn)


def _on_white(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey; Pillow would clip them, not scale them
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    if picture.mode not in {"LA", "La", "PA", "RGBA", "RGBa"} and "transparency" not in picture.info:
        return _resized(picture.convert("RGB"), size)
    clear = _resized(picture.convert("RGBA"), size)
    solid = Image.new("RGBA", clear.size, "white")
    solid.alpha_composite(clear)
    return solid.convert("RGB")


def _encoded(picture: Image.Image) -> bytes:
    while True:
        for quality in QUALITIES:
            file = BytesIO()
            picture.save(file, "JPEG", quality=quality)
            if file.tell() <= UPLOAD_LIMIT:
                return file.getvalue()
        picture = _resized(picture, (picture.width * 3 // 4, picture.height * 3 // 4))


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _sent_size(width: int, height: int) -> tuple[int, int]:
    """Choose the sides that are sent: at most `ENOUGH_SIDE`, more only where the shorter one would get too short."""
    least = min(width, height)
    longest = max(ENOUGH_SIDE, -(-max(width, height) * SMALLEST_SIDE // least))
    part = min(1.0, min(longest, LARGEST_SIDE) / max(width, height))
    size = round(width * part), round(height * part)
    if refused := refuse_sides(*size):
        raise UnreadableImageError(Unreadable(refused.code, f"{width} x {height} pixels cannot be made to fit"))
    return size


def _refuse_small(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE:
        words = f"{width} x {height} pixels: no side may be under {SMALLEST_SIDE}"
        raise UnreadableImageError(Unreadable("image-too-small", words))


def _refuse_pixels(sides: tuple[int, int] | None) -> None:
    if sides and sides[0] * sides[1] > MOST_PIXELS:
        words = f"{sides[0]} x {sides[1]}: of this format, up to {MOST_PIXELS:,} pixels are converted"
        raise UnreadableImageError(Unreadable("image-too-large", words))
