"""What can be said of records without a database: what a batch holds, and which of it is sound. Safe in any process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from reader.collector import api, body
from reader.collector.shapes import check
from reader.processes import fresh
from reader.sync.errors import WireError
from reader.sync.wire import WireRecord, sound_body

log = logging.getLogger("logicienne.collector")

SMALL_BYTES = 32 * 1024
"""A request up to this size, as it came, is checked sooner than another process has been asked: an evening's cards."""


@dataclass(frozen=True)
class Refused:
    """A record that was not kept, by its id ('' when it has none that can be read), and why."""

    id: str
    why: str


@dataclass(frozen=True)
class Batch:
    """One request's records. machine: who says that they are its own; nobody has looked yet whether that is so."""

    machine: str
    sound: Sequence[WireRecord]
    refused: Sequence[Refused]


def sorted_out(records: Iterable[WireRecord]) -> tuple[list[WireRecord], list[Refused]]:
    """Those that are what they say and can be understood, and the others."""
    sound, refused = [], []
    for record in records:
        try:
            check(record, sound_body(record))
            sound.append(record)
        except WireError as error:
            refused.append(Refused(record.id, str(error)))
    return sound, refused


def parsed(values: Iterable[object]) -> tuple[list[WireRecord], list[Refused]]:
    """Records of JSON values, and those that are none: one bad record never loses the others."""
    records, refused = [], []
    for value in values:
        try:
            records.append(WireRecord.from_json(value))
        except WireError as error:
            named = value.get("id") if isinstance(value, dict) else None
            refused.append(Refused(named[:36] if isinstance(named, str) else "", str(error)))
    return records, refused


def read_batch(raw: bytes, packed: bool) -> Batch:
    """The records of a request's body. Raises `WireError` and `Refusal` when it is no batch at all."""
    given = api.parse(api.RecordsRequest, body.unpacked(raw) if packed else raw)
    records, formless = parsed(given.records)
    sound, refused = sorted_out(records)
    return Batch(given.machine, sound, [*formless, *refused])


class Checkers:
    """Reads batches, large ones in other processes: checking records costs more than keeping them.

    Threads may share it.
    """

    def __init__(self, processes: int) -> None:
        """processes: at most so many; a single one would only be this one's work done elsewhere, and is not started."""
        self._count = processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def read(self, raw: bytes, packed: bool) -> Batch:
        """See `read_batch`."""
        if self._count < 2 or len(raw) <= SMALL_BYTES:
            return read_batch(raw, packed)
        with self._lock:
            pool = self._pool = self._pool or fresh(self._count)
        try:
            return pool.submit(read_batch, raw, packed).result()
        except BrokenProcessPool:
            # Somebody ended one, the system for want of memory perhaps. What came in is still here.
            log.warning("a process that checks records was ended; going on without it")
            self._drop(pool)
            return read_batch(raw, packed)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        broken.shutdown(wait=False)
