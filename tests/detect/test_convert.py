from __future__ import annotations

import hashlib
import io
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelplan.detect.convert import FETCH_LIMIT, convert_image, require_converter
from labelplan.detect.formats import sides_of
from labelplan.detect.limits import UPLOAD_LIMIT
from labelplan.errors import MissingExtra
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture

Image = pytest.importorskip("PIL.Image", reason="needs labelplan[local]")
features = pytest.importorskip("PIL.features")
reencode = pytest.importorskip("labelplan.detect.reencode")


def drawn(size: tuple[int, int] = (300, 200), mode: str = "RGB") -> Picture:
    """A picture whose upper left is bright and whose rest is dark."""
    picture = Image.new(mode, size, 0 if mode in {"L", "1", "P"} else "navy")
    picture.paste(255 if mode in {"L", "1"} else 1 if mode == "P" else "yellow", (0, 0, size[0] // 2, size[1] // 2))
    if mode == "P":
        picture.putpalette([0, 0, 128, 255, 255, 0])
    return picture  # type: ignore[no-any-return]  # Pillow comes through importorskip


def saved(picture: Picture, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return bytes(exif.tobytes())


def converted(content: bytes) -> LocalImage | Unreadable:
    return convert_image(S3Object("deer", "v1", "9b2c", len(content)), lambda _image, _limit: content)


def shown(content: bytes) -> Picture:
    got = converted(content)
    assert isinstance(got, LocalImage)
    assert len(got.content) <= UPLOAD_LIMIT
    assert got.sha256 == hashlib.sha256(got.content).hexdigest()
    assert sides_of(got.content)
    return Image.open(io.BytesIO(got.content)).convert("RGB")  # type: ignore[no-any-return]  # as above


def is_near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 30 for one, other in zip(pixel, colour, strict=True))


YELLOW, NAVY, WHITE = (255, 255, 0), (0, 0, 128), (255, 255, 255)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "TIFF", "BMP", "JPEG", "PNG", "AVIF"])
def test_what_people_call_an_image_becomes_a_jpeg_of_the_same_picture(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    got = shown(saved(drawn(), kind))
    assert got.size == (300, 200)
    assert is_near(got.getpixel((40, 40)), YELLOW)
    assert is_near(got.getpixel((260, 160)), NAVY)


@pytest.mark.parametrize(
    ("mode", "kind"), [("1", "TIFF"), ("L", "WEBP"), ("P", "GIF"), ("CMYK", "TIFF"), ("YCbCr", "TIFF")]
)
def test_other_colours_than_red_green_and_blue_are_turned_into_them(mode: str, kind: str) -> None:
    got = shown(saved(drawn(mode=mode) if mode in {"1", "L", "P"} else drawn().convert(mode), kind))
    bright, dark = got.crop((40, 40, 41, 41)).tobytes(), got.crop((260, 160, 261, 161)).tobytes()
    assert sum(bright[:2]) > 400
    assert sum(dark[:2]) < 100


def test_sixteen_bits_of_grey_are_scaled_and_not_cut() -> None:
    picture = Image.new("I;16", (100, 100), 0x8000)
    assert is_near(shown(saved(picture, "TIFF")).getpixel((50, 50)), (128, 128, 128))


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "TIFF"])
def test_what_is_transparent_is_shown_on_white(kind: str) -> None:
    picture = drawn(mode="RGBA")
    picture.putpixel((0, 0), (255, 0, 0, 0))
    picture.paste((255, 0, 0, 0), (150, 100, 300, 200))
    got = shown(saved(picture, kind))
    assert is_near(got.getpixel((260, 160)), WHITE)
    assert is_near(got.getpixel((40, 40)), YELLOW)


def test_a_transparent_colour_of_a_gif_is_shown_on_white() -> None:
    got = shown(saved(drawn(mode="P"), "GIF", transparency=0))
    assert is_near(got.getpixel((260, 160)), WHITE)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    other = Image.new("RGB", (300, 200), "red")
    for kind in ("GIF", "WEBP"):
        got = shown(saved(drawn(), kind, save_all=True, append_images=[other], duration=100))
        assert is_near(got.getpixel((40, 40)), YELLOW)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_the_picture_is_turned_as_its_exif_says(kind: str) -> None:
    got = shown(saved(drawn(), kind, exif=turned(6)))
    assert got.size == (200, 300)
    assert is_near(got.getpixel((160, 40)), YELLOW)


def test_metadata_goes_nowhere() -> None:
    got = converted(saved(drawn(), "GIF", comment=b"deer in the wood"))
    assert isinstance(got, LocalImage)
    assert b"deer" not in got.content


def test_the_same_content_becomes_the_same_bytes() -> None:
    content = saved(drawn(), "WEBP")
    assert converted(content) == converted(content)


