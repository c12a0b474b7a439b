"""An image file as bytes: which format it is, which way up it is shown, and only those of its bytes that make pixels.

Metadata never reaches the decoder: its parsers are where the warnings, the decompression bombs and the surprises are
(EXIF, ICC, text, APNG, MPO). Decoding is not done here but in `picture.py`.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from labelplan.detect.formats import format_of
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""The next segment; not a stuffed byte, a fill byte, or a marker that stands alone among a scan's data."""

_START_OF_SCAN, _END, _EXIF = 0xDA, 0xD9, 0xE1
_PROGRESSIVE = {0xC2, 0xCA}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_METADATA = {*range(0xE1, 0xEE), 0xEF, 0xFE}
"""APP1-APP13, APP15, COM; APP0 (JFIF) and APP14 (Adobe) say how the samples become colours."""

_ORIENTATION_TAG = 0x0112

MOST_SCANS = 100
"""A progressive JPEG has about ten. Each goes over the whole picture, and takes a few hundred bytes."""


class UnreadableImageError(Exception):
    """The bytes are not a picture that can be labelled; *reason* is what the plan will say."""

    def __init__(self, reason: Unreadable) -> None:
        """Carry *reason*."""
        super().__init__(reason.message)
        self.reason = reason


class ImageFile(Struct, frozen=True):
    """A JPEG or PNG without its metadata. *orientation*: EXIF's 1 to 8, where 1 is upright (CIPA DC-008, 4.6.4).

    *whole*: a decoder must hold all of the picture at its full size, however small it is to become.
    """

    format: Literal["JPEG", "PNG"]
    orientation: int
    whole: bool
    pixels: bytes


def invalid(words: str) -> UnreadableImageError:
    """Make the error for bytes that are no JPEG or PNG, or a broken one."""
    return UnreadableImageError(Unreadable("invalid-image", words))


def read_image_file(content: bytes) -> ImageFile:
    """Recognise an image by its bytes, whatever its name says; raises `UnreadableImageError`."""
    try:
        if content.startswith(_JPEG):
            return _read_jpeg(content)
        if content.startswith(_PNG):
            return ImageFile("PNG", 1, whole=True, pixels=_PNG + b"".join(_png_chunks(content)))
    except (ValueError, IndexError, struct.error):
        msg = "it starts as an image and ends before the picture"
        raise invalid(msg) from None
    msg = f"it is {format_of(content)}; only JPEG and PNG can be labelled"
    raise invalid(msg)


def _png_chunks(content: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if kind in _PNG_CHUNKS:
            yield content[at:end]
        at = end


def _read_jpeg(content: bytes) -> ImageFile:
    kept, orientation, frame, scans = [_JPEG[:2]], 1, b"", []
    for marker, segment in _jpeg_segments(content):
        if marker == _EXIF and segment[4:10] == b"Exif\0\0":
            orientation = exif_orientation(segment[10:])
        if marker in _FRAMES:
            frame = segment
        if marker == _START_OF_SCAN:
            scans.append(segment[4])  # how many colours it holds
        if marker not in _METADATA:
            kept.append(segment)
    if len(scans) > MOST_SCANS:
        msg = f"it is a JPEG of {len(scans):,} scans; more than {MOST_SCANS} are not decoded"
        raise invalid(msg)
    whole = frame[1] in _PROGRESSIVE or scans[0] < frame[9]
    return ImageFile("JPEG", orientation, whole, b"".join(kept))


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each segment up to the end of the picture, a start of scan with the data that follow it."""
    found = _MARKER.search(content, 2)
    while found and found[1][0] != _END:
        (length,) = struct.unpack_from(">H", content, found.end())
        start, marker, end = found.start(), found[1][0], found.end() + length
        found = _MARKER.search(content, end)
        if marker == _START_OF_SCAN:
            end = found.start() if found else len(content)
        yield marker, content[start:end]
    yield _END, content[found.start() : found.end()] if found else b""


def exif_orientation(tiff: bytes) -> int:
    """Find the orientation in the first directory of EXIF's TIFF structure; 1 if there is none or it is damaged."""
    order = "<" if tiff.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, value = struct.unpack_from(order + "H6xH", tiff, entry)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF's eight ways to hold a camera
    except struct.error:
        pass
    return 1
