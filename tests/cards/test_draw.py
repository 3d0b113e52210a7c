"""What is printed: everything on the card, nothing over a hole's neighbour, the same holes in every language."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from cards import draw
from cards.font import width_mm
from cards.layout import SOFT_HYPHEN, Layout
from cards.load import find_layout, shipped
from cards.raster import raster
from cards.svg import svg


@pytest.mark.parametrize("name", sorted(shipped()))
def test_everything_printed_lies_on_the_card(name: str) -> None:
    layout = find_layout(name)
    for language in layout.languages:
        for shape in draw.front(layout, language):
            if isinstance(shape, draw.Line):
                half = width_mm(shape.text, shape.size_mm) * (0.5 if shape.anchor == "middle" else 1)
                left = shape.x_mm - (half if shape.anchor == "middle" else 0)
                assert left >= 0 and shape.x_mm + half <= layout.width_mm, shape
                assert 0 < shape.y_mm <= layout.height_mm, shape


def test_rings_are_where_the_positions_are_in_every_language(campaign: Layout) -> None:
    places = {(p.x_mm, p.y_mm) for p in campaign.positions}
    for language in campaign.languages:
        rings = {(s.x_mm, s.y_mm) for s in draw.front(campaign, language) if isinstance(s, draw.Circle) and s.stroke}
        assert rings == places


def test_labels_of_neighbours_do_not_touch(campaign: Layout) -> None:
    for language in campaign.languages:
        lines = [s for s in draw.front(campaign, language) if isinstance(s, draw.Line) and s.anchor == "middle"]
        for a in lines:
            for b in lines:
                if a is not b and abs(a.y_mm - b.y_mm) < 0.6 * a.size_mm and a.x_mm < b.x_mm:
                    halves = (width_mm(a.text, a.size_mm) + width_mm(b.text, b.size_mm)) / 2
                    assert b.x_mm - a.x_mm >= halves, (a, b)


def test_a_soft_hyphen_shows_only_where_the_word_breaks(campaign: Layout) -> None:
    texts = [s.text for s in draw.front(campaign, "nl") if isinstance(s, draw.Line)]
    assert not any(SOFT_HYPHEN in t for t in texts)
    assert "Weg-" in texts and "geven" in texts


def test_the_svg_is_of_the_cards_size_in_millimetres(campaign: Layout) -> None:
    root = ElementTree.fromstring(svg(campaign, draw.front(campaign, "fr")))
    assert (root.get("width"), root.get("height")) == ("187.325mm", "82.55mm")
    assert "À pied" in "".join(root.itertext())


def test_the_picture_has_paper_ink_and_a_cut_corner(campaign: Layout) -> None:
    image = np.asarray(raster(campaign, draw.front(campaign, "nl"), 6.0, "#000000"))
    assert image.shape == (round(82.55 * 6), round(187.325 * 6), 3)
    assert image[3, 3].max() < 40, "the corner is cut"
    assert image[250, 5].min() > 220, "the paper begins at the edge"
