"""Which card lies in a picture, without reading it: outline, face, and whether holes are punched for certain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibration.judge import Lying
from cards.layout import Layout
from device.frame import Frame
from reader.camera.edges import same_outline
from reader.camera.find import search
from reader.camera.read import read_frame
from reader.reading import Punch, Reading


def recognise(frame: Frame, layouts: Sequence[Layout]) -> Lying | None:
    """The card, by its outline; `None` when no whole card of these layouts can be seen."""
    found = search(frame, layouts).found
    if found is None:
        return None
    g = found.edge.geometry
    corners = g.to_px(np.array([[0, 0], [g.width_mm, 0], [g.width_mm, g.height_mm], [0, g.height_mm]], np.float64))
    alike = frozenset(y.id for y in layouts if y is found.layout or same_outline(y, found.layout))
    outcome = read_frame(frame, [found.layout])
    punched = list(outcome.punches().values()).count(Punch.PUNCHED) if isinstance(outcome, Reading) else 0
    return Lying(alike, found.face, np.asarray(corners, np.float64), punched)
