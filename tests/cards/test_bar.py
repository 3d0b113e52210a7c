"""A layout that a row of sensors cannot read is refused: which hole, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cards import draw
from cards.bar import cell_of, code_cells, findings
from cards.canonical import to_json
from cards.layout import Layout
from cards.load import LayoutError, find_layout, load_layout, shipped

TEXT = shipped()["stadslogistiek-bar"].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def card() -> Layout:
    return find_layout("stadslogistiek-bar")


def problems(tmp_path: Path, *changes: tuple[str, str]) -> list[str]:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "layout.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("diameter_mm: 5.0", "diameter_mm: 3.5", "round holes of 4 to 6 mm"),
        ("pitch_mm: 9.1", "pitch_mm: 8.5", "mm of paper between holes"),
        ("rows_mm: [17.0, 26.0,", "rows_mm: [17.0, 23.0,", "6.35 needed"),
        ("rows_mm: [17.0,", "rows_mm: [2.0,", "passes beside the card's holes"),
        ("y_mm: 87.5", "y_mm: 76.0", "cuts into the timing strip"),
        ("y_mm: 87.5", "y_mm: 95.0", "runs off the card"),
        ("height_mm: 10.0", "height_mm: 4.0", "6 needed"),
        ("y_mm: 87.5, height_mm: 10.0", "y_mm: 47.0, height_mm: 6.0", "upside down"),
        ("first_mm: 27.65", "first_mm: 18.55", "from the left edge to the nearest hole"),
        ("width_mm: 210.0", "width_mm: 204.0", "from the right edge to the nearest hole"),
        ("width_mm: 210.0", "width_mm: 214.0", "from a timing bar's middle"),
        ("by: code-holes", "by: none", "no use for"),
        ("value: 55963", "value: 1", "last column"),
        ("value: 55963", "value: 55962", "meet code holes in the same columns"),
    ],
)
def test_what_a_bar_cannot_read_is_said_with_its_limit(tmp_path: Path, old: str, new: str, says: str) -> None:
    found = problems(tmp_path, (old, new))
    assert any(says in p for p in found), found


def test_a_hole_that_no_sensor_passes_is_named_with_its_line(tmp_path: Path) -> None:
    found = problems(tmp_path, ("{id: bike, at: {column: 4, row: 1}", "{id: bike, at: {x_mm: 57.0, y_mm: 17.0}"))
    (one,) = [p for p in found if "no sensor passes" in p]
    assert "groceries_how.bike at 57, 17 mm" in one
    assert "choices[1].at" in one


def test_an_answer_in_a_column_of_code_holes_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, ("{id: on_foot, at: {column: 3, row: 1}", "{id: on_foot, at: {column: 2, row: 1}"))
    assert any("groceries_how.on_foot stands in column 2" in p for p in found)


def test_a_column_that_could_be_open_at_every_sensor_is_refused(card: Layout) -> None:
    assert card.sensor_bar is not None
    every = replace(card.sensor_bar, rows_mm=(17.0, 35.0, 53.0, 71.0))
    places = {q.id: ("questions", k) for k, q in enumerate(card.questions)}
    said = [message for _, message in findings(replace(card, sensor_bar=every), places)]
    assert any("would look like the card's end" in m and "groceries_how.on_foot" in m for m in said)


def test_code_holes_that_look_the_same_turned_over_are_refused(card: Layout) -> None:
    assert card.sensor_bar is not None
    kept = {(0, 0), (5, 0), (0, 17), (5, 17)}
    markers = [m for m in card.identify.markers if cell_of(card.sensor_bar, m.x_mm, m.y_mm) in kept]
    same = replace(card.identify, markers=(*markers, markers[0]), value="15")
    places = {q.id: ("questions", k) for k, q in enumerate(card.questions)}
    said = [message for _, message in findings(replace(card, identify=same), places)]
    assert any("look the same when the card is turned" in m for m in said)


def test_every_sensor_has_code_holes_of_its_own(card: Layout) -> None:
    assert card.sensor_bar is not None
    cells = code_cells(card, card.sensor_bar)
    marks = [frozenset(c for r, c in cells if r == row) for row in range(6)]
    assert all(marks) and len(set(marks)) == 6
    assert len(cells) % 2 == 1, "the check hole makes the number odd"


def test_timing_bars_are_drawn_centred_on_the_columns_from_edge_to_edge(card: Layout) -> None:
    assert card.sensor_bar is not None
    bars = [s for s in draw.front(card, "nl") if isinstance(s, draw.Polygon) and s.fill == draw.TIMING]
    spans = sorted((s.points[0][0], s.points[1][0]) for s in bars)
    assert spans[0][0] == 0.0 and spans[-1][1] == card.width_mm
    middles = {round((a + b) / 2, 3) for a, b in spans[1:-1]}
    assert {round(x, 3) for x in card.sensor_bar.columns_mm} <= middles
    assert all(b - a == pytest.approx(9.1 / 2) for a, b in spans[1:-1])
    assert not any(s.fill == draw.TIMING for s in draw.back(card, "nl") if isinstance(s, draw.Polygon))


def test_both_campaign_cards_ask_the_same(card: Layout) -> None:
    other = find_layout("stadslogistiek")
    assert [(q.id, q.text, [(c.id, c.text) for c in q.choices]) for q in card.questions] == [
        (q.id, q.text, [(c.id, c.text) for c in q.choices]) for q in other.questions
    ]
    assert card.languages == other.languages


def test_layouts_without_a_bar_keep_the_digests_they_were_printed_with() -> None:
    assert "sensor_bar" not in to_json(find_layout("stadslogistiek"))
    assert "sensor_bar" in to_json(find_layout("stadslogistiek-bar"))
