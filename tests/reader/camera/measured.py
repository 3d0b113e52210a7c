"""What the reader measures at a card's positions, and what it would say if it had measured something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cards.layout import Layout
from device.frame import Frame
from reader.camera.find import search
from reader.camera.measure import Measured, measure, view_of
from reader.camera.scores import scores
from reader.reading import Score
from tests.volume.cards import Sample


def measured(frame: Frame, layout: Layout) -> Measured:
    found = search(frame, [layout]).found
    assert found is not None
    return measure(view_of(frame, found.edge.geometry), found.edge.geometry, layout)


def score_with(sample: Sample, known: Measured, *, hole: bool, **values: float) -> Score:
    """The score of the card's first hole, or first clear position, if these figures had been measured there."""
    at = int(np.flatnonzero(known.open > 0.5 if hole else known.open == 0)[0])
    changed: dict[str, Any] = {}
    for name, value in values.items():
        changed[name] = getattr(known, name).copy()
        changed[name][at] = value
    return scores(replace(known, **changed), sample.layout)[sample.layout.positions[at].name]
