"""Pictures as people's devices write them: turned, transparent, animated, for print, very long; grey and colour agree."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from device.frame import MAX_ASPECT, MIN_SIDE_PX, PictureError, _jpeg_size, decode_picture

ORIENTATION = 0x112


def picture_of(width: int, height: int) -> Image.Image:
    """No two of its corners are alike."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = 200
    pixels[:, : width // 5] = 90
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def agrees(data: bytes, name: str = "odd") -> tuple[int, int]:
    """Decode; grey and colour must be one picture. Its height and width."""
    frame = decode_picture(data, name)
    assert frame.colour is not None and frame.colour.shape == (*frame.grey.shape, 3)
    again = cv2.cvtColor(frame.colour, cv2.COLOR_BGR2GRAY)
    assert np.abs(again.astype(int) - frame.grey).max() <= 12
    return frame.grey.shape[0], frame.grey.shape[1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_orientation_says_in_grey_and_colour(kind: str, orientation: int) -> None:
    """As every viewer shows it: the overlay must look like what people see."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(picture_of(64, 48), kind, **({"tiffinfo": exif} if kind == "TIFF" else {"exif": exif}))
    assert agrees(data) == ((48, 64) if orientation < 5 else (64, 48))
    with Image.open(io.BytesIO(data)) as opened:
        shown = np.asarray(ImageOps.exif_transpose(opened).convert("L"), np.int16)
    assert np.abs(shown - decode_picture(data, "x").grey).mean() < 4


@pytest.mark.parametrize(
    "data",
    [
        saved(Image.fromarray(np.asarray(picture_of(64, 48).convert("L"), np.uint16) * 257), "PNG"),
        saved(picture_of(64, 48).convert("CMYK"), "JPEG"),
        saved(picture_of(64, 48).convert("RGBA"), "PNG"),
        saved(picture_of(64, 48).convert("P"), "PNG"),
        saved(picture_of(64, 48).convert("1"), "PNG"),
        saved(picture_of(64, 48), "GIF", save_all=True, append_images=[picture_of(64, 48).rotate(90)]),
        saved(picture_of(64, 48), "PNG", save_all=True, append_images=[picture_of(64, 48).rotate(90)]),
        saved(picture_of(64, 48), "TIFF", save_all=True, append_images=[picture_of(32, 32)]),
        saved(picture_of(64, 48), "JPEG", progressive=True),
    ],
    ids=["16 bit", "CMYK", "alpha", "palette", "bilevel", "GIF", "animated PNG", "two pages", "progressive"],
)
def test_other_kinds_of_pixels_give_one_picture_in_grey_and_colour(data: bytes) -> None:
    assert agrees(data) == (48, 64)


def test_what_opencv_cannot_decode_is_refused_not_raised() -> None:
    for kind, image in (("TIFF", Image.new("F", (64, 48))), ("ICO", picture_of(64, 48)), ("TGA", picture_of(64, 48))):
        with pytest.raises(PictureError, match="odd"):
            decode_picture(saved(image, kind), "odd")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 12_000), st.booleans(), st.sampled_from(["JPEG", "PNG"]))
def test_a_picture_of_any_shape_is_decoded_or_refused(short: int, long: int, upright: bool, kind: str) -> None:
    size = (short, long) if upright else (long, short)
    data = saved(Image.new("L", size, 90), kind)
    bearable = min(size) >= MIN_SIDE_PX and max(size) <= MAX_ASPECT * min(size)
    try:
        frame = decode_picture(data, "shape")
    except PictureError:
        assert not bearable
    else:
        assert bearable and frame.grey.shape == size[::-1]


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (15, 15), (16, 321)])
def test_a_picture_too_narrow_for_a_card_is_named_as_such(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=f"{size[0]} × {size[1]} pixels show no card"):
        decode_picture(saved(Image.new("RGB", size), "PNG"), "thin.png")


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"comment": b"\xff\xc0 no frame starts here"}, {"icc_profile": b"\xff\xd8" * 40_000}],
    ids=["baseline", "progressive", "a comment that looks like a header", "a profile in many parts"],
)
@given(st.integers(16, 300), st.integers(16, 300))
@settings(max_examples=15, deadline=None)
def test_a_jpegs_size_is_that_which_pillow_reads(options: dict[str, Any], width: int, height: int) -> None:
    assert _jpeg_size(saved(picture_of(width, height), "JPEG", **options)) == (width, height)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_jpegs_size_is_not_guessed_from_what_is_none(data: bytes) -> None:
    assert _jpeg_size(data) is None
    found = _jpeg_size(b"\xff\xd8" + data)
    assert found is None or min(found) > 0
