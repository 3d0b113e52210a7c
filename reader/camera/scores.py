"""From what was measured to scores: open shares on the scale of the card's own holes, and what speaks against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from reader.camera.lattice import is_lattice
from reader.camera.measure import Measured, least_contrast, search_reach_mm
from reader.camera.patches import Singles, middle_of
from reader.reading import Score

Flags = NDArray[np.bool_]

OPENISH = 0.3
"""Below this share a position measures clear, above it a hole; what lies about it is in doubt either way."""
FINE_MAX, FINE_MAX_POINT = 0.4, 0.22
"""Rings and letters that stay under the finer opening, as a share of the hole: more may be a hole in hard light. Round
positions over a black or lit bed, where no light is hard, stay below 0.19 on all shared pictures."""
LIGHT_MIN, SLIT_MIN_BLACK, SLIT_MIN_COLOURED, SLIT_SOLID, FINE_SOLID = 0.045, 0.065, 0.15, 0.03, 0.09
"""Light in a round hole's place over a bed that shines: a slit adds up to 0.8 of its open share, print and noise to none. Over a
black bed dark icons add up to 0.06; where the finer opening leaves something less is a slit, for icons are either as dark
or as solid. Over a colour print of its hue adds up, too: a slit is what
exceeds all but a few of the card's clear positions."""
SLIT_USUAL, LIGHT_USUAL = 0.8, 2.0
"""So many of a card's clear positions show no more than its print does, or stray light on a dark card; and so many times
that of the latter says nothing."""
HALF_SHARE, HALF_LEAN, HALF_GONE = 0.82, 0.3, 0.5
"""Over a colour, chads of the bed's hue and shade beside them measure up to 0.82 and lean by 0.34 of what is gone; of whole
holes that measure so little, one in a hundred does. Blurred print, and light on a grey bed, are open without being gone."""
SHAPED, SHAPED_MACHINE, SHAPELESS_FEW, SHAPELESS_SHARE = 0.5, 0.7, 2, 0.25
"""Of what is part open over a colour holes fill 0.54 of a disc and more, a machine's 0.73; blurred print fills up to 0.31,
blurred letters 0.65. Where more than a few of a card's whole holes are so its print passes for bed, and none is believed."""
LIGHT_MIN_BARE, BARE = 0.06, 137.0
"""Paper that is nearer than so many levels to a lit bed is no dark ground: what is usual on its card excuses no light."""
LIGHT_WHOLE, LIGHT_OPEN, LIGHT_STRAY = 0.66, 0.75, 0.02
"""Of a whole hole's light: blur conserves it, and what is open by 60 % measured up to 0.64. So much proves a hole, on a card
whose print is not light itself."""
UNEXPLAINED, UNEXPLAINED_POINT = 0.2, 0.3
"""What might be bed after all, as a share of the hole, at a position that measures clear. Over a black or lit bed, where
print differs from the bed in depth alone, and between a machine's narrow holes, icons and letters reach more."""
ENDS_MIN = 0.3
"""It reaches an end of a machine's hole, as a share of that end: what a punch opens by a third does, letters have 0.25."""
PRINTED_BLACK = 0.5
"""Where more of a card's clear positions than this look like slits over a black bed, its print is as black as the bed."""
GONE_MAX, GONE_MAX_LIT = 0.12, 0.16
"""Solid dark or bed beyond the card's usual print, as a share of a round hole. Letters fill more of a machine's. Over a
lit bed white print on a dark ground comes near it, and light tells elsewhere."""
CRESCENT_MIN, LEAN_MAX, LEAN_MAX_POINT, LEAN_GONE_MIN = 0.5, 0.14, 0.11, 0.15
"""Bed along a rim's arc, or gone at one side of a hole that is not open: a hinged chad or a bite. On the shared pictures
icons stay below both at 399 of 400 positions; chads and bites that open 15 % and more exceed one. A letter leans as much
in a machine's narrow hole but fills less of it. Over a black or lit bed no shade leans, and icons lean up to 0.10."""
CRESCENT_ALONE, CRESCENT_HINTED, CRESCENT_SLIT = 0.535, 0.47, 0.1
"""Icons fill arcs up to 0.53; over a colour less is enough where so much of it is seen, which icons have none of: chads and
bites have 0.19 and more."""
LEAN_END, LEAN_END_GONE, LEAN_END_MIN = 0.1, 0.1, 0.5
"""In a machine's hole less is enough where it reaches that end: half-open ones fill 0.56 of it and more, digits that lean as
far a third, print that fills the end leans 0.085."""
ASIDE_MIN, ASIDE_MIN_BLACK, ASIDE_TIMES, ASIDE_USUAL = 0.06, 0.05, 1.5, (0.95, 0.8)
"""Shade at one side of a hole, however blurred, pale or of the print's own hue: so much of the bed's darkness, and over a
colour, where icons lean as far at several positions of a card, so many times what the first share of its clear positions
stay below; the second where other hints say bed. Over black, where icons hardly lean, a little less is enough."""
ASIDE_HINTS = 0.9
"""So far do bed's colour and what is gone at one side reach towards their own limits, as shares of them: icons that lean
0.75, blurred half-open holes 1 and more."""
UNLIKE, UNLIKE_BLACK, UNLIKE_GONE, UNLIKE_FEW, UNLIKE_DARK = 0.5, 0.35, 0.03, 0.05, 0.16
UNLIKE_WHOLE, UNLIKE_WHOLE_MACHINE = 0.55, 0.8
"""Something solid that is neither this card's paper nor the bed, as a share of the hole: pen, a stain, a hole with glare
in it. Less than a whole hole of it must be dark somewhere, for it has a rim. Print is thinner, and where it is not, it
is so at more than a few of the card's positions; then so much of it must be dark. In round positions over a black bed, print
stays below 0.28."""
HINTS_MAX, HINTS_MAX_COLOURED = 2.5, 2.2
"""Over a black bed slit, crescent and lean may all but reach their limits: as shares of them they add up to 2.8 and more
where a narrow arc is open, to 2.3 at the darkest icons. Over a colour what might be bed takes the slit's part: 2.4 and
more, and 2.0."""
FAINT, FAINT_WHOLE, FILLS = 0.6, 0.45, (0.8, 1.3)
"""A hole that differs from its paper by less than this share of what the card's other holes do may be print or pen; one
that is open within these shares of its area may differ less, for neither fills a hole so exactly."""
UNLIKE_HOLE = 0.5
"""So much of what counts as open must also be plainly unlike the paper: in whole holes all is, in a field of a colour between
paper's and bed's nothing."""
PRINT_DEPTH, PRINT_GONE = 0.4, 0.06
"""What hardly differs from the paper, and from what most positions show, is their common print."""
PALER_SPREADS, PALER_MIN, PALER_MAX = 5.0, 0.12, 0.25
"""Over a black bed all holes are alike: one that is paler than the card's others by so many times their median
difference, within these shares of the way from bed to paper, may be pen."""
WHOLE_OPEN, WHOLE_GONE, WHOLE_OTHER, WHOLE_OTHER_MACHINE = 0.25, 0.4, 0.9, 0.8
WHOLE_LEAN, WHOLE_LEAN_MACHINE, WHOLE_DISC = 0.08, 0.13, 0.95
"""Where the bed is seen for certain in part of a hole, and the paper is missing in all of it and to no side more, the
rest is the bed in the shade of the hole's rim, or under its own gloss. A bite or a chad leaves paper, and leans; so does a
hole that lies off its place, and then its disc tells: whole ones have 0.97 and more, bitten ones up to 0.87."""
HUNG_MAX, HUNG_SHARE = 0.32, 0.77
"""A whole hole's rim, half paper and half bed, has the paper's hue in up to 0.27 of all that is not lit paper; a chad that
hangs down in the card's shade, and leaves 60 % open or less, in 0.38 and more. What is more open than the second is whole."""
WHOLE_SHARE, WHOLE_FEW = 0.8, 3
"""So open is a hole that is called whole, and so many tell that the card's whole ones have little of the paper's hue."""
WHOLE_BLACK, WHOLE_RANK = 0.98, 75
"""What a whole round hole measures over a black bed, at least, whatever the card's other holes do; and over a black or lit
bed, where whole holes measure alike, the percentile of them that is taken for whole: a hand that punches badly leaves
half of them less open. Over colours, where shades scatter, it is the median."""
MACHINE_MIN, MACHINE_ENDS_MIN = 0.75, 0.5
"""A machine punches whole holes; what is less open than this of the card's others, or leaves more than this of both its
ends, is print, or a hanging chad."""
SPILL_MAX, SPILL_HERE, SPILL_CLEAR = 0.16, 0.35, 0.12
"""Share of bed seen in the paper around the holes, as a median: above it paper and bed look too much alike on this card
to believe anything; on a machine-punched card the holes are a larger card's. Around one hole: double punches reach 0.31.
Around a clear position, over a colour: a neighbour's hole reaches 0.09, a slit of a hole far off its place more."""
UNEVEN = 0.35
"""The paper's unevenness around a hole, as a share of the way to the bed: print and noise reach 0.30, a shadow's edge 0.4."""
ASTRAY_MM = 0.5
"""So much further than a hole may lie off its place its middle is drawn by a bite, no more: holes reach 0.3, the corner of a
shadow, and print at the rim, 0.6 and more."""
SHADE_RATIO = 1.9
"""A hole whose shade differs from the card's other holes by more than this factor may be pen or stain."""


