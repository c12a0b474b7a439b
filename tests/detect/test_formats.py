from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.formats import format_of, sides_of


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\xd8\xff\xe0", "a JPEG"),
        (b"\x89PNG\r\n\x1a\n", "a PNG"),
        (b"GIF89a", "a GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP"),
        (b"BM\0\0", "a BMP"),
        (b"II*\0", "a TIFF"),
        (b"MM\0*", "a TIFF"),
        (b"\0\0\0\x18ftypheic", "a HEIC"),
        (b"\0\0\0\x18ftypmif1", "a HEIC"),
        (b"\0\0\0\x18ftypavif", "an AVIF"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a ZIP"),
        (b"<svg xmlns=", "an SVG"),
        (b'\xef\xbb\xbf <?xml version="1.0"?>\n<!-- deer -->\n<svg ', "an SVG"),
        (b"\r\n<!DOCTYPE html><p><svg>", "an HTML page"),
        (b"<HTML>", "an HTML page"),
        (b"<Error><Code>AccessDenied</Code>", "an XML text"),
        (b"deer deer deer", "no image"),
        (b"", "no image"),
    ],
)
def test_a_format_is_known_by_its_first_bytes(content: bytes, name: str) -> None:
    assert format_of(content) == name


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(60_000)}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(100)}),
    ],
    ids=range(7),
)
def test_the_sides_are_read_from_the_first_bytes(kind: str, options: dict[str, object]) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs labelplan[local]")
    file = io.BytesIO()
    image.new("RGB", (301, 77), "teal").save(file, kind, **options)
    assert sides_of(file.getvalue()) == (301, 77)
    assert sides_of(file.getvalue()[: 1024 + 60_000 * ("exif" in options)]) == (301, 77)


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a\x20\x03\x20\x03",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(50),
        b"\xff\xd8\xff\xe1\xff\xff cut off in the EXIF",
        b"\xff\xd8\xff\xc0\0\x11",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0",
        b"RIFF\0\0\0\0WEBPALPH",
        b"RIFF\0\0\0\0WEBPVP8X",
    ],
)
def test_sides_that_are_not_there_are_not_guessed(content: bytes) -> None:
    assert sides_of(content) is None


@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"<", b""]), st.binary())
def test_whatever_the_bytes_they_are_read_without_an_error(start: bytes, rest: bytes) -> None:
    assert format_of(start + rest)
    sides_of(start + rest)


def test_a_png_may_claim_any_sides() -> None:
    header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", 20_000, 3)
    assert sides_of(header) == (20_000, 3)
