"""Which format a file is in and how large its picture is, by its first bytes: nothing is decoded, names say nothing.

To explain a refusal, so a format has the name that a person knows, with its article: `a WebP`.
"""

from __future__ import annotations

import re
import struct

JPEG, PNG = "a JPEG", "a PNG"
UNKNOWN = "no image"

_SIGNATURES = (
    (JPEG, 0, b"\xff\xd8\xff"),
    (PNG, 0, b"\x89PNG\r\n\x1a\n"),
    ("a GIF", 0, b"GIF8"),
    ("a WebP", 8, b"WEBP"),
    ("a BMP", 0, b"BM"),
    ("a TIFF", 0, b"II*\0"),
    ("a TIFF", 0, b"MM\0*"),
    ("a JPEG 2000", 4, b"jP  \r\n\x87\n"),
    ("a JPEG XL", 4, b"JXL \r\n\x87\n"),
    ("a JPEG XL", 0, b"\xff\x0a"),
    ("an icon", 0, b"\0\0\1\0"),
    ("a Photoshop file", 0, b"8BPS"),
    ("a PDF", 0, b"%PDF"),
    ("a ZIP", 0, b"PK\x03\x04"),
    ("a gzip file", 0, b"\x1f\x8b"),
)

_BRANDS = {
    "an AVIF": {b"avif", b"avis"},
    "a HEIC": {b"heic", b"heim", b"heis", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"},
}
"""The brand of an ISO media file (ISO/IEC 23008-12); any other is a video's."""

_HTML = re.compile(rb"<!doctype html|<html|<head|<body|<script", re.IGNORECASE)
_SVG = re.compile(rb"<svg|<!doctype svg", re.IGNORECASE)
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"
_ENOUGH_TEXT = 4096

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The JPEG markers whose segment gives the picture's sides (ITU-T T.81, table B.1)."""


def format_of(content: bytes) -> str:
    """Name the format that *content* begins as, with its article; `UNKNOWN` if it is none that people call an image."""
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return next((name for name, brands in _BRANDS.items() if brand in brands), "a video")
    for name, at, magic in _SIGNATURES:
        if content.startswith(magic, at):
            return name
    text = content[:_ENOUGH_TEXT].lstrip(_BEFORE_TEXT)
    if not text.startswith(b"<"):
        return UNKNOWN
    if _HTML.search(text):
        return "an HTML page"
    return "an SVG" if _SVG.search(text) else "an XML text"


def sides_of(content: bytes) -> tuple[int, int] | None:
    """Read width and height of a JPEG, PNG or WebP from its first bytes; None if they are not among them."""
    read = {JPEG: _jpeg_sides, PNG: _png_sides, "a WebP": _webp_sides}.get(format_of(content))
    try:
        return read(content) if read else None
    except struct.error:
        return None


def _png_sides(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _jpeg_sides(content: bytes) -> tuple[int, int] | None:
    found = _MARKER.search(content, 2)
    while found:
        if found[1][0] in _FRAMES:
            height, width = struct.unpack_from(">HH", content, found.end() + 3)
            return width, height
        (length,) = struct.unpack_from(">H", content, found.end())
        found = _MARKER.search(content, found.end() + length)
    return None


def _webp_sides(content: bytes) -> tuple[int, int] | None:
    """Read the sides from the first chunk (RFC 9649): extended, lossless or lossy."""
    kind = content[12:16]
    if kind == b"VP8X":
        low, high, low2, high2 = struct.unpack_from("<HBHB", content, 24)
        return 1 + low + (high << 16), 1 + low2 + (high2 << 16)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
