"""`python -m tests.volume`: ten million positions on two processes. It can be cut and goes on where it was."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from device.simulator.scene import view_of
from tests.volume.cards import Sample, in_spec, out_of_spec
from tests.volume.judge import Tally, judge_card, read_range

POSITIONS, SURVEY_POSITIONS, AMBIGUOUS = 10_000_000, 8_000_000, 100_000
SEED, PROCESSES, PART = 20_241_205, 2, 140
"""Cards in a part: what one process does at a time, and what is lost when the run is cut. Two rounds of all kinds."""
SETTINGS = {
    "coloured": "on green and beech instead of a machine's felt and panel",
    "calibrated": "before two fixed machines at 1640 × 1232 that were calibrated first",
    "changed": "before those machines, moved, out of focus or in other light since",
}
"""Option → what the cards lie before."""
REVIEW_MAX = 1 / 500


def main() -> int:
    """Command line of the volume run."""
    given = _parser().parse_args()
    if given.show is not None:
        return _show(given)
    goal = given.positions or (AMBIGUOUS if given.out_of_spec else POSITIONS)
    kind = ("out-of-spec" if given.out_of_spec else "in-spec", *_setting(given), str(given.seed))
    state = given.folder / f"{'-'.join(kind)}.json"
    reached = _resume(state)
    try:
        for part in _run(given, goal, reached):
            _keep(state, *part)
            reached = part
    except KeyboardInterrupt:
        sys.stdout.write("cut; the same command goes on from here\n")
    tally, _, seconds = reached
    _tell(tally, seconds, given, state)
    return 0 if done(tally, given.out_of_spec) >= goal and _passed(tally, given) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.volume", description=__doc__)
    parser.add_argument("--positions", type=int, help="how many (in-spec 10,000,000; out-of-spec 100,000 in doubt)")
    parser.add_argument("--out-of-spec", action="store_true", help="holes open 15–60 %% and folded chads instead")
    settings = parser.add_mutually_exclusive_group()
    for setting, what in SETTINGS.items():
        settings.add_argument(f"--{setting}", dest="setting", action="store_const", const=setting, help=what)
    parser.set_defaults(setting="uncalibrated")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--show", type=int, metavar="CARD", help="read this card of the run again, write its picture")
    parser.add_argument("--folder", type=Path, default=Path("volume-run"), help="for the state and pictures")
    return parser


def _setting(given: argparse.Namespace) -> list[str]:
    """What the run's cards lie before, in the word of its option."""
    return [given.setting] if given.setting in SETTINGS else []


def done(tally: Tally, beyond: bool) -> int:
    """How far a run is, in what its goal counts."""
    return tally.ambiguous if beyond else tally.positions


Progressed = tuple[Tally, int, float]


def _run(given: argparse.Namespace, goal: int, so_far: Progressed) -> Generator[Progressed, None, None]:
    tally, parts, before = so_far
    beyond = given.out_of_spec
    start = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,}"))
    with ProcessPoolExecutor(given.processes) as pool, Progress(*columns, TimeRemainingColumn()) as progress:
        bar = progress.add_task("positions", total=goal, completed=done(tally, beyond))
        waiting: list[Future[Tally]] = []
        try:
            while done(tally, beyond) < goal:
                while len(waiting) < 2 * given.processes:
                    at = (parts + len(waiting)) * PART
                    waiting.append(pool.submit(read_range, given.seed, at, at + PART, beyond, given.setting))
                tally.add(waiting.pop(0).result())
                parts += 1
                note = f"{tally.cards:,} cards, {tally.silent + tally.certain} silent"
                progress.update(bar, completed=done(tally, beyond), description=note)
                yield tally, parts, before + time.monotonic() - start
        finally:
            for future in waiting:
                future.cancel()


