"""Bytes become a frame, or one clear sentence; half a picture never passes for a whole one."""

from __future__ import annotations

import io
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from device.frame import PictureError, decode_picture


def jpeg(width: int = 64, height: int = 48) -> bytes:
    rng = np.random.default_rng(1)
    done, data = cv2.imencode(".jpg", rng.integers(0, 255, (height, width, 3), np.uint8))
    assert done
    return data.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes: what a decompression bomb looks like from outside."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_a_picture_is_grey_first_and_colour_on_demand() -> None:
    frame = decode_picture(jpeg(), "a.jpg")
    assert frame.grey.shape == (48, 64) and frame.grey.dtype == np.uint8
    assert frame.colour is not None and frame.colour.shape == (48, 64, 3)


def test_an_empty_file_is_named_as_such() -> None:
    with pytest.raises(PictureError, match=r"a\.jpg: the file is empty"):
        decode_picture(b"", "a.jpg")


@pytest.mark.parametrize("data", [b"hello", b"%PDF-1.4 ...", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(1000)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data, "x")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_jpeg_that_breaks_off_is_refused(share: float) -> None:
    whole = jpeg(640, 480)
    with pytest.raises(PictureError, match="breaks off"):
        decode_picture(whole[: int(len(whole) * share)], "half.jpg")


def test_a_png_that_breaks_off_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("L", (300, 200), 128).save(buffer, "PNG")
    with pytest.raises(PictureError):
        decode_picture(buffer.getvalue()[:-20], "half.png")


@pytest.mark.parametrize("at", ["first chunk after the header", "picture data"])
def test_a_png_whose_chunk_claims_gigabytes_is_refused_before_room_is_made_for_it(at: str) -> None:
    whole = png_header_of(64, 48)
    data = whole.index(b"IDAT") - 4
    bomb = struct.pack(">I", 0xD3FFC000)
    made = whole[:data] + bomb + (b"tEXt" + whole[data:] if at.startswith("first") else whole[data + 4 :])
    with pytest.raises(PictureError, match=r"breaks off|not a picture"):
        decode_picture(made, "bomb.png")


@pytest.mark.parametrize("kinds", [[b"IHDR"], [b"IHDR", b"IHDR"], [b"IHDR", b"acTL"], [b"IHDR", b"IDAT"]])
@pytest.mark.parametrize("claimed", [b"IEND", b"IDAT", b"tEXt"])
def test_what_lies_behind_a_png_costs_no_memory(kinds: list[bytes], claimed: bytes) -> None:
    header = struct.pack(">IIBBBBB", 128, 96, 8, 0, 0, 0, 0)
    made = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, header if kind == b"IHDR" else bytes(8)) for kind in kinds)
    bomb = struct.pack(">I", 0xE5000000) + claimed + bytes(8)
    for data in (made + bomb, made + chunk(b"IEND", b"") + bomb):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(PictureError):
            decode_picture(data, "bomb.png")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_a_png_may_have_something_behind_it() -> None:
    buffer = io.BytesIO()
    Image.new("L", (300, 200), 128).save(buffer, "PNG")
    frame = decode_picture(buffer.getvalue() + b"a note", "photo.png")
    assert frame.grey.shape == (200, 300) and frame.encoded == buffer.getvalue()


def test_a_picture_of_400_million_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureError, match=r"20000 × 20000|decompression"):
        decode_picture(png_header_of(20_000, 20_000), "bomb.png")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_fail_otherwise(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data, "fuzz")


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 2000), st.integers(0, 255))
def test_a_damaged_byte_gives_a_frame_or_a_picture_error(at: int, value: int) -> None:
    data = bytearray(jpeg())
    data[at % len(data)] = value
    try:
        frame = decode_picture(bytes(data), "damaged.jpg")
    except PictureError:
        return
    assert frame.grey.ndim == 2