@dataclass(frozen=True)
class _Card:
    """What this card's holes are like: medians over the open ones, 1 or 0 where there are none."""

    holes: Flags
    shade: float
    depth: float
    machine: bool


def scores(measured: Measured, layout: Layout) -> Mapping[str, Score]:
    """A score per position of the layout, by its name."""
    holes = measured.open > 0.5
    card = _Card(
        holes,
        middle_of(measured.shade[holes]) if holes.any() else 1.0,
        middle_of(measured.depth[holes]) if holes.any() else 0.0,
        is_lattice(layout),
    )
    share = _share(measured, card)
    doubts = _doubts(measured, share, card)
    doubts["astray"] = _is_astray(measured, share, card, search_reach_mm(layout))
    doubted = np.any(list(doubts.values()), axis=0)
    found = dict.fromkeys((p.name for p in layout.positions), _NOTHING)
    # Most places have nothing to tell, and a card may have a thousand of them.
    for k in np.flatnonzero(doubted | (share > 0)).tolist():
        x, y = measured.offset_mm[k].tolist()
        why = tuple(name for name, flags in doubts.items() if flags[k]) if doubted[k] else ()
        found[layout.positions[k].name] = Score(round(float(share[k]), 3), (round(x, 2), round(y, 2)), why)
    return found


