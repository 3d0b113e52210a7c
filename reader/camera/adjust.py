"""The geometry that fits many edges at once: damped least squares (Levenberg–Marquardt) with Huber weights and priors, so
that a weak side cannot bend the card and one bad profile cannot move it."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from reader.camera.geometry import (
    PARAMETERS,
    Floats,
    Geometry,
    Projection,
    Sheet,
    across,
    as_matrix,
    as_vector,
    project,
    slopes,
)

FOCAL_SIGMA = 0.25
"""Prior of log focal length around 0.85 × the picture's longer side: webcams, phones and Pi cameras see 55° to 75°."""
K1_SIGMA = 0.08
BEND_SIGMA_MM = (1.5, 1.0, 1.5, 1.5, 0.4, 0.4)
"""Paper bends along one direction at a time: in an arc or an S along the card, hardly in two at once."""
EDGE_SIGMA_PX = 0.35
DEPTH, FOCAL = 5, 6
"""Where they stand among the parameters."""
STEPS, STILL = 6, 3e-3
"""A step that promises to lower the cost by a smaller share than this is the last."""


def adjust(
    start: Geometry,
    seen: Projection,
    sheet: Sheet,
    normal: Floats,
    target: Floats,
    use: NDArray[np.bool_],
    scale_px: float,
    still: float = STILL,
) -> Geometry:
    """The geometry under which a sheet's points lie where their edges are.

    seen: the points under `start`. normal: (n, 2), across the edges. target: (n,) px, how far along its normal from the
    picture's origin every point should lie. use: (n,). scale_px: half of where a distance begins to count less.
    """
    prior_mean, prior_weight = _priors(start.centre_px)
    weight, limit = use.astype(np.float64), 2.0 * scale_px / EDGE_SIGMA_PX
    # Along the normals everything is in units of an edge's own uncertainty.
    normal, target = normal / EDGE_SIGMA_PX, target / EDGE_SIGMA_PX
    p = trial = start.parameters
    # A turn is kept as its matrix until the end: steps are turns to be applied after it.
    turn = turned = seen.turn
    cost, damping = math.inf, 1e-3
    normal_matrix, gradient = _NONE, np.zeros(PARAMETERS)
    for k in range(STEPS):
        if k:
            seen = project(trial, sheet, start.centre_px, turned)
        r = across(seen.px, normal) - target
        size = np.abs(r)
        within = np.minimum(size, limit)
        off = trial - prior_mean
        # Huber: r² within the limit, 2·limit·|r| − limit² beyond it.
        new_cost = float(weight @ (within * (2 * size - within)) + prior_weight @ (off * off))
        if new_cost < cost:
            p, turn, cost, damping = trial, turned, new_cost, damping / 5
            jacobian = slopes(seen, sheet, normal)
            # Of depth, its logarithm; of the focal length, with as much more depth, so that the size stays: else the two can
            # only creep along a narrow curve.
            jacobian[DEPTH] *= p[DEPTH]
            jacobian[FOCAL] += jacobian[DEPTH]
            weighted = jacobian * (weight * within / np.maximum(size, 1e-9))
            normal_matrix = weighted @ jacobian.T
            # Without a single edge nothing holds the pose; the ridge keeps the step finite.
            _diagonal(normal_matrix)[:] += prior_weight + 1e-9
            gradient = weighted @ r + prior_weight * off
        else:
            damping *= 20
        damped = normal_matrix.copy()
        _diagonal(damped)[:] *= 1 + damping
        # Of so few unknowns numpy's solver spends most of its time on asking what it was given.
        step: Floats = np.asarray(cv2.solve(damped, -gradient[:, None])[1], np.float64)[:, 0]
        trial, turned = p + step, as_matrix(step[:3]) @ turn
        trial[DEPTH] = p[DEPTH] * math.exp(step[DEPTH] + step[FOCAL])
        if -float(gradient @ step) < still * cost:
            p, turn = trial, turned
            break
    found = p.copy()
    found[:3] = as_vector(turn)
    return Geometry(found, start.width_mm, start.height_mm, start.centre_px)


def strain(geometry: Geometry) -> float:
    """How unlikely a lens and how bent a card the edges ask for: the sum of squares of distortion and bends, each in its
    prior's sigmas. Not of the focal length: before a card that lies flat hardly anything tells it, or depends on it."""
    lens_and_bends = slice(FOCAL + 1, None)
    _, weight = _priors(geometry.centre_px)
    return float(weight[lens_and_bends] @ geometry.parameters[lens_and_bends] ** 2)


_NONE = np.eye(PARAMETERS)
"""Of a start that leads nowhere: no step follows."""


def _diagonal(matrix: Floats) -> Floats:
    """A view of a square matrix's diagonal."""
    return matrix.reshape(-1)[:: len(matrix) + 1]


@cache
def _priors(centre_px: tuple[float, float]) -> tuple[Floats, Floats]:
    """Mean and weight (1/σ²) of every parameter; none for the pose."""
    mean, weight = np.zeros(PARAMETERS), np.zeros(PARAMETERS)
    mean[6] = math.log(0.85 * 2 * max(centre_px))
    weight[6:] = np.array([FOCAL_SIGMA, K1_SIGMA, *BEND_SIGMA_MM]) ** -2.0
    return mean, weight
