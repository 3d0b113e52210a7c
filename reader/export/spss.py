"""SPSS: a `.sav` with labels, measure levels, user-missing values and multiple-response sets, one file per language.

pyreadstat writes no multiple-response sets, so they are put in here: extension record 7, subtype 7, before the record that
ends the dictionary (GNU PSPP Developers' Guide, "System File Format"). An `.sps` beside the file makes the same sets.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cards.errors import LogicienneError
from cards.layout import Layout, Question, in_language
from reader.export.csv_files import ExportError, whole, whole_text
from reader.export.tables import Card, cards, columns
from reader.store import Permanence, StoredAnswer

DOUBTFUL, BLANK, NOT_ASKED = 97, 98, 99
STATE_TEXTS: dict[str, dict[int | float, str]] = {
    "nl": {DOUBTFUL: "twijfelachtig", BLANK: "niet beantwoord", NOT_ASKED: "niet gevraagd"},
    "fr": {DOUBTFUL: "douteux", BLANK: "sans réponse", NOT_ASKED: "non posée"},
    "en": {DOUBTFUL: "doubtful", BLANK: "not answered", NOT_ASKED: "not asked"},
}
STATES = {"doubtful": DOUBTFUL, "blank": BLANK, "not_asked": NOT_ASKED}
LABEL_BYTES, VALUE_BYTES = 255, 119
"""SPSS cuts longer ones off without a word."""


def write_sav(
    path: Path, answers: Iterable[StoredAnswer], layout: Layout, sittings: Mapping[str, Permanence], language: str
) -> int:
    """Write the file; returns how many cards are in it. It is made in memory: pyreadstat takes whole tables.

    Raises `ExportError`, and `LogicienneError` when pandas and pyreadstat are not installed.
    """
    try:
        import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
        import pyreadstat  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise LogicienneError("SPSS files need two packages more: pip install 'logicienne[spss]'") from error
    names = variable_names(layout)
    rows = [_row(card, layout, sittings[card.permanence]) for card in cards(answers)]
    table = pandas.DataFrame(rows, columns=list(names.values()))
    for q in layout.questions:
        if q.choices:
            for column in columns(q):
                table[names[column]] = table[names[column]].astype("float64")
    with whole(path) as part:
        try:
            pyreadstat.write_sav(
                table,
                str(part),
                file_label=_cut(in_language(layout.title, language), 60),
                column_labels=_labels(layout, names, language),
                variable_value_labels=_value_labels(layout, names, language),
                missing_ranges={
                    names[c]: [{"lo": DOUBTFUL, "hi": NOT_ASKED}]
                    for q in layout.questions
                    if q.choices
                    for c in columns(q)
                },
                variable_measure={
                    names[c]: "ordinal" if q.answer == "scale" else "nominal"
                    for q in layout.questions
                    for c in columns(q)
                },
                row_compress=True,
            )
        except pyreadstat.PyreadstatError as error:
            raise ExportError(f"{path}: cannot be written ({error})") from error
        _add_sets(part, layout, names, language)
    return len(rows)


def write_sps(path: Path, sav: str, layout: Layout, language: str) -> int:
    """Syntax that opens the file and defines its sets, for programs that ignore those in the file."""
    names = variable_names(layout)
    lines = [f'GET FILE="{sav}".']
    for q in layout.questions:
        if q.answer == "many":
            label = in_language(q.text, language).replace("'", "''")
            members = " ".join(names[c] for c in columns(q))
            lines.append(f"MRSETS /MDGROUP NAME=${_name(q.id)} LABEL='{label}' VARIABLES={members} VALUE=1.")
    lines.append("EXECUTE.")
    with whole_text(path, "utf-8-sig") as file:
        file.write("\n".join(lines) + "\n")
    return len(lines)


def variable_names(layout: Layout) -> dict[str, str]:
    """Column of the wide table → a name that SPSS allows, each once."""
    found: dict[str, str] = {}
    for column in ["card", "place", "day", *(c for q in layout.questions for c in columns(q))]:
        name, k = _name(column), 2
        while name.lower() in {n.lower() for n in found.values()}:
            name, k = f"{_name(column)}_{k}", k + 1
        found[column] = name
    return found


def _name(text: str) -> str:
    name = re.sub(r"\W", "_", text.replace(".", "_"), flags=re.ASCII)
    return (name if name[0].isalpha() else f"v_{name}")[:56].rstrip("_")


def _row(card: Card, layout: Layout, p: Permanence) -> list[Any]:
    row: list[Any] = [card.id, p.place, p.day.isoformat()]
    for q in layout.questions:
        row += _cells(q, card.values.get(q.id, []), card.states.get(q.id, "blank"))
    return row


def _cells(q: Question, given: list[str], state: str) -> list[Any]:
    if not q.choices:
        return [given[0] if given else ""]
    if q.answer == "many":
        return [float(c.id in given) if given else float(STATES[state]) for c in q.choices]
    ids = [c.id for c in q.choices]
    return [float(ids.index(given[0]) + 1) if given else float(STATES[state])]


def _labels(layout: Layout, names: Mapping[str, str], language: str) -> dict[str, str | None]:
    labels: dict[str, str | None] = {names["card"]: "card (random id)", names["place"]: "place", names["day"]: "day"}
    for q in layout.questions:
        text = in_language(q.text, language)
        if q.about:
            text = f"{in_language(layout.question(q.about).text, language)} {text}"
        for column, choice in zip(columns(q), q.choices, strict=False) if q.answer == "many" else [(q.id, None)]:
            more = f": {in_language(choice.text, language) or choice.id}" if choice else ""
            labels[names[column]] = _cut(text + more, LABEL_BYTES)
    return labels


def _value_labels(layout: Layout, names: Mapping[str, str], language: str) -> dict[str, dict[int | float, str]]:
    states: dict[int | float, str] = {**STATE_TEXTS.get(language, STATE_TEXTS["en"])}
    found: dict[str, dict[int | float, str]] = {}
    for q in layout.questions:
        if q.answer == "many":
            for column in columns(q):
                found[names[column]] = {0: "0", 1: "1", **states}
        elif q.choices:
            shown = [in_language(c.text, language) or c.id for c in q.choices]
            texts: dict[int | float, str] = {k: _cut(text, VALUE_BYTES) for k, text in enumerate(shown, 1)}
            found[names[q.id]] = {**texts, **states}
    return found


def _cut(text: str, size: int) -> str:
    """At most so many bytes, never half a letter."""
    return text.encode()[:size].decode(errors="ignore")


def _add_sets(path: Path, layout: Layout, names: Mapping[str, str], language: str) -> None:
    many = [q for q in layout.questions if q.answer == "many"]
    if not many:
        return
    data = path.read_bytes()
    end, short = _dictionary_end(data)
    by_long = {long.lower(): s.lower() for s, long in short.items()}
    text = ""
    for q in many:
        label = _cut(in_language(q.text, language), LABEL_BYTES)
        members = " ".join(by_long.get(names[c].lower(), names[c].lower()) for c in columns(q))
        text += f"${_name(q.id)}=D1 1 {len(label.encode())} {label} {members}\n"
    record = text.encode()
    path.write_bytes(data[:end] + struct.pack("<4i", 7, 7, 1, len(record)) + record + data[end:])


def _dictionary_end(data: bytes) -> tuple[int, dict[str, str]]:
    """Where the record 999 begins, and short → long variable names."""
    at, short = 176, {}
    while at < len(data):
        (kind,) = struct.unpack_from("<i", data, at)
        if kind == 2:
            _, has_label, missing = struct.unpack_from("<3i", data, at + 4)
            size = 32
            if has_label:
                (length,) = struct.unpack_from("<i", data, at + 32)
                size += 4 + -(-length // 4) * 4
            at += size + 8 * abs(missing)
        elif kind == 3:
            (count,) = struct.unpack_from("<i", data, at + 4)
            at += 8
            for _ in range(count):
                at += 8 + -(-(data[at + 8] + 1) // 8) * 8
        elif kind == 4:
            (count,) = struct.unpack_from("<i", data, at + 4)
            at += 8 + 4 * count
        elif kind == 6:
            (count,) = struct.unpack_from("<i", data, at + 4)
            at += 8 + 80 * count
        elif kind == 7:
            subtype, size, count = struct.unpack_from("<3i", data, at + 4)
            if subtype == 13:
                pairs = data[at + 16 : at + 16 + size * count].decode().split("\t")
                short = dict(pair.split("=", 1) for pair in pairs)
            at += 16 + size * count
        elif kind == 999:
            return at, short
        else:
            break
    raise ExportError("the SPSS file has a form that this program does not know; its sets are in the .sps file")
