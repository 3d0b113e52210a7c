"""A codebook for archives: DDI-Codebook 2.5 (ddialliance.org), variables with their questions and categories."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from cards.layout import Layout, Question, in_language
from reader.export.csv_files import whole_text
from reader.export.tables import columns

NAMESPACE = "ddi:codebook:2_5"


def write_ddi(path: Path, layout: Layout, name: str, language: str) -> int:
    """Write the codebook of a layout's wide file; returns how many variables it describes. Raises `ExportError`."""
    root = Xml.Element("codeBook", {"xmlns": NAMESPACE, "version": "2.5", "xml:lang": language})
    title = _below(_below(_below(root, "stdyDscr"), "citation"), "titlStmt")
    _below(title, "titl", f"{in_language(layout.title, language)} ({name})")
    _below(title, "IDNo", layout.identity)
    data = _below(root, "dataDscr")
    count = 0
    for q in layout.questions:
        for k, column in enumerate(columns(q)):
            count += 1
            _variable(data, q, k, column, layout, language)
    Xml.indent(root)
    with whole_text(path) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n")
    return count


def _variable(data: Xml.Element, q: Question, k: int, column: str, layout: Layout, language: str) -> None:
    interval = {"intrvl": "discrete"} if q.choices else {}
    var = _below(data, "var", **{"ID": f"V_{column.replace('.', '_')}", "name": column, **interval})
    label = in_language(q.text, language)
    if q.answer == "many":
        label += f": {in_language(q.choices[k].text, language) or q.choices[k].id}"
    _below(var, "labl", label)
    if q.about:
        label = f"{in_language(layout.question(q.about).text, language)} {label}"
    _below(_below(var, "qstn"), "qstnLit", label)
    choices = [(c.id, in_language(c.text, language) or c.id) for c in q.choices]
    pairs = [("0", "0"), ("1", "1")] if q.answer == "many" else choices
    for value, text in pairs:
        category = _below(var, "catgry")
        _below(category, "catValu", value)
        _below(category, "labl", text)
    _below(var, "varFormat", **{"type": "character", "schema": "other"})


def _below(parent: Xml.Element, tag: str, text: str | None = None, **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, attributes)
    element.text = text
    return element
