"""How a card may name itself: what is accepted, what is drawn, which version is found; every error says what to do."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from cards.canonical import from_json, to_json, with_digest
from cards.draw import Line, front
from cards.layout import Identify, Layout, Marker
from cards.load import LayoutError, catalogue, find_layout, load_layout
from cards.marks import aruco_cells, qr_cells
from cards.raster import raster
from reader.camera.identify import QR_MISMATCH_MAX

FOLDER = Path(__file__).parents[1] / "fixtures" / "layouts" / "market"
MARKET = find_layout(str(FOLDER))
TEXT = (FOLDER / "layout.yaml").read_text(encoding="utf-8")
CODE = TEXT[TEXT.index("identify:") : TEXT.index("questions:")]


def with_code(tmp_path: Path, code: str) -> Layout:
    path = tmp_path / "layout.yaml"
    path.write_text(TEXT.replace(CODE, f"identify: {code}\n"), encoding="utf-8")
    return load_layout(path)


HOLES = "at: [{x_mm: 124, y_mm: 62}, {x_mm: 114, y_mm: 62}, {x_mm: 104, y_mm: 62}]"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (f"{{by: code-holes, {HOLES}}}", "needs value"),
        ("{by: code-holes, value: 1}", "needs at"),
        (f"{{by: code-holes, value: 4, {HOLES}}}", "hold values up to 3"),
        (f"{{by: code-holes, value: 0, {HOLES}}}", "greater than or equal to 1"),
        (f"{{by: code-holes, value: x, {HOLES}}}", "whole number from 1"),
        ("{by: code-holes, value: 1, at: [{x_mm: 124, y_mm: 62}]}", "two places at least"),
        ("{by: code-holes, value: 1, at: [{x_mm: 124, y_mm: 62}, {x_mm: 126, y_mm: 62}]}", "too close to code hole 1"),
        ("{by: code-holes, value: 1, at: [{x_mm: 124, y_mm: 62}, {x_mm: 24, y_mm: 20}]}", "too close to often.daily"),
        ("{by: code-holes, value: 1, at: [{x_mm: 124, y_mm: 62}, {x_mm: 4, y_mm: 4}]}", "to the card's edge"),
        ("{by: code-holes, value: 1, at: [{x_mm: 124, y_mm: 62}, {x_mm: 20, y_mm: 7}]}", "the text"),
        ("{by: aruco, size_mm: 8, markers: [{value: 0, at: {x_mm: 130, y_mm: 30}}]}", "needs dictionary"),
        ("{by: aruco, dictionary: DICT_9X9, size_mm: 8, markers: [{at: {x_mm: 130, y_mm: 30}}]}", "no dictionary"),
        ("{by: aruco, dictionary: DICT_4X4_50, size_mm: 8, markers: [{value: 50, at: {x_mm: 130, y_mm: 30}}]}", "0 to 49"),
        ("{by: aruco, dictionary: DICT_4X4_50, size_mm: 2, markers: [{at: {x_mm: 130, y_mm: 30}}]}", "needs 3.0 mm"),
        ("{by: aruco, dictionary: DICT_4X4_50, size_mm: 8, markers: [{at: {x_mm: 22, y_mm: 22}}]}", "punched into"),
        ("{by: aruco, dictionary: DICT_4X4_50, size_mm: 8, markers: [{at: {x_mm: 147, y_mm: 30}}]}", "beyond the card"),
        ("{by: qr, at: [{x_mm: 100, y_mm: 35}]}", "needs size_mm"),
        ("{by: qr, size_mm: 8, at: [{x_mm: 100, y_mm: 35}]}", "a camera needs 10.5 mm"),
        ("{by: none, value: 3}", "no use for value"),
    ],
)  # fmt: skip
def test_a_code_that_cannot_work_is_refused_with_what_to_do(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(LayoutError) as error:
        with_code(tmp_path, code)
    assert message in str(error.value)


@pytest.mark.parametrize("value", range(1, 8))
def test_code_holes_hold_the_value_lowest_bit_first_and_are_always_odd_in_number(value: int) -> None:
    layout = replace(MARKET, identify=replace(MARKET.identify, value=str(value)))
    places = layout.identify.markers
    assert len(layout.code_holes) % 2 == 1
    assert sum(1 << k for k, m in enumerate(places[:-1]) if m in layout.code_holes) == value


def test_a_qr_code_says_id_and_version_unless_told_otherwise(tmp_path: Path) -> None:
    assert with_code(tmp_path, "{by: qr, size_mm: 14, at: [{x_mm: 100, y_mm: 35}]}").identify.value == "market@2"
    told = with_code(tmp_path, "{by: qr, size_mm: 14, value: 'M/2', at: [{x_mm: 100, y_mm: 35}]}")
    assert told.identify.value == "M/2"


def test_what_is_drawn_is_what_other_readers_of_such_codes_read() -> None:
    """OpenCV's detectors, which have no part in how marks are drawn."""
    qr = with_digest(replace(MARKET, identify=Identify("qr", None, 14.0, "market@2", (Marker(0, 100.0, 35.0),))))
    grey = np.asarray(raster(qr, front(qr, "en"), 10).convert("L"))
    assert cv2.QRCodeDetector().detectAndDecode(grey)[0] == "market@2"
    marks = (Marker(3, 130.0, 20.0), Marker(17, 100.0, 40.0))
    aruco = with_digest(replace(MARKET, identify=Identify("aruco", "DICT_4X4_50", 9.0, None, marks)))
    grey = np.asarray(raster(aruco, front(aruco, "en"), 10).convert("L"))
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    assert sorted(np.asarray(detector.detectMarkers(grey)[1]).ravel()) == [3, 17]


def test_the_title_makes_room_for_a_mark_in_its_corner() -> None:
    mark = Marker(0, 16.0, 7.5)
    layout = with_digest(replace(MARKET, identify=Identify("aruco", "DICT_4X4_50", 6.0, None, (mark,))))
    title = next(s for s in front(layout, "en") if isinstance(s, Line) and s.text == "Market")
    assert title.x_mm >= 20.0


def test_marks_that_do_not_exist_are_refused() -> None:
    for name, value in (("DICT_4X4_50", 50), ("DICT_4X4_50", -1), ("ArucoDetector", 0), ("DICT_NONE", 0)):
        with pytest.raises(ValueError, match="no ArUco mark"):
            aruco_cells(name, value)
    assert qr_cells("market@2").shape == (21, 21)


def test_an_earlier_version_is_known_beside_the_current_one_and_retiring_it_changes_no_digest() -> None:
    known = catalogue([MARKET])
    old = next(y for y in known if y.identity == "market@1")
    assert old.retired and MARKET not in known
    assert from_json(to_json(old)).digest == old.digest == with_digest(replace(old, retired=False)).digest
    assert not from_json(to_json(old)).retired  # a store still decodes it


def test_a_version_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(LayoutError, match=r"of stadslogistiek the program comes with stadslogistiek@1"):
        find_layout("stadslogistiek@7")


def test_the_qr_codes_of_versions_differ_by_far_more_than_the_reader_forgives() -> None:
    for design in ("market", "stadslogistiek", "a-design-with-a-rather-longer-name"):
        codes = [qr_cells(f"{design}@{version}") for version in range(1, 40)]
        alike = [(a != b).mean() for a, b in combinations(codes, 2) if a.shape == b.shape]
        assert min(alike) > 3 * QR_MISMATCH_MAX
