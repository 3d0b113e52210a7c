"""The export of a day: what was counted, for spreadsheets, safe to open."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.layout import Layout
from cards.load import find_layout
from reader.export import Exported, ExportError, export, select
from reader.export.csv_files import neutral
from reader.store import Store
from tests.builders import add, complete

DAY = date(2024, 12, 5)


def export_day(store: Store, day: date, folder: Path, language: str = "nl", bom: bool = False) -> list[Exported]:
    return export(store, select(store, day=day), folder, language, bom=bom)


def table(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def named(folder: Path, ending: str) -> Path:
    (path,) = folder.glob(f"*{ending}.csv")
    return path


def test_the_day_is_long_wide_and_explained(store: Store, sitting: str, campaign: Layout, tmp_path: Path) -> None:
    card = add(store, sitting, campaign, complete(campaign))
    add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])  # waits for review
    written = export_day(store, DAY, tmp_path / "out", "fr")
    assert {w.path for w in written} == set((tmp_path / "out").iterdir())
    long = table(named(tmp_path / "out", "-long"))
    assert {r["card"] for r in long} == {card}
    first = next(r for r in long if r["question"] == "groceries_how")
    assert (first["value"], first["value_text"], first["state"]) == ("on_foot", "À pied", "answered")
    (wide,) = table(named(tmp_path / "out", "-wide"))
    assert wide["groceries_how"] == "on_foot" and wide["place"] == "Café Belga"
    book = table(named(tmp_path / "out", "-codebook"))
    assert {(r["question"], r["value"]) for r in book} >= {("groceries_how", "on_foot"), ("city_feel", "awful")}
    assert next(r for r in book if r["question"] == "city_feel")["about"] == "city_how"
    (summary,) = table(named(tmp_path / "out", "-summary"))
    assert (summary["counted"], summary["waiting"], summary["rejected"]) == ("1", "1", "0")


def test_soft_hyphens_of_the_print_do_not_reach_the_files(
    store: Store, sitting: str, campaign: Layout, tmp_path: Path
) -> None:
    add(store, sitting, campaign, complete(campaign))
    export_day(store, DAY, tmp_path / "out", "nl")
    assert "Weggeven" in named(tmp_path / "out", "-codebook").read_text(encoding="utf-8")


def test_the_mark_for_excel_is_there_when_asked_and_only_then(
    store: Store, sitting: str, campaign: Layout, tmp_path: Path
) -> None:
    add(store, sitting, campaign, complete(campaign))
    for bom, folder in ((True, tmp_path / "a"), (False, tmp_path / "b")):
        for file in export_day(store, DAY, folder, bom=bom):
            assert file.path.read_bytes().startswith(b"\xef\xbb\xbf") is bom


def test_a_place_that_looks_like_a_formula_stays_text(store: Store, campaign: Layout, tmp_path: Path) -> None:
    sitting = store.open_permanence('=HYPERLINK("http://x")', DAY)
    add(store, sitting, campaign, complete(campaign))
    export_day(store, DAY, tmp_path / "out")
    for row in table(named(tmp_path / "out", "-long")):
        assert row["place"].startswith("'=")


@given(st.text(max_size=20))
def test_no_cell_whatever_begins_like_a_formula(cell: str) -> None:
    assert not neutral(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert neutral(cell).endswith(cell)


def test_another_day_and_another_layout_do_not_mix(
    store: Store, sitting: str, campaign: Layout, tmp_path: Path
) -> None:
    classic = find_layout("ibm80")
    add(store, sitting, campaign, complete(campaign))
    add(store, sitting, classic, [f"{classic.questions[0].id}.1.12", f"{classic.questions[0].id}.1.1"])
    other = store.open_permanence("Bibliotheek", date(2024, 12, 6))
    add(store, other, campaign, complete(campaign))
    files = export_day(store, DAY, tmp_path / "out")
    wides = [f for f in files if f.path.name.endswith("-wide.csv")]
    assert sorted(f.rows for f in wides) == [1, 1]


def test_a_day_without_a_permanence_is_an_empty_summary(store: Store, tmp_path: Path) -> None:
    (only,) = export_day(store, date(2020, 1, 1), tmp_path / "out")
    assert only.rows == 0 and table(only.path) == []


def test_a_folder_that_cannot_be_made_is_named(store: Store, sitting: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match="--to"):
        export_day(store, DAY, tmp_path / "file" / "out")


def test_no_file_tells_a_time_or_an_order(store: Store, sitting: str, campaign: Layout, tmp_path: Path) -> None:
    ids = [add(store, sitting, campaign, complete(campaign)) for _ in range(30)]
    export_day(store, DAY, tmp_path / "out")
    wide = [r["card"] for r in table(named(tmp_path / "out", "-wide"))]
    assert wide == sorted(wide) and set(wide) == set(ids) and wide != ids
    for path in (tmp_path / "out").iterdir():
        assert not re.search(r"\d\d:\d\d", path.read_text(encoding="utf-8")), path.name
