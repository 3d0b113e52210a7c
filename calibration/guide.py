"""Leading a person through a calibration, step by step: the sheet, the empty bed, each blank card.

Begin with `lead`. A picture that cannot be learnt from is refused with its figures and asked for again; one that is good
is kept in the album at once, so that an interrupted calibration goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from calibration.album import Album
from calibration.drift import Singles
from calibration.errors import CalibrationError
from calibration.judge import Lying, judge_bed, judge_blank, judge_pair, judge_sheet, judge_turn
from calibration.learn import BlankCards, learn
from calibration.lens import Board
from calibration.profile import Profile
from calibration.quality import VIEWS_MIN, Finding, Variety, bad, size_of, variety
from calibration.sheet import SheetView, see_sheet
from cards.layout import Layout
from device.frame import Frame

BED_PICTURES = 3
"""Of the empty bed: two tell the grain, the third whether something changed in between."""
FACES: tuple[Literal["front", "back"], ...] = ("front", "back")
WAYS = ("", "turned")
"""Each face lies twice, by half a turn: the lamp's shade is then told from the card's print."""
LEANS = ("to the left", "to you", "to the right", "away from you")
STEPS = {"sheet": "charuco", "bed": "bed", "blank": "blank"}
"""Step → its folder in the album."""


@dataclass(frozen=True)
class Eyes:
    """What the guide sees by. take: the next picture, taken after the call; recognise: the card that lies in it."""

    take: Callable[[], Frame]
    recognise: Callable[[Frame], Lying | None]


@dataclass(frozen=True)
class Talk:
    """How the guide speaks. ask: says what to do and returns when it is done (or raises, to stop); say: tells."""

    ask: Callable[[str], None]
    say: Callable[[str], None]


def lead(album: Album, layouts: Sequence[Layout], eyes: Eyes, talk: Talk) -> None:
    """Every step that is not done yet. Returns when the album is complete.

    Raises `AlbumError` when a picture cannot be kept or one that is there cannot be read.
    """
    board = album.board()
    album.keep_board(board)
    _sheet(album, board, eyes, talk)
    _bed(album, board, eyes, talk)
    talk.say("Step 3 of 3, blank cards: unpunched, one of each layout.")
    for layout in layouts:
        _blanks(album, layout, eyes, talk)


def _sheet(album: Album, board: Board, eyes: Eyes, talk: Talk) -> None:
    """The lens: the sheet everywhere in the picture, leaning."""
    kept = [(frame, see_sheet(frame.grey, board)) for frame in album.frames(album.paths("charuco"))]
    views = [view for _, view in kept if view is not None]
    size = (kept[0][0].grey.shape[1], kept[0][0].grey.shape[0]) if kept else None
    if not views:
        talk.say("Step 1 of 3, the lens. You need the sheet of `logicienne calibrate sheet`, glued flat on stiff card.")
    while True:
        now = variety(views, board, *size) if size else None
        if now is not None and not bad(now.findings()):
            break
        talk.ask(_where_next(now))
        first, second = eyes.take(), eyes.take()
        view, found = judge_sheet(first, second, board, views)
        found += [size_of(first.grey, *size)] if size else []
        if _refused(found, talk) or view is None:
            continue
        path = album.keep("charuco", "view-", first)
        views.append(view)
        size = size or (first.grey.shape[1], first.grey.shape[0])
        told = {f.topic: f.figure for f in found}
        covered = variety(views, board, *size).covered
        talk.say(f"  kept {path.name}: {len(view.at)} corners, {told['focus']}; {covered:.0%} of the picture covered")
    talk.say(f"The lens: {now.views} views, {now.covered:.0%} of the picture covered. Done.")


def _where_next(now: Variety | None) -> str:
    """One way to hold the sheet that brings what is still missing."""
    if now is None:
        return "Hold the sheet flat over the bed, facing the camera, as large as it fits"
    where = f"to the {now.missing[0]} of the picture" if now.missing else "elsewhere, nearer or further"
    topics = {f.topic for f in bad(now.findings())}
    lean = f"leaning {LEANS[now.views % len(LEANS)]}" if topics != {"coverage"} else "as you like"
    return f"View {now.views + 1} (of {VIEWS_MIN} or more): hold the sheet {where}, {lean}"


def _bed(album: Album, board: Board, eyes: Eyes, talk: Talk) -> None:
    """The empty bed."""
    kept = album.frames(album.paths("bed"))
    like = _first(album, "charuco")
    if len(kept) < BED_PICTURES:
        talk.say("Step 2 of 3, the empty bed.")
    while len(kept) < BED_PICTURES:
        talk.ask(f"Take everything out of the bed, wipe it, close the hood (picture {len(kept) + 1} of {BED_PICTURES})")
        frame = eyes.take()
        found = judge_bed(frame, kept, board, eyes.recognise(frame))
        found += [] if like is None else [size_of(frame.grey, like.grey.shape[1], like.grey.shape[0])]
        if not _refused(found, talk):
            kept.append(frame)
            talk.say(f"  kept {album.keep('bed', 'bed-', frame).name}: {_figures(found, 'evenness', 'grain')}")
    talk.say(f"The empty bed: {len(kept)} pictures. Done.")


def _blanks(album: Album, layout: Layout, eyes: Eyes, talk: Talk) -> None:
    """Blank cards of one layout: both faces, both ways round."""
    for face in FACES:
        kept = album.frames(album.blank_paths(layout.id, face))
        before = eyes.recognise(kept[0]) if kept else None
        while len(kept) < len(WAYS):
            way = WAYS[len(kept)]
            what = f"Lay a blank card of {layout.identity} into the bed, {face} up"
            talk.ask(what if not way else f"Turn the same card by half a turn, {face} still up")
            first, second = eyes.take(), eyes.take()
            lying = eyes.recognise(first)
            found = judge_blank(first, layout, face, lying, bed_mean(album.frames(album.paths("bed"))))
            found += judge_pair(first, second)
            if way and lying is not None and before is not None:
                found.append(judge_turn(lying, before))
            if _refused(found, talk):
                continue
            path = album.keep("blank", f"blank-{layout.id}-{face}", first)
            kept.append(first)
            before = before or lying
            talk.say(f"  kept {path.name}: {_figures(found, 'light', 'resolution')}")
    talk.say(f"Blank cards of {layout.identity}: both faces, both ways round. Done.")


@dataclass(frozen=True)
class Refused:
    """A picture of an album that is not to be learnt from. name: kind and file name."""

    name: str
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        """In one line for people."""
        return f"{self.name}: {'; '.join(str(f) for f in self.findings)}"


@dataclass(frozen=True)
class Review:
    """An album looked through. refused: pictures that must not be learnt from; missing: what is not there at all."""

    refused: tuple[Refused, ...]
    missing: tuple[Finding, ...]


def review(album: Album, layouts: Sequence[Layout], recognise: Callable[[Frame], Lying | None]) -> Review:
    """Judge pictures that were taken before by the same rules, but for what needs two pictures in a row.

    Raises `AlbumError` for a file that is no picture.
    """
    board = album.board()
    refused: list[Refused] = []
    missing: list[Finding] = []
    for part in (
        _review_sheet(album, board),
        _review_bed(album, board, recognise),
        _review_blanks(album, layouts, recognise),
    ):
        for entry in part:
            if isinstance(entry, Refused):
                refused.append(entry)
            else:
                missing.append(entry)
    return Review(tuple(refused), tuple(missing))


def _review_sheet(album: Album, board: Board) -> Iterator[Refused | Finding]:
    views: list[SheetView] = []
    size = (1, 1)
    for frame in album.frames(album.paths("charuco")):
        view, found = judge_sheet(frame, None, board, views)
        if bad(found) or view is None:
            yield Refused(frame.name, tuple(bad(found)))
            continue
        views.append(view)
        size = (frame.grey.shape[1], frame.grey.shape[0])
    yield from bad(variety(views, board, *size).findings())


def _review_bed(album: Album, board: Board, recognise: Callable[[Frame], Lying | None]) -> Iterator[Refused | Finding]:
    kept: list[Frame] = []
    for frame in album.frames(album.paths("bed")):
        found = bad(judge_bed(frame, kept, board, recognise(frame)))
        if found:
            yield Refused(frame.name, tuple(found))
        else:
            kept.append(frame)
    if len(kept) < BED_PICTURES:
        yield Finding(
            "bed", f"{len(kept)} good pictures of the empty bed (at least {BED_PICTURES})", "Take more, into bed/"
        )


def _review_blanks(
    album: Album, layouts: Sequence[Layout], recognise: Callable[[Frame], Lying | None]
) -> Iterator[Refused | Finding]:
    bed = bed_mean(album.frames(album.paths("bed")))
    for layout in layouts:
        for face in FACES:
            good = 0
            for frame in album.frames(album.blank_paths(layout.id, face)):
                found = bad(judge_blank(frame, layout, face, recognise(frame), bed))
                good += not found
                if found:
                    yield Refused(frame.name, tuple(found))
            if not good:
                name = f"blank/blank-{layout.id}-{face}0.jpg"
                yield Finding(
                    "card", f"no good picture of a blank {layout.identity}, {face} up", f"Take one and name it {name}"
                )


def bed_mean(frames: Sequence[Frame]) -> Singles | None:
    """(rows, columns) float32 mean level of pictures of one size; `None` without any."""
    same = [f.grey for f in frames if f.grey.shape == frames[0].grey.shape]
    return np.asarray(np.mean([g.astype(np.float32) for g in same], axis=0), np.float32) if same else None


def _first(album: Album, kind: str) -> Frame | None:
    paths = album.paths(kind)
    return album.frame(paths[0]) if paths else None


def _refused(found: Sequence[Finding], talk: Talk) -> bool:
    """Whether something is wrong, which is then said."""
    wrong = bad(found)
    for finding in wrong:
        talk.say(f"  not kept. {finding}")
    return bool(wrong)


def _figures(found: Sequence[Finding], *topics: str) -> str:
    return "; ".join(str(f) for f in found if f.topic in topics)


def learn_from(album: Album, layouts: Sequence[Layout], found: Review, name: str, camera: str) -> Profile:
    """The profile, from what the review did not refuse.

    Raises `CalibrationError` when something is missing, or when the pictures teach nothing all the same.
    """
    if found.missing:
        told = "\n  ".join(str(f) for f in found.missing)
        raise CalibrationError(
            f"{album.folder}: not enough to learn from:\n  {told}\n"
            "  (with a camera: the same command with --again sheet, bed or blank takes that step's pictures anew)"
        )
    no = {r.name for r in found.refused}

    def good(paths: list[Path]) -> list[Frame]:
        return album.frames([p for p in paths if f"{p.parent.name}/{p.name}" not in no])

    blanks = [BlankCards(y, face, good(album.blank_paths(y.id, face))) for y in layouts for face in FACES]
    return learn(good(album.paths("charuco")), album.board(), good(album.paths("bed")), blanks, name, camera)
