"""A picture with what was read drawn on it: outline, positions, punches, strays."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.reading import Punch, Reading, Rejection

GREEN, AMBER, RED, BLUE, WHITE = (60, 170, 40), (0, 150, 255), (40, 40, 220), (200, 120, 20), (255, 255, 255)
"""Blue-green-red. Shapes differ as well as colours: a tick's ring, a dot, a square with a cross."""
LONGEST_PX = 1640
"""Larger pictures are drawn smaller: people look at these on a screen."""


def write_overlay(frame: Frame, outcome: Reading | Rejection, layout: Layout | None, path: Path) -> str | None:
    """Write the overlay as JPEG; returns what went wrong, or `None`."""
    image = draw_overlay(frame, outcome, layout)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes() if done else b"")
    except OSError as error:
        return f"{path}: the overlay cannot be written ({error.strerror}); choose another folder with --overlay"
    return None


def draw_overlay(frame: Frame, outcome: Reading | Rejection, layout: Layout | None) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: the picture dimmed a little, with the reading on it."""
    colour = frame.colour
    image = cv2.cvtColor(frame.grey, cv2.COLOR_GRAY2BGR) if colour is None else colour.copy()
    scale = min(1.0, LONGEST_PX / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.asarray(image, np.uint8)
    if isinstance(outcome, Rejection) or layout is None or outcome.corners_px is None:
        _caption(image, "rejected", RED)
        return image
    _outline(image, outcome, scale)
    to_px, px_per_mm = card_to_px(layout, np.array(outcome.corners_px, np.float64) * scale)
    radius = max(3, round(px_per_mm * min(layout.hole.width_mm, layout.hole.height_mm) * 0.62))
    punches = outcome.punches()
    for p in layout.positions:
        dx, dy = outcome.scores[p.name].offset_mm if punches[p.name] is Punch.PUNCHED else (0.0, 0.0)
        _mark(image, _at(to_px, p.x_mm + dx, p.y_mm + dy), radius, punches[p.name])
    for stray in outcome.strays:
        x, y = _at(to_px, stray.x_mm, stray.y_mm)
        cv2.rectangle(image, (x - radius - 3, y - radius - 3), (x + radius + 3, y + radius + 3), RED, 2, cv2.LINE_AA)
        cv2.putText(image, "stray", (x + radius + 6, y + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.45, RED, 1, cv2.LINE_AA)
    return image


def card_to_px(layout: Layout, corners_px: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """(3, 3) millimetres on the front → pixels, and pixels a millimetre, of a card taken as flat."""
    w, h = layout.width_mm, layout.height_mm
    corners = corners_px.astype(np.float32)
    flat = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    to_px = np.asarray(cv2.getPerspectiveTransform(flat, corners), np.float64)
    return to_px, float(np.sqrt(abs(cv2.contourArea(corners)) / (w * h)))


def _outline(image: NDArray[np.uint8], reading: Reading, scale: float) -> None:
    corners = np.rint(np.array(reading.corners_px) * scale).astype(np.int32)
    cv2.polylines(image, [corners], True, BLUE, 2, cv2.LINE_AA)
    # The dot marks the front's top-left corner: which way round the machine thinks the card lies.
    cv2.circle(image, tuple(int(v) for v in corners[0]), 7, BLUE, -1, cv2.LINE_AA)
    _caption(image, f"{reading.layout}  {reading.face}", BLUE)


def _mark(image: NDArray[np.uint8], at: tuple[int, int], radius: int, punch: Punch) -> None:
    if punch is Punch.PUNCHED:
        cv2.circle(image, at, radius + 1, WHITE, 3, cv2.LINE_AA)
        cv2.circle(image, at, radius + 1, GREEN, 2, cv2.LINE_AA)
    elif punch is Punch.UNCERTAIN:
        cv2.circle(image, at, radius + 1, AMBER, 2, cv2.LINE_AA)
        cv2.putText(image, "?", (at[0] - 5, at[1] + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.55, AMBER, 2, cv2.LINE_AA)
    else:
        cv2.circle(image, at, 2, BLUE, -1, cv2.LINE_AA)


def _at(to_px: NDArray[np.float64], x_mm: float, y_mm: float) -> tuple[int, int]:
    x, y, w = to_px @ np.array([x_mm, y_mm, 1.0])
    return round(x / w), round(y / w)


def _caption(image: NDArray[np.uint8], text: str, colour: tuple[int, int, int]) -> None:
    cv2.putText(image, text, (16, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, WHITE, 5, cv2.LINE_AA)
    cv2.putText(image, text, (16, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, colour, 2, cv2.LINE_AA)