_NOTHING = Score(0.0)


def _share(measured: Measured, card: _Card) -> Singles:
    """(n,): open shares, this card's clear positions at 0 and its whole holes at 1."""
    if measured.bed == "coloured":
        # Where paper is left in a hole it is no measure of whole ones.
        whole = (measured.other > WHOLE_OTHER) & (measured.hung < HUNG_MAX)
        base, full = _response(measured.open, whole | card.machine, 50)
    else:
        base, full = _response(measured.open, np.ones(len(measured.open), np.bool_), WHOLE_RANK)
    if measured.bed == "black" and not card.machine:
        full = max(full, WHOLE_BLACK)
    share = np.clip((measured.open - base) / (full - base), 0, 1.5)
    share = np.where(_is_whole(measured, card), np.maximum(share, np.minimum(measured.other, 1.0)), share)
    share = np.where(_is_bright(measured), np.maximum(share, np.minimum(measured.light, 1.0)), share)
    share = np.where(_is_common_print(measured, card), np.minimum(share, measured.gone), share)
    return np.asarray(share, np.float32)


def _is_whole(measured: Measured, card: _Card) -> Flags:
    """Where a hole over a bed of a colour, part of which lies in its own shade or gloss, is a whole one."""
    if measured.bed != "coloured":
        return np.zeros(len(measured.open), np.bool_)
    even = measured.lean < (WHOLE_LEAN_MACHINE if card.machine else WHOLE_LEAN)
    even &= measured.other > (WHOLE_OTHER_MACHINE if card.machine else WHOLE_OTHER)
    whole = even | (measured.disc > WHOLE_DISC)
    # In a machine's narrow hole most of what is seen lies at a rim.
    whole &= (measured.hung < HUNG_MAX) | card.machine
    return np.asarray(whole & (measured.open > WHOLE_OPEN) & (measured.gone > WHOLE_GONE), np.bool_)


