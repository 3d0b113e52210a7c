"""Bundles from a stick or a shared folder: taken like what comes over the network, and answered on the same stick."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from reader.collector.checking import Refused
from reader.collector.erasures import pending
from reader.collector.errors import Denied
from reader.collector.ingest import Taken, claim, ingest
from reader.collector.keys import Collector
from reader.collector.machines import public_key
from reader.sync.bundle import Bundle, open_bundle
from reader.sync.errors import WireError
from reader.sync.stick import bundles, write_receipts
from reader.sync.wire import FORK, Receipt, lesser


@dataclass(frozen=True)
class Opened:
    """One file: what became of its records, or in words why it was left alone."""

    path: Path
    machine: str
    taken: Taken | None
    why: str = ""


@dataclass(frozen=True)
class Given:
    """What goes back to a machine. receipts: each with the ids of the records it covers."""

    receipts: list[tuple[Receipt, list[str]]]
    refused: list[Refused]


def take(collector: Collector, folder: Path) -> list[Opened]:
    """Take every sound bundle of a folder, again if need be, and lay receipts beside. Nothing there is changed or deleted.

    Raises `SyncError` when the folder cannot be read or written, `CollectorError` when nothing can be kept.
    """
    opened: list[Opened] = []
    answers: dict[str, Given] = defaultdict(lambda: Given([], []))
    for path in bundles(folder):
        try:
            bundle = open_bundle(path, collector.keys.identity, lambda machine: _key(collector, machine))
            taken = ingest(collector.database, bundle.machine, bundle.records)
        except (WireError, Denied) as error:
            why = str(error)
            opened.append(Opened(path, "", None, why if why.startswith(path.name) else f"{path.name}: {why}"))
            continue
        _answer(collector, bundle, taken, answers[bundle.machine])
        opened.append(Opened(path, bundle.machine, taken))
    for machine, given in answers.items():
        unheard = collector.database.read(lambda session, machine=machine: pending(session, machine))  # type: ignore[misc]
        refused = [(r.id, r.why) for r in given.refused]
        write_receipts(folder, machine, collector.keys.signing, given.receipts, unheard, refused)
    return opened


def _key(collector: Collector, machine: str) -> str | None:
    try:
        return public_key(collector.database, machine)
    except Denied as denied:
        if denied.status == 401:
            return None
        raise


def _answer(collector: Collector, bundle: Bundle, taken: Taken, given: Given) -> None:
    """Receipts for what the bundle claims, without what was refused."""
    refused = [*taken.refused, *(Refused(record_id, FORK) for record_id in taken.forks)]
    given.refused.extend(refused)
    without = {r.id for r in refused}
    claims = [lesser(c, without) for c in bundle.claims if c.digests is not None]
    receipts, _ = claim(collector, bundle.machine, [c for c in claims if c.count])
    covers = {(c.permanence, c.set_digest): list(c.digests or ()) for c in claims}
    given.receipts.extend((r, covers[r.permanence, r.set_digest]) for r in receipts)
