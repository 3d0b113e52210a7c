"""Every format opened again by the tools that its readers have."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cards.layout import Layout
from cards.load import find_layout
from reader.export import export, export_stories, select
from reader.reading import Answer
from reader.store import Store, StoreError
from reader.store.reviews import review
from reader.store.stories import tell
from tests.builders import add, complete
from tests.needs import need

DAY = date(2024, 12, 5)
SURVEY_B = Path(__file__).parents[1] / "fixtures" / "layouts" / "survey-b.yaml"


def tool(name: str) -> Any:
    """A program of the readers', or the test skips with what to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        need(None, name, f"pip install {name}")


@pytest.fixture
def survey() -> Layout:
    """A card with a question that takes many answers."""
    return find_layout(str(SURVEY_B))


@pytest.fixture
def folder(store: Store, sitting: str, campaign: Layout, survey: Layout, tmp_path: Path) -> Iterator[Path]:
    """All formats of a day with counted, corrected, void and waiting cards of two layouts."""
    add(store, sitting, campaign, complete(campaign))
    blank = [n for n in complete(campaign) if not n.startswith("parcels")]
    add(store, sitting, campaign, blank)
    corrected = add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    review(store, corrected, "correct", "asked", {"groceries_how": Answer("answered", "car")})
    review(store, add(store, sitting, campaign, complete(campaign)), "void")
    add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    many = next(q for q in survey.questions if q.answer == "many")
    add(store, sitting, survey, [p.name for p in many.positions[:2]])
    export(store, select(store, day=DAY), tmp_path / "out", "fr", ("csv", "xlsx", "sav", "datapackage", "ddi"))
    yield tmp_path / "out"


def test_the_workbook_opens_with_its_three_sheets(folder: Path) -> None:
    book = tool("openpyxl").load_workbook(folder / "2024-12-05-stadslogistiek-v1-data.xlsx")
    assert book.sheetnames == ["data", "codebook", "permanences"]
    rows = list(book["data"].values)
    assert len(rows) == 1 + 3 and rows[0][:4] == ("card", "permanence", "place", "day")
    how = rows[0].index("groceries_how")
    assert sorted(r[how] for r in rows[1:]) == ["car", "on_foot", "on_foot"]
    assert book["data"].freeze_panes == "A2" and book["data"].auto_filter.ref
    assert ("À pied" in {r[-1] for r in book["codebook"].values}) is True


def test_a_formula_in_a_place_is_text_in_the_workbook(store: Store, campaign: Layout, tmp_path: Path) -> None:
    add(store, store.open_permanence("=1+1", DAY), campaign, complete(campaign))
    export(store, select(store, day=DAY), tmp_path, formats=("xlsx",))
    (path,) = tmp_path.glob("*.xlsx")
    sheet = tool("openpyxl").load_workbook(path)["data"]
    assert (sheet["C2"].value, sheet["C2"].data_type) == ("=1+1", "s")


def test_spss_reads_labels_levels_missing_values_and_sets(folder: Path) -> None:
    pyreadstat = tool("pyreadstat")
    table, meta = pyreadstat.read_sav(str(folder / "2024-12-05-stadslogistiek-v1-fr.sav"), user_missing=True)
    assert meta.column_names_to_labels["groceries_how"] == "Comment fais-tu tes courses ?"
    assert meta.column_names_to_labels["groceries_feel"].startswith("Comment fais-tu tes courses ? C’est comment")
    labels = meta.variable_value_labels["groceries_how"]
    assert labels[1.0] == "À pied" and labels[97.0] == "douteux"
    assert meta.variable_measure["groceries_feel"] == "ordinal" and meta.variable_measure["groceries_how"] == "nominal"
    assert meta.missing_ranges["groceries_how"] == [{"lo": 97.0, "hi": 99.0}]
    assert sorted(table["groceries_how"]) == [1.0, 1.0, 4.0]
    assert sorted(table["parcels_how"]) == [1.0, 1.0, 98.0], "a blank is a missing value that says so"