def _is_bright(measured: Measured) -> Flags:
    """Where a bed that shines fills most of a hole with its light, though not all of that is as bright as the bed."""
    bright = (measured.light > LIGHT_OPEN) & (measured.open > 0.5)
    return np.asarray(bright & (_usual(measured.light, measured.open < OPENISH) < LIGHT_STRAY), np.bool_)


def _doubts(measured: Measured, share: Singles, card: _Card) -> dict[str, Flags]:
    """Doubt → (n,) where it holds; see `Score`."""
    clear, hole = share < OPENISH, share > OPENISH
    shapeless = _is_shapeless(measured, card) & hole
    veiled = _is_veiled(measured, share, card, shapeless)
    shade = measured.shade / max(card.shade, 1e-3)
    fills = (share > FILLS[0]) & (measured.open < FILLS[1])
    faint = measured.depth < np.where(fills, FAINT_WHOLE, FAINT) * card.depth
    faint |= measured.other < UNLIKE_HOLE * measured.open
    few = UNEXPLAINED_POINT if card.machine or measured.bed != "coloured" else UNEXPLAINED
    solid = ((measured.loose > few) | (measured.fine > FINE_MAX)) & (measured.ends > ENDS_MIN)
    if not card.machine:
        solid |= measured.gone > (GONE_MAX_LIT if measured.bed == "lit" else GONE_MAX)
        solid |= (measured.fine > FINE_MAX_POINT) & (measured.bed != "coloured")
        solid |= _is_slit(measured, clear)
    return {
        "spill": hole & (measured.spill > SPILL_HERE) | veiled | _is_beside(measured, card, clear),
        "contrast": (measured.contrast < least_contrast(measured)) | (measured.noise > UNEVEN * measured.contrast),
        "shade": hole & ((shade < 1 / SHADE_RATIO) | (shade > SHADE_RATIO)),
        "faint": hole & (faint | _is_pale(measured, card)),
        "partial": hole & ((share < MACHINE_MIN) | (measured.ends < MACHINE_ENDS_MIN)) & card.machine,
        "hung": shapeless | _is_part_open(measured, share, card, hole),
        "unexplained": clear & (solid | _is_unlike(measured, card)) & ~_is_common_print(measured, card),
        "crescent": clear & (_rim(measured, card) | _is_shaded_aside(measured, clear)),
    }


def _is_veiled(measured: Measured, share: Singles, card: _Card, shapeless: Flags) -> bool:
    """Whether paper, or print, and bed look too much alike on this card to believe anything."""
    misled = int((shapeless & (share > WHOLE_SHARE)).sum())
    if misled > max(SHAPELESS_FEW, SHAPELESS_SHARE * int((share > OPENISH).sum())):
        return True
    return bool(card.holes.any()) and middle_of(measured.spill[card.holes]) > SPILL_MAX


