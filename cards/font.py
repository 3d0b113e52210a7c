"""The typeface of cards: Bitstream Vera, which comes with reportlab and holds the letters of nl, fr, en, es and tr."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import reportlab  # type: ignore[import-untyped]
from PIL import ImageFont

FILE = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
_MEASURE_PX = 100


def font(size_px: float) -> ImageFont.FreeTypeFont:
    """The face at this size of its em square, in pixels."""
    return _font(max(round(size_px, 1), 1.0))


@lru_cache(maxsize=64)
def _font(size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FILE, size_px)


def width_mm(text: str, size_mm: float) -> float:
    """How wide a line runs."""
    return float(font(_MEASURE_PX).getlength(text)) * size_mm / _MEASURE_PX