def test_spss_finds_the_multiple_response_sets(folder: Path, survey: Layout) -> None:
    pyreadstat = tool("pyreadstat")
    _, meta = pyreadstat.read_sav(str(folder / "2024-12-05-survey-b-v1-fr.sav"))
    many = [q for q in survey.questions if q.answer == "many"]
    assert set(meta.mr_sets) == {q.id for q in many} or set(meta.mr_sets) == {f"${q.id}" for q in many}
    first = next(iter(meta.mr_sets.values()))
    assert len(first["variable_list"]) == len(many[0].choices)
    assert f"MRSETS /MDGROUP NAME=${many[0].id}" in (folder / "2024-12-05-survey-b-v1-fr.sps").read_text("utf-8-sig")


def test_a_long_label_is_cut_between_letters_not_within_one() -> None:
    from reader.export.spss import _cut

    assert _cut("é" * 200, 119) == "é" * 59


def test_the_data_package_is_valid(folder: Path) -> None:
    frictionless = tool("frictionless")
    path = folder / "2024-12-05-stadslogistiek-v1-datapackage.json"
    report = frictionless.validate(str(path))
    assert report.valid, report.flatten(["fieldName", "message"])
    assert {r["path"] for r in json.loads(path.read_text())["resources"]} <= {p.name for p in folder.iterdir()}


def test_the_ddi_codebook_names_every_variable_of_the_wide_file(folder: Path, campaign: Layout) -> None:
    root = ElementTree.parse(folder / "2024-12-05-stadslogistiek-v1-ddi.xml").getroot()
    ns = {"d": "ddi:codebook:2_5"}
    names = {v.get("name") for v in root.findall(".//d:var", ns)}
    assert names == {q.id for q in campaign.questions}
    texts = [e.text for e in root.findall(".//d:var[@name='groceries_how']/d:catgry/d:labl", ns)]
    assert "À pied" in texts


def test_first_readings_hold_every_card_as_it_was_first_read(
    store: Store, sitting: str, campaign: Layout, tmp_path: Path
) -> None:
    import csv

    card = add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    review(store, card, "correct", "", {"groceries_how": Answer("answered", "car")})
    add(store, sitting, campaign, [*complete(campaign), "groceries_how.car"])
    export(store, select(store, day=DAY, first=True), tmp_path)
    (path,) = tmp_path.glob("*-wide.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted((r["review"], r["card_state"], r["groceries_how"]) for r in rows) == [
        ("", "waiting", ""), ("correct", "counted", ""),
    ]  # fmt: skip


def test_a_period_a_permanence_and_everything(store: Store, campaign: Layout) -> None:
    days = [date(2024, 12, d) for d in (1, 5, 9)]
    ids = [store.open_permanence(f"Café {d.day}", d) for d in days]
    assert set(select(store).sittings) == set(ids)
    assert set(select(store, since=days[1]).sittings) == set(ids[1:])
    assert set(select(store, since=days[0], until=days[1]).sittings) == set(ids[:2])
    assert set(select(store, permanence=ids[2]).sittings) == {ids[2]}
    with pytest.raises(StoreError, match="permanence list"):
        select(store, permanence="nowhere")


def test_stories_leave_only_as_far_as_was_agreed(store: Store, sitting: str, campaign: Layout, tmp_path: Path) -> None:
    card = add(store, sitting, campaign, complete(campaign))
    for level in ("inside", "quote", "public"):
        tell(store, sitting, f"verhaal {level}", language="nl", level=level, consent="Ja", reading=card)  # type: ignore[arg-type]
    for level, expected in (("inside", 3), ("quote", 2), ("public", 1)):
        file = export_stories(store, select(store, day=DAY), tmp_path, level)  # type: ignore[arg-type]
        text = file.path.read_text(encoding="utf-8")
        assert file.rows == expected and card not in text and "verhaal public" in text


def test_a_format_that_does_not_exist_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are: csv"):
        export(store, select(store), tmp_path, formats=("pdf",))
