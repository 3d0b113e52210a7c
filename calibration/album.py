"""The pictures of a calibration, in a folder: what is there is done, so that an interrupted calibration goes on.

DIR/charuco/view-00.png …  board.json     the sheet, held in many ways
DIR/bed/bed-0.png …                       the empty bed
DIR/blank/blank-<layout>-<face><n>.png    unpunched cards, by layout and face
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from calibration.lens import Board
from cards.errors import LogicienneError
from device.frame import Frame, PictureError, decode_picture

KINDS = ("charuco", "bed", "blank")
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
BLANK = re.compile(r"blank-(?P<layout>.+)-(?P<face>front|back)\d+$")


class AlbumError(LogicienneError, OSError):
    """Calibration pictures that cannot be read or kept."""


@dataclass(frozen=True)
class Album:
    """A folder of calibration pictures."""

    folder: Path

    def paths(self, kind: str) -> list[Path]:
        """The pictures of one kind, by name."""
        folder = self.folder / kind
        if not folder.is_dir():
            return []
        found = (p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and not p.name.startswith("."))
        return sorted(found)

    def blank_paths(self, layout: str, face: str) -> list[Path]:
        """The blank cards of one layout (its id) and face."""
        return [p for p in self.paths("blank") if blank_of(p) == (layout, face)]

    def frames(self, paths: list[Path]) -> list[Frame]:
        """The pictures. Raises `AlbumError` naming the one that cannot be read."""
        return [self.frame(path) for path in paths]

    def frame(self, path: Path) -> Frame:
        """One picture, named as in the folder. Raises `AlbumError`."""
        try:
            return decode_picture(path.read_bytes(), f"{path.parent.name}/{path.name}")
        except (OSError, PictureError) as error:
            raise AlbumError(f"{path}: cannot be read ({error}); take it out of the folder and take it anew") from error

    def keep(self, kind: str, stem: str, frame: Frame) -> Path:
        """Write a picture without loss, whole or not at all; numbered after those that are there."""
        folder = self.folder / kind
        used = {p.stem for p in self.paths(kind)}
        number = next(n for n in range(10_000) if f"{stem}{n}" not in used and f"{stem}{n:02d}" not in used)
        path = folder / f"{stem}{number:02d}.png" if kind == "charuco" else folder / f"{stem}{number}.png"
        image = frame.colour if frame.colour is not None else frame.grey
        done, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise AlbumError(f"{path}: the camera's picture cannot be written as PNG; set another format on the camera")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = folder / f".{path.name}.part"
            half.write_bytes(data.tobytes())
            half.replace(path)
        except OSError as error:
            raise AlbumError(
                f"{path}: cannot be written ({error.strerror}); choose another folder with --to"
            ) from error
        return path

    def forget(self, kind: str) -> int:
        """Throw the pictures of one kind away, to take them anew; how many."""
        paths = self.paths(kind)
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise AlbumError(f"{path}: cannot be thrown away ({error.strerror}); remove it by hand") from error
        return len(paths)

    def board(self) -> Board:
        """The sheet that the views show: `charuco/board.json`, else the one that we print. Raises `AlbumError`."""
        path = self.folder / "charuco" / "board.json"
        if not path.is_file():
            return Board()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            board = Board(
                int(found["squares_x"]),
                int(found["squares_y"]),
                float(found["square_mm"]),
                float(found["marker_mm"]),
                str(found["dictionary"]),
            )
            board.make()
        except (OSError, ValueError, TypeError, KeyError, cv2.error) as error:
            wanted = "squares_x, squares_y, square_mm, marker_mm, dictionary (DICT_5X5_100)"
            raise AlbumError(f"{path}: not a board ({error}); it must hold {wanted}") from error
        return board

    def keep_board(self, board: Board) -> None:
        """Note which sheet is used. Raises `AlbumError`."""
        folder = self.folder / "charuco"
        text = json.dumps(asdict(board), indent=1)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "board.json").write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise AlbumError(
                f"{folder}: cannot be written ({error.strerror}); choose another folder with --to"
            ) from error


def blank_of(path: Path) -> tuple[str, str] | None:
    """(layout id, face) that a blank card's file name tells; `None` for another name."""
    found = BLANK.search(path.stem)
    return (found["layout"], found["face"]) if found else None
