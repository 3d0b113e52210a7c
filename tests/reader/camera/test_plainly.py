"""A printed code where it is known to lie: one look says yes, and only yes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cards.canonical import with_digest
from cards.layout import Identify, Layout, Marker
from cards.load import find_layout
from cards.marks import aruco_cells
from reader.camera.plainly import named_plainly

PX_PER_MM = 5.0
SIDE_MM = 9.0
PLACES = ((136.0, 14.0), (136.0, 34.0))


def coded(first: int, places: tuple[tuple[float, float], ...] = PLACES) -> Layout:
    markers = tuple(Marker(first + k, x, y) for k, (x, y) in enumerate(places))
    plain = find_layout("stadslogistiek")
    return with_digest(replace(plain, identify=Identify("aruco", "DICT_4X4_50", SIDE_MM, None, markers)))


def to_px(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    return points_mm * PX_PER_MM


def picture(layout: Layout, flipped: tuple[int, int] | None = None, ink: int = 40) -> NDArray[np.uint8]:
    """The card's marks on white paper; one cell of the last mark may be the other way round."""
    seen = np.full((round(layout.height_mm * PX_PER_MM), round(layout.width_mm * PX_PER_MM)), 220, np.uint8)
    for marker in layout.identify.markers:
        dark = aruco_cells("DICT_4X4_50", marker.value).copy()
        if flipped is not None and marker is layout.identify.markers[-1]:
            dark[flipped] ^= True
        cell = SIDE_MM / len(dark)
        for (row, column), is_dark in np.ndenumerate(dark):
            x, y = marker.x_mm - SIDE_MM / 2 + column * cell, marker.y_mm - SIDE_MM / 2 + row * cell
            rows, columns = (slice(round(v * PX_PER_MM), round((v + cell) * PX_PER_MM)) for v in (y, x))
            seen[rows, columns] = ink if is_dark else 220
    return seen


def test_a_card_with_all_its_marks_is_named_at_one_look() -> None:
    assert named_plainly(picture(coded(0)), to_px, coded(0), True, [coded(7)])


@pytest.mark.parametrize("cell", [(0, 0), (1, 1), (3, 2), (5, 5)])
def test_one_cell_that_is_wrong_is_enough_to_look_properly(cell: tuple[int, int]) -> None:
    assert not named_plainly(picture(coded(0), cell), to_px, coded(0), True, [])


def test_another_layouts_marks_name_nothing() -> None:
    assert not named_plainly(picture(coded(7)), to_px, coded(0), True, [])


def test_a_rival_whose_marks_are_all_there_too_is_looked_at_properly() -> None:
    """Its marks are a part of this layout's: both agree."""
    assert not named_plainly(picture(coded(0)), to_px, coded(0), True, [coded(0, PLACES[:1])])


def test_marks_that_hardly_stand_out_or_lie_off_their_place_name_nothing() -> None:
    assert not named_plainly(picture(coded(0), ink=200), to_px, coded(0), True, [])
    assert not named_plainly(picture(coded(0)), lambda mm: to_px(mm) + 6.0, coded(0), True, [])
    assert not named_plainly(np.full((410, 935), 220, np.uint8), to_px, coded(0), True, [])


def test_other_kinds_of_codes_are_never_passed_over() -> None:
    market = find_layout("stadslogistiek")
    holes = with_digest(
        replace(market, identify=Identify("code-holes", value="5", markers=(Marker(0, 50.0, 40.0),) * 4))
    )
    qr = with_digest(replace(market, identify=Identify("qr", None, 14.0, "x@1", (Marker(0, 100.0, 35.0),))))
    for rival in (holes, qr):
        assert not named_plainly(picture(coded(0)), to_px, coded(0), True, [rival])
    assert not named_plainly(picture(coded(0)), to_px, market, True, [])


def test_a_back_shows_no_printed_mark_and_may_show_code_holes() -> None:
    market = find_layout("stadslogistiek")
    holes = with_digest(
        replace(market, identify=Identify("code-holes", value="5", markers=(Marker(0, 50.0, 40.0),) * 4))
    )
    empty = np.full((410, 935), 220, np.uint8)
    assert named_plainly(empty, to_px, coded(0), False, [coded(7)])
    assert not named_plainly(empty, to_px, coded(0), False, [holes])
    assert not named_plainly(empty, to_px, holes, False, [])
