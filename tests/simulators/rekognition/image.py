"""An image as far as the service is picky about it: JPEG or PNG by its bytes, whole, and within the pixel limits.

Nothing is decoded: a JPEG is followed from marker to marker (ITU T.81, annex B), a PNG from chunk to chunk (W3C PNG,
section 5). A damaged scan inside an intact frame goes unnoticed.
"""

from __future__ import annotations

import struct
import zlib

from tests.simulators.rekognition.errors import invalid_image, invalid_parameters, too_large

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
SCAN, END = 0xDA, b"\xff\xd9"
SMALLEST, LARGEST = 80, 10_000


def check_image(content: bytes) -> None:
    """Raise `Refusal` for what cannot be labelled."""
    try:
        width, height = sides(content)
    except (ValueError, struct.error, IndexError):
        raise invalid_image() from None
    if max(width, height) > LARGEST:
        raise too_large()
    if min(width, height) < SMALLEST:
        raise invalid_parameters()  # a guess: AWS documents the limit and no error for it


def sides(content: bytes) -> tuple[int, int]:
    """Return the width and height in pixels; raises `ValueError` and the like for what is no whole JPEG or PNG."""
    if content.startswith(JPEG):
        return _jpeg_sides(content)
    if content.startswith(PNG):
        return _png_sides(content)
    raise ValueError("neither JPEG nor PNG")


def _jpeg_sides(content: bytes) -> tuple[int, int]:
    at, found = 2, (0, 0)
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker where one should be")
        marker = content[at + 1]
        if marker == 0xFF or marker in ALONE:  # a fill byte, or a marker without a length
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            found = (width, height)
        at += 2 + length
        if marker == SCAN:
            break
    if not all(found) or content.find(END, at) <= at:
        raise ValueError("no frame, no data, or no end")
    return found


def _png_sides(content: bytes) -> tuple[int, int]:
    at, kinds = len(PNG), []
    while b"IEND" not in kinds:
        length, kind = struct.unpack_from(">I4s", content, at)
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(content[at + 4 : at + 8 + length]) != checksum:
            raise ValueError("a chunk is damaged")
        kinds.append(kind)
        at += 12 + length
    width, height = struct.unpack_from(">II", content, len(PNG) + 8)
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds or not (width and height):
        raise ValueError("no header or no picture")
    return width, height
