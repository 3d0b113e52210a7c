"""A watched folder: a scanner or a phone drops pictures there, each of which is one card.

A file is taken when it is whole: its size and time stand still for `settle` seconds, and it decodes. A file that does
not is named once and looked at again when it changes; nothing is ever moved, renamed or deleted. Whoever keeps the
cards knows by the bytes' digest what was counted before a restart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from device.frame import Frame, PictureError, decode_picture
from device.source import Options, Source, SourceError, one_of

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
IN_THE_MAKING = (".part", ".tmp", ".crdownload", ".partial", ".filepart")
"""How programs call a file that they still write; it gets its name when it is whole."""
SETTLE_S = 0.5
POLL_S = 0.1
FILE_MAX_BYTES = 200_000_000
"""No scan of a card is larger; somebody dropped a film."""

Stamp = tuple[int, int, int]


@dataclass
class _Watched:
    stamp: Stamp
    since_s: float
    done: bool = False


class Folder(Source):
    """See the module. `once`: it ends when every picture that lies there was given."""

    one_card_each = True

    def __init__(self, folder: Path, settle_s: float = SETTLE_S, once: bool = False) -> None:
        super().__init__(f"folder {folder}")
        self.folder, self._settle_s, self._once = folder, settle_s, once
        self._files: dict[str, _Watched] = {}

    def wait(self, timeout_s: float) -> Frame | None:
        """The oldest picture that is whole and was not given yet."""
        until = time.monotonic() + timeout_s
        while True:
            frame = self._next()
            if frame is not None or self.ended:
                return frame
            left = until - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(POLL_S, left))

    def _next(self) -> Frame | None:
        try:
            waiting = self._look()
        except OSError as error:
            self.problem = f"{self.folder}: cannot be looked into ({error.strerror}); waiting for it"
            return None
        if self.problem:
            self.problem = None
            self.notice(f"{self.folder}: there again")
        for path in waiting:
            self._files[path.name].done = True
            frame = self._open(path)
            if frame is not None:
                return frame
        self.ended = self._once and all(w.done for w in self._files.values())
        return None

    def _look(self) -> list[Path]:
        """Files that stand still and are new, oldest first."""
        now = time.monotonic()
        ready: list[tuple[int, str, Path]] = []
        present = set()
        for path, stamp in self._listed():
            present.add(path.name)
            known = self._files.get(path.name)
            if known is None or known.stamp != stamp:
                self._files[path.name] = known = _Watched(stamp, now)
            if not known.done and now - known.since_s >= self._settle_s:
                ready.append((stamp[1], path.name, path))
        # A name that is gone may come again with another card.
        self._files = {name: w for name, w in self._files.items() if name in present}
        return [path for _, _, path in sorted(ready)]

    def _listed(self) -> Iterator[tuple[Path, Stamp]]:
        for path in self.folder.iterdir():
            if path.name.startswith((".", "~")) or path.suffix.lower() in IN_THE_MAKING:
                continue
            try:
                found = path.stat()
            except OSError:
                continue  # gone again between the list and the look
            if path.is_file():
                yield path, (found.st_size, found.st_mtime_ns, found.st_ino)

    def _open(self, path: Path) -> Frame | None:
        if path.suffix.lower() not in PICTURES:
            self.notice(f"{path}: not a picture by its name; left where it is (pictures end in {', '.join(PICTURES)})")
            return None
        try:
            if path.stat().st_size > FILE_MAX_BYTES:
                raise PictureError(f"{path.name}: larger than {FILE_MAX_BYTES // 1_000_000} MB; scan at 300 dpi")
            return decode_picture(path.read_bytes(), path.name)
        except PictureError as error:
            self.notice(f"{path.parent}/{error}; left where it is, and looked at again when it changes")
        except OSError as error:
            self.notice(f"{path}: cannot be opened ({error.strerror}); looked at again when it changes")
        return None


def make(where: str, options: Options) -> Source:
    """`folder:DIR?settle=0.5&once=yes`."""
    if not where:
        raise SourceError(f"{options.spec}: which folder? Write folder:scans/")
    once = options.take("once", "no", one_of("yes", "no"))
    return Folder(Path(where), options.take("settle", SETTLE_S, float, 0, 60), once == "yes")
