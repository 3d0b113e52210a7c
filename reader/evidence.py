"""Small pictures of what is doubtful on a card, for the operator who settles it; dropped when that is done."""

from __future__ import annotations

import cv2
import numpy as np

from cards.layout import Layout
from device.frame import Frame
from reader.overlay import card_to_px
from reader.reading import Punch, Reading

AROUND_MM = 9.0
"""Half the side of what is shown: the hole with its label and a neighbour."""
SIDE_PX = 180
SPOTS_MAX = 24
"""More doubtful spots than these, and the card itself is the better evidence."""


def evidence(frame: Frame, reading: Reading, layout: Layout) -> dict[str, bytes]:
    """Position (or `stray-1`, …) → JPEG of the place, upright as on the front; only uncertain positions and strays."""
    if reading.corners_px is None:
        return {}
    punches = reading.punches()
    spots = {p.name: (p.x_mm, p.y_mm) for p in layout.positions if punches[p.name] is Punch.UNCERTAIN}
    spots |= {f"stray-{k}": (s.x_mm, s.y_mm) for k, s in enumerate(reading.strays, 1)}
    if not spots or len(spots) > SPOTS_MAX:
        return {}
    image = frame.grey if frame.colour is None else frame.colour
    to_px, _ = card_to_px(layout, np.array(reading.corners_px, np.float64))
    found = {}
    for name, (x, y) in spots.items():
        scale = 2 * AROUND_MM / SIDE_PX
        to_mm = np.array([[scale, 0, x - AROUND_MM], [0, scale, y - AROUND_MM], [0, 0, 1]])
        crop = cv2.warpPerspective(
            image, to_px @ to_mm, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        done, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 80])
        if done:
            found[name] = data.tobytes()
    return found
