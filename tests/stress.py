"""The uncalibrated reader on the shared photo-like pictures, as they are and made worse in eight ways.

`python -m tests.stress [WAY …] [--list]` prints one line per way and group of pictures; `--list` also names every
position that is wrong, doubtful or certain without reason. It takes minutes, so it is no test;
`tests/reader/camera/test_photos.py` holds a part of it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cards.layout import Layout
from cards.load import find_layout
from device.frame import decode_picture
from reader.camera import read_frame
from reader.reading import Punch, Reading, Rejection, Stray
from tests.needs import shared_folder

Image = NDArray[np.uint8]
LAYOUTS = Path(__file__).parent / "fixtures" / "layouts"
QUALITY = 90
"""JPEG quality of what was made worse; the pictures as they are keep their own bytes."""
STRAY_NEAR_MM = 3.0


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.8), np.uint8)


def _smaller(image: Image) -> Image:
    return np.asarray(cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA), np.uint8)


def _gamma(image: Image, exponent: float) -> Image:
    paler: Image = np.rint(255 * (image / 255.0) ** exponent).astype(np.uint8)
    return paler


def _warmer(image: Image) -> Image:
    return np.asarray(np.clip(image * np.array([0.75, 0.95, 1.1]), 0, 255), np.uint8)


def _noisier(image: Image) -> Image:
    return np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255).astype(np.uint8)


def _colourless(image: Image) -> Image:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)


def _same(image: Image) -> Image:
    return image


WAYS: dict[str, tuple[Callable[[Image], Image] | None, int]] = {
    "as it is": (None, QUALITY),
    "blur 1.8": (_blurred, QUALITY),
    "JPEG 35": (_same, 35),
    "0.7 size": (_smaller, QUALITY),
    "gamma 0.6": (partial(_gamma, exponent=0.6), QUALITY),
    "gamma 1.6": (partial(_gamma, exponent=1.6), QUALITY),
    "warm cast": (_warmer, QUALITY),
    "noise 8": (_noisier, QUALITY),
    "no colour": (_colourless, QUALITY),
}
"""Name → what is done to the picture's pixels (`None`: its bytes stay as they are), and the JPEG quality after it."""


