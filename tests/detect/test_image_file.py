from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.image_file import UnreadableImageError, read_image_file

Image = pytest.importorskip("PIL.Image", reason="needs labelplan[local]")


def made(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (90, 100), "teal").save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = "a deer"
    return bytes(data.tobytes())


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read_from_a_jpegs_exif(orientation: int) -> None:
    assert read_image_file(made("JPEG", exif=exif(orientation))).orientation == orientation


def test_exif_of_either_byte_order_is_read() -> None:
    tiff = [
        struct.pack(f"{order}HHIHHHIHH", word, 42, 8, 1, 0x0112, 3, 1, 6, 0)
        for order, word in (("<", 0x4949), (">", 0x4D4D))
    ]
    files = [made("JPEG", exif=b"Exif\0\0" + block) for block in tiff]
    assert [read_image_file(file).orientation for file in files] == [6, 6]


@pytest.mark.parametrize(
    "block",
    [b"", b"II", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0", b"nothing"],
)
def test_damaged_exif_or_an_orientation_that_does_not_exist_means_upright(block: bytes) -> None:
    assert read_image_file(made("JPEG", exif=b"Exif\0\0" + block)).orientation == 1


def test_a_png_stands_as_it_is_as_rekognition_sees_it() -> None:
    assert read_image_file(made("PNG", exif=exif(6))).orientation == 1


def test_of_a_jpeg_only_what_makes_pixels_is_kept() -> None:
    plain = made("JPEG")
    full = made("JPEG", exif=exif(1), comment=b"deer", icc_profile=b"profile" * 20, xmp=b"<x/>")
    assert full != plain
    assert read_image_file(full).pixels == read_image_file(plain).pixels == plain


def test_of_a_png_only_what_makes_pixels_is_kept() -> None:
    plain = made("PNG")
    after_header = 8 + 25
    extra = png_chunk(b"acTL", bytes(8)) + png_chunk(b"iTXt", b"deer") + png_chunk(b"eXIf", exif(6)[6:])
    full = plain[:after_header] + extra + plain[after_header:]
    assert read_image_file(full).pixels == read_image_file(plain).pixels == plain


@pytest.mark.parametrize("filler", [b"\xff\xff", b"\0\0junk", b"\xff\x00", b"\xff\x01"])
def test_fill_bytes_and_junk_between_a_jpegs_segments_are_skipped(filler: bytes) -> None:
    plain = made("JPEG")
    assert read_image_file(plain[:20] + filler + plain[20:]).pixels == plain


def test_what_follows_a_jpegs_end_is_left_out() -> None:
    plain = made("JPEG")
    assert read_image_file(plain + b"a film \xff\xda\0\x08 of a phone" * 200).pixels == plain


def progressive(scans: int) -> bytes:
    """Make a progressive JPEG whose last scan comes again and again, with a comment in between that holds an end."""
    whole = made("JPEG", progressive=True)
    before, last = whole[:-2], whole[whole.rindex(b"\xff\xda") : -2]
    comment = b"\xff\xfe\0\x06\xff\xd9\xff\xd9"
    return before + (comment + last) * (scans - before.count(b"\xff\xda")) + whole[-2:]


def test_a_jpeg_of_very_many_scans_is_unreadable_as_each_costs_a_walk_over_the_picture() -> None:
    assert read_image_file(progressive(100)).whole
    with pytest.raises(UnreadableImageError, match="JPEG of 101 scans; more than 100") as caught:
        read_image_file(progressive(101))
    assert caught.value.reason.code == "invalid-image"


def test_a_decoder_need_not_hold_a_jpeg_in_full_whose_only_scan_has_all_its_colours() -> None:
    plain = made("JPEG")
    assert not read_image_file(plain).whole
    at = plain.index(b"\xff\xda") + 4
    assert read_image_file(plain[:at] + b"\x01" + plain[at + 1 :]).whole
    assert read_image_file(made("PNG")).whole


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"GIF89a", "a GIF"), (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP"), (b"deer deer deer", "no image")],
)
def test_another_format_is_named_whatever_the_files_name_says(content: bytes, found: str) -> None:
    with pytest.raises(UnreadableImageError, match=f"it is {found}; only JPEG and PNG") as caught:
        read_image_file(content)
    assert caught.value.reason.code == "invalid-image"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_that_ends_before_its_picture_is_unreadable(kind: str) -> None:
    with pytest.raises(UnreadableImageError, match="ends before the picture"):
        read_image_file(made(kind)[:12])


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b""]))
def test_any_bytes_are_an_image_file_or_unreadable(content: bytes, start: bytes) -> None:
    with contextlib.suppress(UnreadableImageError):
        assert read_image_file(start + content).format in {"JPEG", "PNG"}
