"""One record: a fact with a random id, its body as canonical JSON, and its digest."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reader.reading import Decoded, Reading, Reason

Kind = Literal[
    "permanence", "layout", "campaign", "reading", "rejection", "review", "story", "follow_up", "erasure", "closing"
]


@dataclass(frozen=True)
class Record:
    """One row of `records`."""

    id: str
    kind: Kind
    permanence: str
    body: str
    digest: str


def record(kind: Kind, permanence: str, body: Mapping[str, Any], record_id: str | None = None) -> Record:
    """A new fact. The digest covers kind, permanence and body, not the id."""
    text = canonical(body)
    digest = hashlib.sha256(f"{kind}\n{permanence}\n{text}".encode()).hexdigest()
    return Record(record_id or new_id(), kind, permanence, text, digest)


def new_id() -> str:
    """A random UUID4: the store's order of ids says nothing about the order of cards."""
    return str(uuid.uuid4())


_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value is always the same text."""
    return _CANONICAL.encode(value)


def set_digest(digests: Sequence[str]) -> str:
    """One digest for a set of records, whatever their order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def is_sound(row: Record) -> bool:
    """Whether a record still is what its digest says."""
    return row.digest == hashlib.sha256(f"{row.kind}\n{row.permanence}\n{row.body}".encode()).hexdigest()


def salted_digest(salt: str, text: str) -> str:
    """What a record holds in place of words that must stay erasable."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def reading_body(reading: Reading, decoded: Decoded) -> dict[str, Any]:
    """All that is kept of a card. No file name, no time, no place in the picture: none of that is an answer."""
    return {
        "source": reading.source,
        "layout": reading.layout,
        "layout_digest": reading.layout_digest,
        "face": reading.face,
        "profile": reading.profile,
        "residual_mm": reading.residual_mm,
        "print_shift_mm": list(reading.print_shift_mm),
        "thresholds": {"clear_max": reading.thresholds.clear_max, "punched_min": reading.thresholds.punched_min},
        "scores": {name: [s.open, *s.offset_mm, list(s.doubts)] for name, s in reading.scores.items()},
        "strays": [asdict(s) for s in reading.strays],
        "answers": {q: {"state": a.state, "value": a.value} for q, a in decoded.answers.items()},
        "outcome": decoded.verdict.outcome,
        "reasons": reasons_body(decoded.verdict.reasons),
    }


def reasons_body(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """Reasons as JSON, empty fields left out."""
    return [{k: str(v) for k, v in asdict(r).items() if v is not None} for r in reasons]