def worse(data: bytes, way: str) -> bytes:
    """A picture's bytes after one of `WAYS`."""
    change, quality = WAYS[way]
    if change is None:
        return data
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    done, encoded = cv2.imencode(".jpg", change(np.asarray(image, np.uint8)), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return encoded.tobytes()


@cache
def layouts() -> dict[str, Layout]:
    """The designs of the pictures, by id."""
    found = [find_layout(str(p)) for p in sorted(LAYOUTS.glob("*.yaml"))]
    found.append(find_layout("ibm80"))
    return {layout.id: layout for layout in found}


def known_positions(truth: dict[str, Any]) -> dict[str, str]:
    """The picture's truth by our position names, joined by place: the designs name things otherwise."""
    design = json.loads((shared_folder("photos") / "designs" / f"{truth['design']}.json").read_text())
    places = {(p["x_mm"], p["y_mm"]): f"{p['question']}/{p['choice']}" for p in design["positions"]}
    found = {}
    for p in layouts()[truth["design"]].positions:
        x, y = p.x_mm, p.y_mm
        nearest = min(places, key=lambda at, x=x, y=y: (at[0] - x) ** 2 + (at[1] - y) ** 2)  # type: ignore[misc]
        if places[nearest] in truth["truth"]:
            found[p.name] = truth["truth"][places[nearest]]
    return found


def judged(truth: dict[str, Any], outcome: Reading | Rejection) -> tuple[Counter[str], list[str]]:
    """Figures of one picture, and a line for everything that is not as it should be."""
    sums = Counter(cards=1, strays=len(truth["stray"]))
    if isinstance(outcome, Rejection):
        return sums, [f"rejected: {', '.join(r.code for r in outcome.reasons)}"]
    sums["read"] += 1
    lines = []
    punches = outcome.punches()
    if outcome.layout.split("@")[0] != truth["design"] or outcome.face != truth["side"]:
        sums["wrong"] += 1
        return sums, [f"WRONG card: {outcome.layout} {outcome.face}, is {truth['design']} {truth['side']}"]
    for name, state in known_positions(truth).items():
        punch, score = punches[name], outcome.scores[name]
        if punch == state or (state == "ambiguous" and punch is Punch.UNCERTAIN):
            continue
        kind = "ambiguous certain" if state == "ambiguous" else "wrong" if punch is not Punch.UNCERTAIN else "doubt"
        sums[kind] += 1
        lines.append(f"{kind.upper() if kind == 'wrong' else kind}: {name} is {state}, {score.open} {score.doubts}")
    sums["ambiguous"] += sum(v == "ambiguous" for v in known_positions(truth).values())
    sums["right"] += not sums["wrong"] and not sums["doubt"]
    left = list(outcome.strays)
    for hole in truth["stray"]:
        near = [s for s in left if _apart(s, hole) < STRAY_NEAR_MM]
        if near:
            sums["found"] += 1
            left.remove(near[0])
        else:
            lines.append(f"stray not found at {hole['x_mm']}, {hole['y_mm']}")
    sums["false"] += len(left)
    return sums, lines + [f"no stray at {s.x_mm}, {s.y_mm} ({s.area_mm2} mm²)" for s in left]


def _apart(stray: Stray, hole: dict[str, float]) -> float:
    return float(np.hypot(stray.x_mm - hole["x_mm"], stray.y_mm - hole["y_mm"]))


def pictures() -> Iterator[tuple[str, Path]]:
    """(group, picture): the grades of the photos, and the two machines' cards."""
    for path in sorted(shared_folder("photos").glob("*.jpg")):
        yield json.loads(path.with_suffix(".json").read_text())["grade"], path
    for machine in ("felt", "panel"):
        for path in sorted((shared_folder("machines") / machine / "cards").glob("*.jpg")):
            yield machine, path


def look(job: tuple[Path, str]) -> tuple[Counter[str], list[str]]:
    """One picture in one way: read with all layouts offered, and judged."""
    path, way = job
    cv2.setNumThreads(1)
    truth = json.loads(path.with_suffix(".json").read_text())
    outcome = read_frame(decode_picture(worse(path.read_bytes(), way), path.name), list(layouts().values()))
    return judged(truth, outcome)


COLUMNS = ("cards", "read", "right", "wrong", "doubt", "ambiguous", "ambiguous certain", "strays", "found", "false")


def table(ways: Sequence[str], listed: bool) -> None:
    """Print a line per way and group."""
    print(f"{'':10}{'':8}" + "".join(f"{name:>{max(len(name), 5) + 2}}" for name in COLUMNS))
    every = list(pictures())
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for way in ways:
            outcomes = pool.map(look, [(path, way) for _, path in every])
            groups: dict[str, Counter[str]] = {}
            notes = []
            for (group, path), (sums, lines) in zip(every, outcomes, strict=True):
                groups.setdefault(group, Counter()).update(sums)
                notes += [f"    {path.stem}: {line}" for line in lines]
            for group, sums in groups.items():
                print(f"{way:10}{group:8}" + "".join(f"{sums[n]:>{max(len(n), 5) + 2}}" for n in COLUMNS), flush=True)
            if listed:
                print("\n".join(notes), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("way", nargs="*", help=f"some of: {', '.join(WAYS)} (all of them)")
    parser.add_argument("--list", action="store_true", help="name all that is not as it should be")
    chosen = parser.parse_args()
    for way in chosen.way:
        if way not in WAYS:
            parser.error(f"{way!r} is none of: {', '.join(WAYS)}")
    table(chosen.way or list(WAYS), chosen.list)


if __name__ == "__main__":
    main()
