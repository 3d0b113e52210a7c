"""A disk in memory that remembers what was written and what was synced, and can be cut off at any instant.

An apsw file system: every write, truncate, sync and delete is logged. From a log, `states` builds what a power cut could
leave: what was synced, plus nothing, all, a prefix, or a random part of what was not, torn at 512 bytes, and with
sectors of garbage. The controls in `reader.store`'s tests show that it finds what a careless store loses.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw

SECTOR = 512
GARBAGE_SHARE = 0.05
Files = dict[str, bytearray]


@dataclass(frozen=True)
class Write:
    """Bytes at an offset of a file, not yet synced; `data is None`: the file was cut to `offset`."""

    name: str
    offset: int
    data: bytes | None


@dataclass
class Disk:
    """files: as the program sees them. safe: as they surely are on the medium. pending: since then, in order.

    lies: `sync` does nothing, as cheap cards do.
    """

    lies: bool = False
    files: Files = field(default_factory=dict)
    safe: Files = field(default_factory=dict)
    pending: list[Write] = field(default_factory=list)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """The program writes."""
        _apply(self.files, Write(name, offset, data))
        self.pending.append(Write(name, offset, data))

    def truncate(self, name: str, size: int) -> None:
        """The program shortens a file."""
        _apply(self.files, Write(name, size, None))
        self.pending.append(Write(name, size, None))

    def sync(self, name: str) -> None:
        """The program asks for a file to be on the medium."""
        if self.lies:
            return
        mine = [w for w in self.pending if w.name == name]
        self.pending = [w for w in self.pending if w.name != name]
        self.safe.setdefault(name, bytearray())
        for w in mine:
            _apply(self.safe, w)

    def delete(self, name: str) -> None:
        """The program deletes a file; the folder is synced with it (a journal's removal is a commit)."""
        self.files.pop(name, None)
        self.safe.pop(name, None)
        self.pending = [w for w in self.pending if w.name != name]

    def states(self, rng: random.Random, count: int) -> Iterator[Files]:
        """What a power cut at this instant could leave: nothing, all, and `count` random ones in between."""
        yield _copy(self.safe)
        yield self._after(self.pending)
        for k in range(count):
            if k % 2:
                yield self._after(self.pending[: rng.randint(0, len(self.pending))])
            else:
                yield self._torn(rng)

    def _after(self, writes: list[Write]) -> Files:
        files = _copy(self.safe)
        for w in writes:
            _apply(files, w)
        return files

    def _torn(self, rng: random.Random) -> Files:
        files = _copy(self.safe)
        for w in self.pending:
            if w.data is None:
                if rng.random() < 0.5:
                    _apply(files, w)
                continue
            for at in range(0, len(w.data), SECTOR):
                chance = rng.random()
                sector = w.data[at : at + SECTOR]
                if chance < GARBAGE_SHARE:
                    _apply(files, Write(w.name, w.offset + at, rng.randbytes(len(sector))))
                elif chance < 0.55:
                    _apply(files, Write(w.name, w.offset + at, sector))
        return files


def _apply(files: Files, write: Write) -> None:
    content = files.setdefault(write.name, bytearray())
    if write.data is None:
        del content[write.offset :]
        return
    if len(content) < write.offset:
        content.extend(bytes(write.offset - len(content)))
    content[write.offset : write.offset + len(write.data)] = write.data


def _copy(files: Files) -> Files:
    return {name: bytearray(content) for name, content in files.items()}


class _File:
    """One open file, as apsw wants it."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.disk, self.name = disk, name
        disk.files.setdefault(name, bytearray())

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self.disk.files.get(self.name, b"")[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.write(self.name, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self.disk.truncate(self.name, size)

    def xSync(self, flags: int) -> None:
        self.disk.sync(self.name)

    def xFileSize(self) -> int:
        return len(self.disk.files.get(self.name, b""))

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        # Sectors are torn here, so the power-safe overwrite that SQLite otherwise assumes is not promised.
        return 0


class _System(apsw.VFS):
    """The disk as an SQLite file system of its own name."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.disk = disk
        super().__init__(name, "", iVersion=1)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else (name or "temp")
        return _File(self.disk, path)

    def xDelete(self, name: str, syncdir: bool) -> None:
        self.disk.delete(name)

    def xAccess(self, name: str, flags: int) -> bool:
        return name in self.disk.files

    def xFullPathname(self, name: str) -> str:
        return name


class Connection:
    """An apsw connection that answers as one of `sqlite3` does."""

    def __init__(self, system: _System, name: str) -> None:
        self._system = system  # apsw forgets a file system that nobody holds
        self._inner = apsw.Connection("store", vfs=name)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._inner.in_transaction

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Run one statement, lazily as `sqlite3` does."""
        return _Cursor(self._inner.execute(sql, tuple(values or ())))

    def close(self) -> None:
        """Close, without the checkpoint that a program which was cut off never made."""
        self._inner.close(True)


class _Cursor:
    """What `execute` returns."""

    description = ()

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def fetchall(self) -> list[Any]:
        return list(self._inner)

    def fetchone(self) -> Any:
        return next(iter(self._inner), None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inner)


def open_on(disk: Disk, name: str) -> Connection:
    """A connection to the file `store` on the disk."""
    connection = Connection(_System(disk, name), name)
    # A write-ahead log without shared memory needs the file for itself.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


def disk_of(files: Files) -> Disk:
    """A disk after the power came back."""
    return Disk(files=_copy(files), safe=_copy(files))
