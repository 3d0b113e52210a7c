"""One camera image, from encoded bytes or from a camera. Grey always; colour only when somebody asks for it.

Grey first because most beds need no more, and a JPEG is sooner decoded to grey than to colour.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cards.errors import LogicienneError

GreyImage = NDArray[np.uint8]
ColourImage = NDArray[np.uint8]

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded at all: well above a phone's, well below what fills a Pi's memory (64 MB grey)."""

MIN_SIDE_PX, MAX_ASPECT = 16, 20
"""No photograph of a card is narrower, or so many times longer than wide."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_FRAME_BYTES = 12
"""Of every chunk, around its body: length, type, checksum (PNG specification, 5.3)."""

KEPT_BYTES = 24_000_000
"""An allocator that gives every picture's memory back to the system gets it anew page by page, which takes as long as
decoding the picture. glibc keeps twice as much as the largest block that was ever freed, up to 32 MB: so one is, which is
never touched and so costs nothing. Elsewhere this does nothing."""
np.empty(KEPT_BYTES, np.uint8)


class PictureError(LogicienneError, ValueError):
    """Bytes that are no whole picture of a bearable size."""


@dataclass(frozen=True)
class Frame:
    """One image. Make it with `decode_picture` (a file's bytes) or directly from a camera's grey plane.

    name: what people call it (a file's name); never stored.
    grey: (height, width) uint8.
    encoded: the file's bytes, kept to decode colour from; empty when it did not come from a file.
    bgr: (height, width, 3) uint8, blue-green-red, from a camera that gives colour; `None` otherwise.
    """

    name: str
    grey: GreyImage
    encoded: bytes = b""
    bgr: ColourImage | None = None

    @cached_property
    def colour(self) -> ColourImage | None:
        """(height, width, 3) uint8, blue-green-red; `None` when there is no colour."""
        if self.bgr is not None or not self.encoded:
            return self.bgr
        decoded = cv2.imdecode(np.frombuffer(self.encoded, np.uint8), cv2.IMREAD_COLOR)
        return None if decoded is None else np.asarray(decoded, np.uint8)


def decode_picture(data: bytes, name: str) -> Frame:
    """A picture file's bytes as a frame. Size and wholeness are checked before a pixel is decoded.

    Raises `PictureError` when the bytes are no picture, not all of one, or too large.
    """
    if not data:
        raise PictureError(f"{name}: the file is empty (0 bytes); copy it again from where it was taken")
    width, height, kind = _header(data, name)
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{name}: {width} × {height} pixels, more than {MAX_PIXELS // 1_000_000} million; "
            "scan or photograph the card at a lower resolution (300 dpi is plenty)"
        )
    if min(width, height) < MIN_SIDE_PX or max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(
            f"{name}: {width} × {height} pixels show no card; give a photograph or a scan of a whole card"
        )
    if kind == "PNG":
        data = data[: _png_end(data)]
    if not data or not _is_whole(data, kind):
        raise PictureError(f"{name}: the {kind} file breaks off before its end; copy it again from where it was taken")
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise PictureError(f"{name}: the {kind} file is damaged and cannot be decoded; take the picture again")
    return Frame(name, np.asarray(grey, np.uint8), data)


def _header(data: bytes, name: str) -> tuple[int, int, str]:
    """(width_px, height_px, format) from the header alone."""
    size = _jpeg_size(data)
    if size is not None:
        return *size, "JPEG"
    try:
        # What Pillow has to say about a picture is for programmers, and would go to the operator's screen.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            return image.width, image.height, image.format or "picture"
    except Image.DecompressionBombError as error:
        raise PictureError(f"{name}: {error}; scan or photograph the card at a lower resolution") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise PictureError(f"{name}: not a picture; give a JPEG, PNG or TIFF file") from error


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width_px, height_px) of a JPEG with an orderly header (ITU-T T.81, B.2.2): a fifth of what a live frame costs to
    read would else go into asking which of thirty formats it is. `None` for all else, which Pillow knows better."""
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker in _FRAME_STARTS:
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            return (width, height) if width and height and data[at + 4] == 8 else None
        if not 0xC0 <= marker <= 0xFE or marker in _NO_SEGMENT or length < 2:
            return None
        at += 2 + length
    return None


_FRAME_STARTS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_SEGMENT = frozenset(range(0xD0, 0xDB))
"""Restarts, start and end of image, start of scan: none belongs before the frame's start."""


def _is_whole(data: bytes, kind: str) -> bool:
    """Whether the file reaches its own end mark. OpenCV fills half a JPEG with grey and says nothing."""
    if kind in ("JPEG", "MPO"):
        end = data.rfind(b"\xff\xd9")
        # An end mark that is followed by another start of scan belongs to an embedded preview.
        return end >= 0 and data.find(b"\xff\xda", end) < 0
    return True


def _png_end(data: bytes) -> int:
    """Where a PNG ends all of whose chunks lie within the file; 0 when they do not.

    OpenCV makes room for a chunk of any length that is claimed, also behind the end of a PNG without picture data: 45 bytes
    can cost gigabytes, and seconds.
    """
    at = len(PNG_SIGNATURE)
    while at + PNG_FRAME_BYTES <= len(data):
        is_last = data[at + 4 : at + 8] == b"IEND"
        at += PNG_FRAME_BYTES + int.from_bytes(data[at : at + 4], "big")
        if is_last:
            return at if at <= len(data) else 0
    return 0
