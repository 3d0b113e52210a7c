"""One card's outcome as a JSON object, for programs; every field is documented in `docs/commands.md`."""

from __future__ import annotations

from typing import Any

from cards.layout import Layout
from reader.decode import decode
from reader.reading import Decoded, Reading, Reason, Rejection
from reader.reasons import sentence


def describe(file: str, outcome: Reading | Rejection, layout: Layout | None, language: str = "en") -> dict[str, Any]:
    """The object for one file. `layout`: the reading's own; `None` for a rejection without one."""
    if isinstance(outcome, Rejection) or layout is None:
        reasons = outcome.reasons if isinstance(outcome, Rejection) else ()
        return {
            "file": file,
            "verdict": "rejected",
            "reasons": [_reason(r, None, language) for r in reasons],
            "layout": outcome.layout,
            "face": None,
            "profile": None,
            "corners_px": None,
            "positions": {},
            "strays": [],
            "answers": {},
        }
    return _read(file, outcome, decode(outcome, layout), layout, language)


def _read(file: str, reading: Reading, decoded: Decoded, layout: Layout, language: str) -> dict[str, Any]:
    punches = reading.punches()
    return {
        "file": file,
        "verdict": decoded.verdict.outcome,
        "reasons": [_reason(r, layout, language) for r in decoded.verdict.reasons],
        "layout": reading.layout,
        "face": reading.face,
        "profile": reading.profile,
        "corners_px": None if reading.corners_px is None else [list(c) for c in reading.corners_px],
        "positions": {
            p.name: {
                "punch": str(punches[p.name]),
                "at_mm": [round(p.x_mm, 3), round(p.y_mm, 3)],
                "open": reading.scores[p.name].open,
                "offset_mm": list(reading.scores[p.name].offset_mm),
                "doubts": list(reading.scores[p.name].doubts),
            }
            for p in layout.positions
        },
        "strays": [{"x_mm": s.x_mm, "y_mm": s.y_mm, "area_mm2": s.area_mm2} for s in reading.strays],
        "answers": {q: a.value for q, a in decoded.answers.items() if a.state == "answered"},
    }


def _reason(reason: Reason, layout: Layout | None, language: str) -> dict[str, str | None]:
    return {
        "code": str(reason.code),
        "question": reason.question,
        "position": reason.position,
        "message": sentence(reason, layout, language),
    }
