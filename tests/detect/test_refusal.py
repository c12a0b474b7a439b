from __future__ import annotations

import struct

import pytest

from labelplan.detect.refusal import Refused, explain
from labelplan.errors import AwsRefused
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import OF_CONTENT, Unreadable

FORMAT = Refused("invalid-image", "Request has invalid image format")
LARGE = Refused("image-too-large", "Image size is too large")
PARAMETER = Refused("invalid-parameter", "Request has invalid parameters")
NO_ACCESS = Refused("no-access", "Unable to get object metadata from S3. Check object key, region.")
WEBP = b"RIFF\0\0\0\0WEBPVP8 "


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", width, height) + bytes(30)


def explained(refused: Refused, content: bytes, size: int = 1000) -> Unreadable:
    return explain(refused, S3Object("deer.jpg", "v1", "9b2c", size), lambda _image, _count: content)


@pytest.mark.parametrize(
    ("refused", "content", "size", "code", "why"),
    [
        (FORMAT, WEBP, 1000, "invalid-image", "its first bytes are a WebP's"),
        (FORMAT, b"\0\0\0\x18ftypheic", 1000, "invalid-image", "its first bytes are a HEIC's"),
        (FORMAT, b"deer", 1000, "invalid-image", "its first bytes are no image's"),
        (FORMAT, png(640, 480), 1000, "invalid-image", "a PNG of 640 x 480 pixels, 1,000 bytes: it is cut short"),
        (FORMAT, b"\xff\xd8\xff", 3, "invalid-image", "a JPEG, 3 bytes: it is cut short or damaged, or of a kind that"),
        (FORMAT, png(640, 70), 1000, "invalid-image", "640 x 70 pixels: no side may be under 80"),
        (LARGE, png(12_000, 300), 1000, "image-too-large", "12000 x 300 pixels: no side may be over 10,000"),
        (LARGE, png(640, 480), 15_728_641, "image-too-large", "15,728,641 bytes are more than the 15,728,640"),
        (LARGE, WEBP, 15_728_641, "image-too-large", "that can be labelled; its first bytes are a WebP's"),
        (PARAMETER, png(79, 300), 1000, "image-too-small", "79 x 300 pixels: no side may be under 80"),
        (PARAMETER, png(80, 10_001), 1000, "image-too-large", "80 x 10001 pixels: no side may be over 10,000"),
        (PARAMETER, png(640, 480), 1000, "invalid-parameter", "a PNG of 640 x 480 pixels"),
    ],
)
def test_the_services_words_stand_first_and_the_first_bytes_explain_them(
    refused: Refused, content: bytes, size: int, code: str, why: str
) -> None:
    got = explained(refused, content, size)
    assert got.code == code
    assert got.code in OF_CONTENT
    assert got.message.startswith(f"{refused.words}; ")
    assert why in got.message


def test_a_local_file_is_explained_by_its_own_content_and_the_limit_of_what_is_sent() -> None:
    image = LocalImage("./deer.png", png(640, 480) + bytes(5 * 1024 * 1024), "00")
    got = explain(LARGE, image, lambda _image, _count: pytest.fail("it was read"))
    assert "more than the 5,242,880" in got.message


def test_what_changed_before_it_was_refused_says_nothing_about_the_content_that_was_listed() -> None:
    got = explain(FORMAT, S3Object("deer.jpg", "v1", "9b2c", 1), lambda _image, _count: None)
    assert got.code == "changed"
    assert got.message.startswith("Request has invalid image format; it changed or vanished")


@pytest.mark.parametrize(
    ("head", "why"), [(None, "it changed or vanished after it was listed"), (b"deer", "labelplan can read it")]
)
def test_of_an_object_that_the_service_could_not_read_it_says_whether_labelplan_could(
    head: bytes | None, why: str
) -> None:
    got = explain(NO_ACCESS, S3Object("deer.jpg", "v1", "9b2c", 1000), lambda _image, _count: head)
    assert got.code == "no-access"
    assert got.message.startswith(f"{NO_ACCESS.words.rstrip('.')}; {why}")


@pytest.mark.parametrize(
    ("error", "why"), [(AwsRefused("Cannot read it: access denied."), "access denied"), (OSError(5, "I/O"), "OSError")]
)
@pytest.mark.parametrize("refused", [FORMAT, NO_ACCESS])
def test_first_bytes_that_cannot_be_read_fail_nothing(refused: Refused, error: Exception, why: str) -> None:
    def first_bytes(_image: S3Object, _count: int) -> bytes | None:
        raise error

    got = explain(refused, S3Object("deer.jpg", "v1", "9b2c", 1000), first_bytes)
    assert got.code == refused.code
    assert why in got.message
