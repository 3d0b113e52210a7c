"""A layout's content as canonical JSON, and back: what the digest is taken of and what a store keeps.

Formatting, comments and the choice between free and grid places do not count; a changed comma in a question does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cards.layout import Layout


@cache
def _adapter() -> TypeAdapter[Layout]:
    return TypeAdapter(Layout)


def to_json(layout: Layout) -> str:
    """Keys sorted, no spaces, lengths rounded to a nanometre; without digest, folder and retirement."""
    content = _adapter().dump_python(layout, mode="json", exclude={"digest", "folder", "retired"})
    if content["sensor_bar"] is None:
        # Cards that were printed before bars existed keep their digest.
        del content["sensor_bar"]
    return json.dumps(_rounded(content), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Layout:
    """The layout of `to_json`'s text, digest included. Raises `ValueError` when it is none."""
    layout = _adapter().validate_json(text)
    return with_digest(layout)


def with_digest(layout: Layout, folder: Path | None = None) -> Layout:
    """The same layout, carrying the SHA-256 of its canonical content."""
    return replace(layout, digest=hashlib.sha256(to_json(layout).encode()).hexdigest(), folder=folder)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, Mapping):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