@pytest.mark.parametrize(
    ("size", "kind", "expected"),
    [
        ((10_001, 90), "PNG", (8890, 80)),
        ((5000, 2500), "JPEG", (4096, 2048)),
        ((10_400, 120), "GIF", (6934, 80)),
        ((80, 80), "BMP", (80, 80)),
    ],
)
def test_it_is_made_smaller_where_it_is_too_large_and_never_larger(
    size: tuple[int, int], kind: str, expected: tuple[int, int]
) -> None:
    assert shown(saved(drawn(size), kind)).size == expected


def test_noise_is_compressed_and_shrunk_until_it_can_be_sent() -> None:
    noise = Image.effect_noise((4096, 4096), 200).convert("RGB")
    assert max(shown(saved(noise, "BMP")).size) <= 4096


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        (b"", "empty", "0 bytes"),
        (b"deer", "invalid-image", "no image, which cannot be converted"),
        (b"<svg></svg>", "invalid-image", "an SVG, which cannot be converted"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "invalid-image", "HEIC.*Pillow cannot read it by itself"),
        (saved(drawn(), "WEBP")[:60], "invalid-image", "a WebP that cannot be decoded"),
        (saved(drawn(), "TIFF")[:2000], "invalid-image", "a TIFF that cannot be decoded"),
        (saved(drawn(), "JPEG")[:600], "invalid-image", "ends before the picture"),
        (saved(drawn(), "PNG")[:60], "invalid-image", "a PNG that cannot be decoded"),
        (saved(drawn((79, 200)), "GIF"), "image-too-small", "79 x 200 pixels"),
        (saved(drawn((20_000, 90)), "PNG"), "image-too-small", "20000 x 90 pixels cannot be made to fit"),
    ],
    ids=range(10),
)
def test_what_cannot_be_converted_stays_unreadable_with_the_reason(content: bytes, code: str, why: str) -> None:
    got = converted(content)
    assert isinstance(got, Unreadable)
    assert got.code == code
    assert re.search(why, got.message)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "TIFF", "BMP", "PNG", "JPEG"])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved(drawn((900, 900)), kind, **({"progressive": True} if kind == "JPEG" else {}))
    monkeypatch.setattr(reencode, "MOST_PIXELS", 800 * 900)
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("it was decoded"))
    monkeypatch.setattr(reencode.WebPImageFile, "_open", lambda _self: pytest.fail("its canvas was made"))
    got = converted(content)
    assert isinstance(got, Unreadable)
    assert got.code == "image-too-large"


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencode, "MANY_PIXELS", 100)
    held: list[bool] = []
    monkeypatch.setattr(
        reencode, "_upright", _watching(reencode._upright, lambda: held.append(reencode._LARGE.locked()))
    )
    shown(saved(drawn(), "PNG"))
    assert held == [True]


def _watching(function: Callable[..., Any], look: Callable[[], None]) -> Callable[..., Any]:
    def watched(*arguments: Any) -> Any:
        look()
        return function(*arguments)

    return watched


def test_a_local_file_is_converted_too_and_keeps_its_name() -> None:
    got = convert_image(LocalImage("./deer.webp", saved(drawn(), "WEBP"), "00"), lambda _image, _limit: None)
    assert isinstance(got, LocalImage)
    assert got.name == "./deer.webp"


def test_an_object_is_fetched_at_the_very_version_listed_and_within_the_limit() -> None:
    asked: list[tuple[S3Object, int]] = []

    def fetch(image: S3Object, limit: int) -> None:
        asked.append((image, limit))

    image = S3Object("deer.webp", "v1", "9b2c", 1000)
    got = convert_image(image, fetch)
    assert isinstance(got, Unreadable)
    assert got.code == "changed"
    assert asked == [(image, FETCH_LIMIT)]


def test_an_object_that_is_too_large_to_be_held_is_not_fetched() -> None:
    image = S3Object("deer.tiff", "v1", "9b2c", FETCH_LIMIT + 1)
    got = convert_image(image, lambda _image, _limit: pytest.fail("it was fetched"))
    assert isinstance(got, Unreadable)
    assert got.code == "image-too-large"


def test_without_pillow_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "labelplan.detect.reencode", raising=False)
    monkeypatch.delattr("labelplan.detect.reencode", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match="PIL") as caught:
        require_converter()
    assert caught.value.advice == 'pip install "labelplan[local]"'


WHOLE = [saved(drawn(), kind) for kind in ("WEBP", "GIF", "TIFF", "BMP", "PNG", "JPEG")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_bytes_give_a_picture_or_a_reason_and_never_an_error(content: bytes, data: st.DataObject) -> None:
    bad = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        bad[data.draw(st.integers(0, min(len(bad), 400) - 1))] = data.draw(st.integers(0, 255))
    got = converted(bytes(bad[: data.draw(st.integers(1, len(bad)))]))
    assert isinstance(got, (LocalImage, Unreadable))