@cache
def _code() -> str:
    """Digest of what renders, reads and counts: figures of two versions are never added up."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for folder in ("calibration", "cards", "device", "reader/camera", "tests/volume"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _resume(state: Path) -> Progressed:
    """Where a run of this very code was cut; from the start when there is none."""
    kept = json.loads(state.read_text(encoding="utf-8")) if state.is_file() else {}
    if kept.get("code") != _code():
        return Tally(), 0, 0.0
    return Tally(**kept["tally"]), kept["parts"], kept["seconds"]


def _keep(state: Path, tally: Tally, parts: int, seconds: float) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    fresh = state.with_suffix(".new")
    kept = {"code": _code(), "tally": asdict(tally), "parts": parts, "seconds": seconds}
    fresh.write_text(json.dumps(kept), encoding="utf-8")
    fresh.replace(state)


def _passed(tally: Tally, given: argparse.Namespace) -> bool:
    if given.out_of_spec or given.setting == "changed":
        return tally.certain == 0 and tally.silent == 0
    return tally.silent == 0 and tally.doubtful + tally.refused <= REVIEW_MAX * tally.cards


def _tell(tally: Tally, seconds: float, given: argparse.Namespace, state: Path) -> None:
    lines = [
        f"seed {given.seed}, {tally.cards:,} cards, {tally.positions:,} positions "
        f"({tally.survey_positions:,} on survey cards), {seconds / 60:.1f} minutes",
        f"silent errors: {tally.silent}",
        f"sent to review without need: {tally.doubtful}; rejected: {tally.refused}"
        + ("" if given.setting == "changed" else f" (allowed in all: {int(REVIEW_MAX * tally.cards):,})"),
        f"strays missed: {tally.strays_missed} of {tally.strays}; cards offered to other layouts only: {tally.foreign}",
    ]
    if given.out_of_spec:
        lines += [
            f"positions in doubt: {tally.ambiguous:,}, called certain: {tally.certain}",
            f"chads closed again: {tally.closed:,}, called clear: {tally.closed_clear:,}",
        ]
    lines += [f"  card {f['card']}: {f['kind']}, {f['layout']}, {f['bed']}, {f['what']}" for f in tally.failures[:40]]
    more = "".join(f" --{way}" for way in (["out-of-spec"] if given.out_of_spec else []) + _setting(given))
    lines.append(f"all of them: {state}; see one: python -m tests.volume{more} --seed {given.seed} --show CARD")
    sys.stdout.write("\n".join(lines) + "\n")


def _show(given: argparse.Namespace) -> int:
    k, beyond, folder = given.show, given.out_of_spec, given.folder
    sample = (out_of_spec if beyond else in_spec)(given.seed, k, given.setting)
    tally = Tally()
    judge_card(k, sample, tally, beyond)
    folder.mkdir(parents=True, exist_ok=True)
    plain, drawn = (folder / f"card-{k}{end}.png" for end in ("", "-truth"))
    cv2.imwrite(str(plain), sample.frame.grey)
    cv2.imwrite(str(drawn), _drawn(sample))
    for failure in tally.failures:
        sys.stdout.write(f"{failure['kind']}: {failure['what']}\n")
    sys.stdout.write(f"{sample.layout.identity}, {sample.scene}\n{plain}\n{drawn}\n")
    return 0


def _drawn(sample: Sample) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The picture with every position's truth around it: green punched, grey clear, red in doubt."""
    image = cv2.cvtColor(sample.frame.grey, cv2.COLOR_GRAY2BGR)
    layout, card = sample.layout, sample.card
    view = view_of((layout.width_mm, layout.height_mm), sample.scene, card.curl_mm)
    places = view.to_px(np.array([[p.x_mm, p.y_mm] for p in layout.positions]))
    radius = round(0.65 * layout.hole.width_mm * view.camera.focal_px / view.camera.distance_mm)
    inks = {"punched": (0, 160, 0), "clear": (150, 150, 150), "ambiguous": (0, 0, 230)}
    for p, (x, y) in zip(layout.positions, places, strict=True):
        cv2.circle(image, (round(x), round(y)), radius, inks[sample.truth[p.name]], 1, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


if __name__ == "__main__":
    sys.exit(main())
