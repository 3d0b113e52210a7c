"""Second copies: made while the store is in use, verified before they count, and taking over when it is damaged."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cards.files import synced
from reader.store import facts
from reader.store.errors import StoreError, explained
from reader.store.opening import BUSY_S, open_store
from reader.store.store import Store

KEEP = 14
"""Copies kept on a medium; older ones make room."""
MAX_BYTES = 64 * 2**30
"""No store is larger; a damaged header may say anything."""
SLICES = 4096
"""A damaged table is read in so many parts, by the first three letters of its keys."""
NAME = re.compile(r"logicienne-\d{4}-\d{2}-\d{2}-\d{4}\.db")


@dataclass(frozen=True)
class Recovery:
    """What took over. `salvaged`: records saved from the damaged file that the copy did not have."""

    set_aside: Path
    copy: Path | None
    records: int
    salvaged: int


def backup(store: Store, folder: Path, day: date | None = None) -> Path:
    """A copy of the store in `folder`, whole and verified, or an error and no copy. Raises `StoreError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); is the second medium there?") from error
    target = _free_name(folder, day or date.today())
    part = folder / f".{target.name}.part"
    try:
        _copy(store, part)
        synced(part)
        part.replace(target)
        synced(folder)
    except OSError as error:
        raise StoreError(
            f"{folder}: the copy could not be written ({error.strerror or error}); is there room?"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    for old in copies(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return target


def copies(folder: Path) -> list[Path]:
    """The copies in a folder, newest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if NAME.fullmatch(p.name)), reverse=True)


def _free_name(folder: Path, day: date) -> Path:
    # Always after the last one, or a new copy would be the first to make room for others.
    taken = [int(p.stem[-4:]) for p in copies(folder) if p.stem[11:21] == day.isoformat()]
    return folder / f"logicienne-{day.isoformat()}-{max(taken, default=-1) + 1:04d}.db"


def _copy(store: Store, part: Path) -> None:
    with explained(store.path), closing(sqlite3.connect(part, isolation_level=None)) as copy:
        with closing(sqlite3.connect(store.path, timeout=BUSY_S)) as source:
            source.backup(copy)
        # One file, without a journal beside it: people copy files one by one.
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        problem = fault(copy)
        if problem is not None:
            raise StoreError(
                f"{part.parent}: the copy is not sound ({problem}); check the medium, and the store itself"
            )


def fault(connection: sqlite3.Connection) -> str | None:
    """What is wrong with a store's file or records; `None` when all is sound."""
    try:
        (first,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if first != "ok":
            return str(first)
        for row in connection.execute("SELECT id, kind, permanence, body, digest FROM records"):
            if not facts.is_sound(facts.Record(*row)):
                return f"record {row[0]} is not what its digest says"
    except sqlite3.DatabaseError as error:
        return str(error)
    return None


def erase_in_copies(folder: Path, story: str) -> int:
    """Erase a story's words in every copy of a folder; returns in how many they were."""
    found = 0
    for path in copies(folder):
        with explained(path), closing(sqlite3.connect(path, isolation_level=None)) as copy:
            copy.execute("PRAGMA secure_delete = ON").fetchall()
            if copy.execute("DELETE FROM texts WHERE record = ?", (story,)).rowcount:
                found += 1
                copy.execute("VACUUM")
        synced(path)
    return found


def second_medium(path: Path) -> Path | None:
    """The folder for the store's copies, as set; it is noted beside the store, where damage to the store cannot hide it."""
    try:
        return Path(_note(path).read_text(encoding="utf-8").strip())
    except OSError:
        return None


def set_second_medium(path: Path, folder: Path) -> None:
    """From now on copies go there when a permanence closes. Raises `StoreError`."""
    try:
        _note(path).write_text(f"{folder.absolute()}\n", encoding="utf-8")
        synced(_note(path))
    except OSError as error:
        raise StoreError(f"{_note(path)}: cannot be written ({error.strerror})") from error


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.copies")


def is_damaged(path: Path) -> str | None:
    """Why the store's file cannot be trusted; `None` when it can, or is not there."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return fault(connection) if version else None
    except sqlite3.DatabaseError as error:
        return str(error)


def recover(path: Path, folder: Path | None) -> Recovery:
    """Set a damaged store aside; the newest sound copy takes over, with every sound record that can be salvaged.

    Nothing is deleted. Raises `StoreError` when the place cannot be written.
    """
    aside = _aside(path)
    try:
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(f"{path}: cannot be set aside ({error.strerror})") from error
    copy = next((c for c in copies(folder) if is_damaged(c) is None), None) if folder else None
    if copy is not None:
        with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
    with open_store(path) as store, _scratch(aside) as scratch:
        known = {i for (i,) in store.rows("SELECT id FROM records")}
        saved = [record for record in _salvage(scratch) if record.id not in known]
        with store.transaction():
            for record in saved:
                store.database.execute(
                    "INSERT OR IGNORE INTO records (id, kind, permanence, body, digest) VALUES (?, ?, ?, ?, ?)",
                    (record.id, record.kind, record.permanence, record.body, record.digest),
                )
                # Sent before or not: sending twice is harmless.
                store.database.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?)", (record.permanence, record.id))
        records = store.rebuild()
        _salvage_words(scratch, store)
    return Recovery(aside, copy, records, len(saved))


def _aside(path: Path) -> Path:
    for k in range(1000):
        candidate = path.with_name(f"{path.name}.damaged-{k:03d}")
        if not candidate.exists():
            return candidate
    raise StoreError(f"{path}: too many damaged files beside it; move them elsewhere")


@contextmanager
def _scratch(aside: Path) -> Iterator[Path]:
    """A copy of the damaged file to read from, made as long as its header says: SQLite refuses a shorter one outright."""
    with tempfile.TemporaryDirectory(dir=aside.parent) as folder:
        scratch = Path(folder) / "scratch.db"
        for suffix in ("", "-wal"):
            part = aside.with_name(aside.name + suffix)
            if part.exists():
                shutil.copyfile(part, scratch.with_name(scratch.name + suffix))
        with scratch.open("r+b") as file:
            header = file.read(100)
            if header.startswith(b"SQLite format 3\0"):
                page = int.from_bytes(header[16:18], "big")
                size = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
                if file.seek(0, 2) < size <= MAX_BYTES:
                    file.truncate(size)
        yield scratch


def _salvage(path: Path) -> Iterator[facts.Record]:
    """Every sound record that can still be read."""
    for row in _readable(path, "records", "id", "id, kind, permanence, body, digest"):
        record = facts.Record(*row)  # type: ignore[arg-type]  # a kind is known by its digest
        if facts.is_sound(record):
            yield record


def _salvage_words(path: Path, store: Store) -> None:
    wanted = {i for (i,) in store.rows("SELECT id FROM stories WHERE text IS NULL AND NOT erased")}
    rows = [row for row in _readable(path, "texts", "record", "record, text, salt") if row[0] in wanted]
    with store.transaction():
        for row in rows:
            store.database.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", row)


def _readable(path: Path, table: str, key: str, columns: str) -> Iterator[tuple[str, ...]]:
    """Rows of a damaged table, each once: looked up by the first letters of their keys, so that one bad page hides its
    own rows only."""
    seen: set[str] = set()
    connection = sqlite3.connect(path)
    for first in range(SLICES):
        low, high = f"{first:03x}", f"{first + 1:03x}" if first + 1 < SLICES else "~"
        if first == 0:
            low = ""
        sql = f"SELECT {columns} FROM {table} WHERE {key} >= ? AND {key} < ? ORDER BY {key}"  # noqa: S608
        for order in ("ASC", "DESC"):
            try:
                for row in connection.execute(f"{sql} {order}", (low, high)):
                    if all(isinstance(v, str) for v in row) and row[0] not in seen:
                        seen.add(row[0])
                        yield row
                break
            except sqlite3.DatabaseError:
                # What this connection knows of the file is no longer to be trusted.
                connection.close()
                connection = sqlite3.connect(path)
    connection.close()
