"""A Frictionless Data Package: the CSV files of an export, described for programs (Data Package standard, version 1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cards.layout import Layout, Question, in_language
from reader.export import tables
from reader.export.csv_files import whole_text

MISSING = [""]


def write_package(path: Path, layout: Layout, stem: str, language: str) -> int:
    """Write `datapackage.json` beside the files it describes; returns how many those are. Raises `ExportError`."""
    resources = [
        _resource(f"{stem}-wide.csv", "wide", "one row a card", _wide(layout, language), ["card"]),
        _resource(f"{stem}-long.csv", "long", "one row an answer", _strings(tables.LONG_HEADER), None),
        _resource(
            f"{stem}-codebook.csv", "codebook", "what columns and values mean", _strings(tables.CODEBOOK_HEADER), None
        ),
    ]
    package = {
        "profile": "tabular-data-package",
        "name": layout.id,
        "title": in_language(layout.title, language),
        "version": str(layout.version),
        "resources": resources,
    }
    with whole_text(path) as file:
        json.dump(package, file, ensure_ascii=False, indent=2)
        file.write("\n")
    return len(resources)


def _resource(file: str, name: str, title: str, fields: list[dict[str, Any]], key: list[str] | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": fields, "missingValues": MISSING}
    if key:
        schema["primaryKey"] = key
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "title": title,
        "path": file,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"lineTerminator": "\r\n"},
        "schema": schema,
    }


def _strings(header: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "type": "date" if name == "day" else "string"} for name in header]


def _wide(layout: Layout, language: str) -> list[dict[str, Any]]:
    return [*_strings(tables.CARD_HEADER), *(f for q in layout.questions for f in _fields(q, language))]


def _fields(q: Question, language: str) -> list[dict[str, Any]]:
    title = in_language(q.text, language)
    if q.answer == "many":
        return [
            {
                "name": column,
                "type": "integer",
                "title": f"{title}: {in_language(c.text, language) or c.id}",
                "constraints": {"enum": [0, 1]},
            }
            for column, c in zip(tables.columns(q), q.choices, strict=True)
        ]
    field: dict[str, Any] = {"name": q.id, "type": "string", "title": title}
    if q.choices:
        field["constraints"] = {"enum": [c.id for c in q.choices]}
    return [field]
