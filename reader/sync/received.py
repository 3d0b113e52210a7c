"""What comes back from the collector, by network or by stick: receipts, and erasures that were asked for elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from reader.store import Store, facts
from reader.store.backup import erase_in_copies, second_medium
from reader.store.outbox import digests, settle
from reader.sync.errors import WireError
from reader.sync.identity import Identity
from reader.sync.wire import Receipt, WireRecord, group, sound_body

COPIES = "sync_copies"
"""The setting that names stories whose words may still be in copies on the second medium."""


def settled(
    store: Store, identity: Identity, receipt: Receipt, mine: Mapping[str, str], ids: Collection[str] | None = None
) -> int | None:
    """How many more records are safe by this receipt; `None` when it is no proof.

    It is one when the collector of our enrolment signed it, for this machine, about exactly these records: all of `mine`
    (record id → digest), or those named by `ids`.
    """
    covered = {i: d for i, d in mine.items() if ids is None or i in ids}
    own = group(receipt.permanence, covered.values())
    if (receipt.machine, receipt.count, receipt.set_digest) != (identity.machine, own.count, own.set_digest):
        return None
    if not covered or not receipt.is_signed_by(identity.enrolled().key):
        return None
    return settle(store, receipt.permanence, list(covered), json.dumps(receipt.to_json()))


def take_receipts(store: Store, identity: Identity, given: Sequence[tuple[Receipt, Collection[str] | None]]) -> int:
    """Settle what these receipts prove; returns how many more records are safe. Others are passed over."""
    total = 0
    for receipt, ids in given:
        total += settled(store, identity, receipt, digests(store, receipt.permanence), ids) or 0
    return total


def take_erasures(store: Store, values: Sequence[object]) -> int:
    """Erase the words that these erasure records name: here, and in the copies on the second medium.

    Returns how many stories lost their words by it. What is no sound erasure of a story of ours is passed over.
    """
    erased = []
    for value in values:
        try:
            record = WireRecord.from_json(value)
            story = sound_body(record).get("record")
        except WireError:
            continue
        if record.kind == "erasure" and _take_erasure(store, record.record, str(story)):
            erased.append(str(story))
    if erased:
        # An open sitting has its file written anew when it is closed; until then it must not wait for us.
        if store.rows("SELECT 1 FROM permanences WHERE NOT closed"):
            store.rows("PRAGMA wal_checkpoint(PASSIVE)")
        else:
            store.tidy()
        store.set(COPIES, json.dumps(sorted({*_in_copies(store), *erased})))
    return len(erased)


def _take_erasure(store: Store, record: facts.Record, story: str) -> bool:
    with store.transaction():
        found = store.rows("SELECT permanence FROM told WHERE id = ?", story)
        if not found or found[0][0] != record.permanence:
            return False
        if not store.rows("SELECT 1 FROM erasures WHERE record = ?", story):
            store.add(record)
        gone = store.connection.execute("DELETE FROM texts WHERE record = ?", (story,)).rowcount
    return bool(gone)


def erase_copies(store: Store) -> str | None:
    """Erase in the copies what is still to be erased there; words for the operator when that has to wait."""
    stories = _in_copies(store)
    if not stories:
        return None
    folder = second_medium(store.path)
    if folder is not None and not Path(folder).is_dir():
        return f"{len(stories)} erased stories may still be in the copies in {folder}: connect it and sync again"
    for story in stories if folder is not None else ():
        assert folder is not None
        erase_in_copies(folder, story)
    store.set(COPIES, "[]")
    return None if folder is not None else "stories were erased; erase them in any copies made elsewhere too"


def _in_copies(store: Store) -> list[str]:
    return list(json.loads(store.setting(COPIES) or "[]"))