def _is_unlike(measured: Measured, card: _Card) -> Flags:
    """Where something solid is neither paper nor bed."""
    much = UNLIKE_BLACK if measured.bed == "black" and not card.machine else UNLIKE
    whole = UNLIKE_WHOLE_MACHINE if card.machine else UNLIKE_WHOLE
    unlike: Flags = (measured.other > much) & ((measured.gone > UNLIKE_GONE) | (measured.other > whole))
    unlike &= measured.ends > ENDS_MIN
    # A card may be printed dark, or pale, where it is to be punched; then it must be as dark as the bed.
    if int(unlike[~card.holes].sum()) > max(2, UNLIKE_FEW * len(unlike)):
        unlike &= measured.gone > UNLIKE_DARK
    return unlike


def _is_part_open(measured: Measured, share: Singles, card: _Card, hole: Flags) -> Flags:
    """Where a hole is not wholly open, whatever it measures."""
    return _hangs(measured, share, card) | _lacks_light(measured, hole) | _is_half(measured, share, card)


def _is_beside(measured: Measured, card: _Card, clear: Flags) -> Flags:
    """Where the bed's colour is seen beside a position that measures clear."""
    coloured = measured.bed == "coloured" and not card.machine
    return np.asarray(clear & coloured & (measured.spill > SPILL_CLEAR), np.bool_)


def _hangs(measured: Measured, share: Singles, card: _Card) -> Flags:
    """Where a hole is less open than the card's whole ones and the rest has the paper's hue."""
    whole = card.holes & (measured.hung < HUNG_MAX) & (share > WHOLE_SHARE)
    known = not card.machine and int(whole.sum()) >= WHOLE_FEW
    return np.asarray((measured.hung >= HUNG_MAX) & (share > OPENISH) & (share < HUNG_SHARE) & known, np.bool_)


def _is_half(measured: Measured, share: Singles, card: _Card) -> Flags:
    """Where over a colour a hole is not quite as open as whole ones, and what is gone lies to one side, or hardly anything
    is."""
    half: Flags = (measured.lean > HALF_LEAN * measured.gone) | (measured.gone < HALF_GONE * measured.open)
    return half & (share > OPENISH) & (share < HALF_SHARE) & (measured.bed == "coloured") & (not card.machine)


def _is_shapeless(measured: Measured, card: _Card) -> Flags:
    """Where over a colour what is open has not the shape of a hole."""
    least = SHAPED_MACHINE if card.machine else SHAPED
    return np.asarray((measured.disc > 0) & (measured.disc < least), np.bool_)


def _lacks_light(measured: Measured, hole: Flags) -> Flags:
    """Where less of a bed that shines is seen in a hole than in the card's whole ones."""
    # Two imagined whole holes keep a card with few in bounds.
    whole = min(_ranked(np.append(measured.light[hole], [1.0, 1.0]), WHOLE_RANK / 100), 1.0)
    seen: Flags = hole & (measured.light > 0)
    return seen & (measured.light < LIGHT_WHOLE * whole)


def _is_astray(measured: Measured, share: Singles, card: _Card, reach_mm: float) -> Flags:
    """Where what looks like a hole lies further off than a hand punches."""
    off = np.hypot(measured.offset_mm[:, 0], measured.offset_mm[:, 1])
    return np.asarray((share > OPENISH) & (off > reach_mm + ASTRAY_MM) & (not card.machine), np.bool_)


def _is_slit(measured: Measured, clear: Flags) -> Flags:
    """Where light, black or a bed's colour adds up to a slit."""
    shines: Flags = measured.light > LIGHT_USUAL * _usual(measured.light, clear) + LIGHT_MIN
    if measured.bed == "lit":
        return shines | ((measured.light > LIGHT_MIN_BARE) & (measured.contrast < BARE))
    if measured.bed == "coloured":
        return shines | (measured.slit > _usual(measured.slit, clear) + SLIT_MIN_COLOURED)
    slit = (measured.slit > SLIT_MIN_BLACK) | ((measured.slit > SLIT_SOLID) & (measured.fine > FINE_SOLID))
    return slit & (int((slit & clear).sum()) <= PRINTED_BLACK * max(int(clear.sum()), 1))


