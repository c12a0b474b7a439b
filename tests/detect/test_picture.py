from __future__ import annotations

import contextlib
import io
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelplan.detect.image_file import UnreadableImageError

np = pytest.importorskip("numpy", reason="needs labelplan[local]")
Image = pytest.importorskip("PIL.Image", reason="needs labelplan[local]")
JpegImageFile = pytest.importorskip("PIL.JpegImagePlugin", reason="needs labelplan[local]").JpegImageFile
decode = pytest.importorskip("labelplan.detect.picture", reason="needs labelplan[local]").decode

if TYPE_CHECKING:
    import PIL.Image

RED, WHITE = (255, 0, 0), (255, 255, 255)


def saved(picture: PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def corner(size: tuple[int, int] = (160, 120)) -> PIL.Image.Image:
    """Make a black picture whose upper left quarter is red."""
    picture: PIL.Image.Image = Image.new("RGB", size)
    picture.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    return picture


def quarters(picture: PIL.Image.Image) -> list[bool]:
    """Tell which quarters are red: upper left, upper right, lower left, lower right."""
    red = np.asarray(picture)[..., 0] > 128
    return [bool(red[y * picture.height // 4, x * picture.width // 4]) for y in (1, 3) for x in (1, 3)]


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (160, 120), 0),
        (2, (160, 120), 1),
        (3, (160, 120), 3),
        (4, (160, 120), 2),
        (5, (120, 160), 0),
        (6, (120, 160), 1),
        (7, (120, 160), 3),
        (8, (120, 160), 2),
    ],
)
def test_a_jpeg_is_turned_upright_as_its_exif_says(orientation: int, size: tuple[int, int], red: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(corner(), "JPEG", exif=exif.tobytes()))
    assert picture.size == size
    assert quarters(picture) == [quarter == red for quarter in range(4)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_every_kind_of_png_becomes_rgb(mode: str) -> None:
    picture = decode(saved(corner().convert(mode)))
    assert picture.mode == "RGB"
    assert picture.size == (160, 120)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_becomes_rgb(mode: str) -> None:
    picture = decode(saved(corner().convert(mode), "JPEG"))
    assert picture.mode == "RGB"
    assert picture.getpixel((120, 90)) == pytest.approx((0, 0, 0), abs=6)


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    grey = np.full((100, 100), 0x8000, np.uint16)
    assert decode(saved(Image.fromarray(grey))).getpixel((50, 50)) == (128, 128, 128)


def test_what_is_transparent_is_shown_on_white() -> None:
    clear = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 50, 100))
    picture = decode(saved(clear))
    assert [picture.getpixel((x, 50)) for x in (10, 90)] == [RED, WHITE]


def test_a_palettes_transparent_colour_is_shown_on_white() -> None:
    assert decode(saved(Image.new("P", (100, 100), 0), transparency=0)).getpixel((50, 50)) == WHITE


def test_of_an_animation_the_still_picture_counts() -> None:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("red", "blue")]
    assert decode(saved(frames[0], save_all=True, append_images=frames[1:])).getpixel((50, 50)) == RED


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_shrunk_as_it_is_decoded_and_shows_the_same(kind: str) -> None:
    picture = decode(saved(corner((3200, 2400)), kind))
    assert 512 <= min(picture.size) < 1024
    assert quarters(picture) == [True, False, False, False]


def test_a_large_jpeg_is_never_there_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    content, loaded, load = saved(corner((4800, 2400)), "JPEG"), [], JpegImageFile.load

    def watched(picture: Any) -> Any:
        loaded.append(picture.size)
        return load(picture)

    monkeypatch.setattr(JpegImageFile, "load", watched)
    decode(content)
    assert loaded[0] == (1200, 600)


@pytest.mark.parametrize(("width", "height"), [(79, 100), (100, 79)])
def test_a_side_under_80_pixels_is_too_small(width: int, height: int) -> None:
    with pytest.raises(UnreadableImageError, match="under 80") as caught:
        decode(saved(Image.new("RGB", (width, height))))
    assert caught.value.reason.code == "image-too-small"


def test_sides_of_80_pixels_are_enough() -> None:
    assert decode(saved(Image.new("RGB", (80, 80)))).size == (80, 80)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_side_over_10000_pixels_is_too_large_and_is_not_decoded(kind: str) -> None:
    content = saved(Image.new("L", (10_001, 100)), kind)
    cut_off = content[: len(content) // 2]  # decoding it would fail
    with pytest.raises(UnreadableImageError, match="over 10,000") as caught:
        decode(cut_off)
    assert caught.value.reason.code == "image-too-large"


def test_a_jpeg_that_pillow_would_call_a_bomb_is_an_ordinary_picture_within_the_limits() -> None:
    content = saved(Image.new("L", (10_000, 9_500)), "JPEG")
    assert min(decode(content).size) >= 512


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"progressive": True})])
def test_what_cannot_be_shrunk_while_decoded_may_have_50_megapixels(kind: str, options: dict[str, bool]) -> None:
    assert min(decode(saved(Image.new("L", (10_000, 5_000)), kind, **options)).size) >= 512
    content = saved(Image.new("L", (10_000, 5_001)), kind, **options)
    cut_off = content[: len(content) * 3 // 4]  # decoding it would fail
    with pytest.raises(UnreadableImageError, match=r"10000 x 5001: .* 50,000,000 pixels") as caught:
        decode(cut_off)
    assert caught.value.reason.code == "image-too-large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_unreadable(kind: str, share: float) -> None:
    content = saved(Image.effect_noise((300, 200), 80), kind)
    with pytest.raises(UnreadableImageError) as caught:
        decode(content[: int(len(content) * share)])
    assert caught.value.reason.code == "invalid-image"


@settings(max_examples=200, deadline=None)
@given(st.integers(), st.sampled_from(["JPEG", "PNG"]), st.integers(1, 12))
def test_a_damaged_file_is_a_picture_or_unreadable_and_warns_of_nothing(seed: int, kind: str, hits: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - damage, not secrets
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(saved(Image.effect_noise((90, 90), 60), kind, exif=exif.tobytes()))
    for _ in range(hits):
        content[dice.randrange(2, min(len(content), dice.choice([60, 400, 10**6])))] = dice.randrange(256)
    with contextlib.suppress(UnreadableImageError):
        assert decode(bytes(content)).mode == "RGB"
