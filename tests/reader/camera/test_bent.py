"""What the outline says of lens, pose and bend: found, or refused where it cannot be, for positions lie by it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cards.layout import Layout
from device.frame import Frame
from reader.camera import read_frame
from reader.camera.adjust import adjust, strain
from reader.camera.edges import Outline, outline_of
from reader.camera.find import STRAIN_MAX, has_outline, passes, search
from reader.camera.geometry import Geometry, Sheet, across, first_guess, project
from reader.camera.lattice import Lattice, is_sure
from reader.reading import Code, Punch, Reading, Rejection
from tests.volume.cards import in_spec, layouts

CENTRE_PX, FOCAL_PX = (819.5, 615.5), 0.85 * 1640


def seen_from(
    layout: Layout, turn: tuple[float, float, float], depth_mm: float, focal: float, bends: list[float]
) -> Geometry:
    """focal: as a share of what is expected. bends: see `geometry.BENDS`."""
    pose = [*turn, -1.5, 3.0, depth_mm, np.log(focal * FOCAL_PX), 0.0]
    return Geometry(np.array([*pose, *bends]), layout.width_mm, layout.height_mm, CENTRE_PX)


def fitted(true: Geometry, outline: Outline) -> Geometry:
    """The geometry that one look finds when every edge is seen exactly where it is."""
    start = first_guess(true.corners_px, true.width_mm, true.height_mm, CENTRE_PX, FOCAL_PX)
    assert start is not None
    both = project(true.parameters, outline.sheet_outwards, CENTRE_PX).px
    edges, outside = np.split(both, 2)
    normal = (outside - edges) / np.hypot(*(outside - edges).T)[:, None]
    seen = project(start.parameters, outline.sheet, CENTRE_PX)
    every = np.ones(len(edges), np.bool_)
    return adjust(start, seen, outline.sheet, normal, across(edges, normal), every, 5.0)


@pytest.mark.parametrize(
    ("turn", "depth_mm", "focal", "bends"),
    [
        pytest.param(
            (0.0, 0.35, -2.7), 180.0, 0.87, [-1.0, 0.0, 0.0, -0.4, 0.1, 0.0], id="leaning, before a wide lens"
        ),
        pytest.param((-0.35, -2.95, 0.47), 285.0, 1.1, [0.2, -0.8, 2.5, 0.1, 0.1, 0.0], id="curled, on its back"),
        pytest.param((0.2, 0.1, 0.3), 260.0, 1.15, [0.5, 0.0, 0.3, 1.5, 0.0, 0.0], id="bent like an S"),
        pytest.param((0.01, 0.02, 0.05), 200.0, 1.0, [0.0] * 6, id="flat, from above"),
    ],
)
def test_positions_lie_where_the_edges_say_within_one_fit(
    turn: tuple[float, float, float], depth_mm: float, focal: float, bends: list[float]
) -> None:
    layout = layouts()["survey-a"]
    true = seen_from(layout, turn, depth_mm, focal, bends)
    found = fitted(true, outline_of(layout))
    off_mm = np.hypot(*(found.to_px(layout.centres_mm) - true.to_px(layout.centres_mm)).T) / true.px_per_mm
    assert off_mm.max() < 0.2
    assert strain(found) < STRAIN_MAX / 2


def stretched(frame: Frame, share: float) -> Frame:
    """The picture turned, and made wider by such a share, as if its pixels were not square."""
    height, width = frame.grey.shape
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), 30, 0.8), [0, 0, 1]])
    view = np.diag([1 + share, 1.0, 1.0]) @ turn
    return Frame("stretched", np.asarray(cv2.warpPerspective(frame.grey, view, (width, height)), np.uint8))


@pytest.mark.parametrize("card", [8, 13, 22])
@pytest.mark.parametrize("share", [0.03, 0.08])
def test_a_stretched_picture_is_never_misread(card: int, share: float) -> None:
    sample = in_spec(7, card)
    outcome = read_frame(stretched(sample.frame, share), [sample.layout])
    if isinstance(outcome, Rejection):
        assert outcome.reasons[0].code in (Code.WRONG_PROPORTIONS, Code.UNKNOWN_LAYOUT)
        return
    punches = outcome.punches()
    assert all(punches[name] in (state, Punch.UNCERTAIN) for name, state in sample.truth.items())


def test_an_outline_that_asks_for_an_impossible_bend_is_no_card() -> None:
    sample = in_spec(7, 8)
    found = search(sample.frame, [sample.layout]).found
    assert found is not None and passes(found.edge)
    bent = found.edge.geometry.parameters + np.array([0.0] * 12 + [2.0, 0.0])
    impossible = replace(found.edge, geometry=replace(found.edge.geometry, parameters=bent))
    assert has_outline(impossible) and not passes(impossible)


def test_a_card_whose_outline_asks_for_an_impossible_bend_is_told_to_lie_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = in_spec(7, 8)
    assert isinstance(read_frame(sample.frame, [sample.layout]), Reading)
    monkeypatch.setattr("reader.camera.find.STRAIN_MAX", -1.0)
    outcome = read_frame(sample.frame, [sample.layout])
    assert isinstance(outcome, Rejection) and outcome.reasons[0].code is Code.WRONG_PROPORTIONS


def test_an_outline_that_is_near_all_its_limits_at_once_is_no_card() -> None:
    sample = in_spec(7, 8)
    found = search(sample.frame, [sample.layout]).found
    assert found is not None
    near = {"residual_mm": 0.055, "cut_residual_mm": 0.28, "cut_misfit_mm": 0.58}
    assert all(has_outline(replace(found.edge, **{name: value})) for name, value in near.items())
    assert not has_outline(replace(found.edge, **near))


def test_a_lattice_that_leaves_the_outline_by_a_column_at_one_end_is_not_believed() -> None:
    slipped, shrunken = Lattice(-1.05, -1.4, 0.44, 0.73), Lattice(-1.0, -0.8, 0.27, 0.87)
    assert not is_sure(slipped)
    assert is_sure(shrunken)


def test_strain_does_not_ask_the_focal_length(campaign: Layout) -> None:
    near, far = (seen_from(campaign, (0.01, 0.0, 0.0), 200.0 * f, f, [0.3] * 6) for f in (1.0, 4.0))
    assert strain(near) == pytest.approx(strain(far))
    assert strain(seen_from(campaign, (0.01, 0.0, 0.0), 200.0, 1.0, [0.0] * 6)) == 0


def corners(layout: Layout) -> NDArray[np.float64]:
    return np.array([[0, 0], [layout.width_mm, 0], [layout.width_mm, layout.height_mm], [0, layout.height_mm]])


def test_a_fit_without_a_single_edge_stays_finite(campaign: Layout) -> None:
    start = seen_from(campaign, (0.1, 0.2, 0.0), 200.0, 1.0, [0.0] * 6)
    sheet = Sheet.of(corners(campaign), campaign.width_mm, campaign.height_mm)
    none = np.zeros(4, np.bool_)
    found = adjust(start, project(start.parameters, sheet, CENTRE_PX), sheet, np.ones((4, 2)), np.zeros(4), none, 1.0)
    assert np.isfinite(found.parameters).all()