def _usual(values: Singles, clear: Flags) -> float:
    """What print alone adds up to at a card's clear positions."""
    return _ranked(values[clear], SLIT_USUAL) if clear.sum() > 1 else 0.0


def _is_common_print(measured: Measured, card: _Card) -> Flags:
    """Where something is, though hardly off the paper and no more than at most positions."""
    faint = (measured.depth < PRINT_DEPTH * card.depth) & (measured.open > 0.05)
    return np.asarray(faint & (measured.gone < PRINT_GONE) & ~_rim(measured, card), np.bool_)


def _rim(measured: Measured, card: _Card) -> Flags:
    """Where bed or shade lies along one side of the hole."""
    leaning = measured.lean > (LEAN_MAX if card.machine or measured.bed == "coloured" else LEAN_MAX_POINT)
    if card.machine:
        leaning &= measured.gone > LEAN_GONE_MIN
        ended = (measured.lean > LEAN_END) & (measured.gone > LEAN_END_GONE)
        leaning |= ended & (measured.ends > LEAN_END_MIN)
    elif measured.bed == "black":
        hints = measured.slit / SLIT_MIN_BLACK + measured.crescent / CRESCENT_MIN + measured.lean / LEAN_MAX_POINT
        leaning |= hints > HINTS_MAX
    elif measured.bed == "coloured":
        hints = measured.loose / UNEXPLAINED + measured.crescent / CRESCENT_MIN + measured.lean / LEAN_MAX
        leaning |= hints > HINTS_MAX_COLOURED
    arc = measured.crescent > CRESCENT_ALONE
    if measured.bed == "coloured":
        arc |= (measured.crescent > CRESCENT_HINTED) & (measured.slit > CRESCENT_SLIT)
    return leaning | arc


def _is_shaded_aside(measured: Measured, clear: Flags) -> Flags:
    """Where shade lies along one side of the hole as at hardly another position of the card."""
    if measured.bed == "black":
        return np.asarray(measured.aside > ASIDE_MIN_BLACK, np.bool_)
    aside, hints = measured.aside, measured.slit / SLIT_MIN_COLOURED + measured.lean / LEAN_MAX
    most, many = (_ranked(aside[clear], share) if clear.sum() > 1 else 0.0 for share in ASIDE_USUAL)
    usual = np.where(hints > ASIDE_HINTS, many, most)
    return np.asarray(aside > np.maximum(ASIDE_MIN, ASIDE_TIMES * usual), np.bool_)


def _is_pale(measured: Measured, card: _Card) -> Flags:
    """Where a hole over a black bed is paler than the card's others."""
    pale = np.zeros(len(measured.open), np.bool_)
    if measured.bed != "black" or not card.holes.any():
        return pale
    depth = measured.depth / np.maximum(measured.contrast, 1.0)
    depth = depth / max(middle_of(depth[card.holes]), 1e-3)
    spread = middle_of(np.abs(depth[card.holes] - 1))
    return np.asarray(depth < 1 - min(max(PALER_SPREADS * spread, PALER_MIN), PALER_MAX), np.bool_)


def _response(share: Singles, whole: Flags, rank: float) -> tuple[float, float]:
    """What this card's clear and whole positions measure: print adds a little, shadow takes some away.

    whole: (n,) which of the holes may be whole ones.
    """
    low, high = share[share < 0.3], share[(share > 0.5) & whole]
    base = middle_of(low) if len(low) >= 5 else 0.0
    full = _ranked(high, rank / 100) if len(high) >= 3 else 1.0
    return min(base, 0.1), min(max(full, 0.6), 1.1)


def _ranked(values: Singles, share: float) -> float:
    """What so large a share of the values (n,), n > 1, does not exceed, between neighbours in proportion: numpy's own
    percentile costs many times as much on so few."""
    ranked, at = np.sort(values), share * (len(values) - 1)
    k = min(int(at), len(values) - 2)
    return float(ranked[k] + (at - k) * (ranked[k + 1] - ranked[k]))
