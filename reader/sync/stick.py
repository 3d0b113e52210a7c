"""A folder on a stick, or one that is shared: bundles go there, receipts come back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cards.files import synced
from reader.store import Store, facts
from reader.store.outbox import adopt, digests, ready, refuse, with_words
from reader.sync import identity as identities
from reader.sync.bundle import NAME, file_name, pack
from reader.sync.errors import SyncError, WireError
from reader.sync.identity import Identity
from reader.sync.received import erase_copies, take_erasures, take_receipts
from reader.sync.sign import Key, verified
from reader.sync.wire import Claim, Receipt, WireRecord, claim_of, lots

FORMAT, VERSION = "logicienne-receipts", 1
FILE_BYTES_MAX = 64 * 2**20
RECORDS = 20_000
"""In one bundle, unless a single permanence has more."""
CARRIED = "sync_carried"
"""The setting that tells what lies in which folder, so that no visit writes the same once more."""


@dataclass(frozen=True)
class Carried:
    """What one visit of a stick did. files: the bundles written; records: in them; safe: by the receipts found."""

    files: tuple[Path, ...]
    records: int
    safe: int
    notes: tuple[str, ...] = ()


def carry(store: Store, folder: Path) -> Carried:
    """Read the receipts that lie in a folder, and write there whatever no receipt covers. Raises `SyncError`."""
    identity = identities.load(store.path)
    adopt(store, identity.machine, identity.enrolled().key)
    if not folder.is_dir():
        raise SyncError(f"{folder}: not there; is the stick in?")
    safe, notes = read_receipts(store, identity, folder)
    # Whole permanences, so that whoever takes the bundle can answer for one even if he has nothing of it yet.
    claims = [claim_of(p, digests(store, p)) for p in ready(store)]
    files, records = _write_what_is_new(store, identity, folder, claims)
    if note := erase_copies(store):
        notes.append(note)
    return Carried(files, records, safe, tuple(notes))


def _write_what_is_new(
    store: Store, identity: Identity, folder: Path, claims: Sequence[Claim]
) -> tuple[tuple[Path, ...], int]:
    """Bundles of these claims, unless just that lies there already; what an earlier visit left there makes room."""
    before = json.loads(store.setting(CARRIED) or "{}")
    here = before.get(str(folder.absolute()), {"digest": "", "files": []})
    digest = facts.set_digest([f"{c.permanence} {c.set_digest}" for c in claims]) if claims else ""
    old = [folder / name for name in here["files"]]
    if digest == here["digest"] and all(path.exists() for path in old):
        return (), 0
    files = []
    for lot in lots(claims, RECORDS):
        ids = [i for c in lot for i in c.digests or ()]
        found = (WireRecord(r.id, r.kind, r.permanence, r.body, r.digest, t, s) for r, t, s in with_words(store, ids))
        target = folder / file_name(identity)
        write_safely(target, pack(identity, lot, found))
        files.append(target)
    store.set(
        CARRIED,
        json.dumps({**before, str(folder.absolute()): {"digest": digest, "files": [f.name for f in files]}}),
    )
    # What the older ones held is safe by now, or in the new ones as well.
    for path in old:
        _remove(path)
    return tuple(files), sum(c.count for c in claims)


def write_safely(target: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, and read it back from the medium. Raises `SyncError`."""
    part = target.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _compare(part, content)
        part.replace(target)
        synced(target.parent)
    except OSError as error:
        _remove(part)
        if isinstance(error, SyncError):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise SyncError(
                f"{target.parent}: no room for {len(content) / 1e6:.1f} MB; take away older files, or use another stick"
            ) from error
        raise SyncError(
            f"{target.parent}: cannot be written ({error.strerror}); was the stick pulled out? Put it in and do this "
            "again; nothing is lost"
        ) from error


def _compare(part: Path, content: bytes) -> None:
    handle = os.open(part, os.O_RDONLY)
    try:
        if hasattr(os, "posix_fadvise"):
            # Not what the computer remembers, but what the stick does.
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        with os.fdopen(os.dup(handle), "rb") as file:
            there = hashlib.file_digest(file, "sha256").digest()
    finally:
        os.close(handle)
    if there != hashlib.sha256(content).digest():
        raise SyncError(f"{part.parent}: does not give back what was written to it; use another stick")


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return


# --- for whoever takes bundles ----------------------------------------------------------------------------------------


def bundles(folder: Path) -> list[Path]:
    """The files in a folder that are named like bundles, in the order of their names. Raises `SyncError`."""
    try:
        return sorted(p for p in folder.iterdir() if NAME.fullmatch(p.name) and p.is_file())
    except OSError as error:
        raise SyncError(f"{folder}: cannot be read ({error.strerror}); is the stick in?") from error


def receipts_path(folder: Path, machine: str) -> Path:
    """Where the receipts for a machine lie."""
    return folder / f"logicienne-receipts-{machine}.json"


def write_receipts(
    folder: Path,
    machine: str,
    key: Key,
    receipts: Sequence[tuple[Receipt, Sequence[str]]],
    erasures: Sequence[WireRecord] = (),
    refused: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write what travels back to a machine, signed as a whole by the collector's `key`.

    receipts: each with the ids of the records it covers. erasures: of stories of this machine, asked for elsewhere.
    refused: (record id, why). What lies there for this machine from before is replaced. Raises `SyncError`.
    """
    value: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "machine": machine,
        "receipts": [{"receipt": r.to_json(), "records": sorted(ids)} for r, ids in receipts],
        "erasures": [e.to_json() for e in erasures],
        "refused": [{"id": i, "why": why} for i, why in refused],
    }
    target = receipts_path(folder, machine)
    write_safely(target, facts.canonical({**value, "signature": key.sign(value)}).encode())
    return target


def read_receipts(store: Store, identity: Identity, folder: Path) -> tuple[int, list[str]]:
    """(how many more records are safe, notes) by the receipts that lie in a folder; none is fine."""
    path = receipts_path(folder, identity.machine)
    try:
        if not path.exists():
            return 0, []
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WireError("larger than any receipts")
        value = json.loads(path.read_bytes())
        receipts, erasures, refused = _receipts(value, identity)
    except OSError as error:
        return 0, [f"{path.name}: cannot be read ({error.strerror}); nothing is called safe by it"]
    except (ValueError, RecursionError) as error:
        return 0, [f"{path.name}: {_plain(error)}; nothing is called safe by it"]
    safe, notes = take_receipts(store, identity, receipts), []
    refuse(store, refused)
    if erased := take_erasures(store, erasures):
        notes.append(f"the words of {erased} stories were erased, as the organisation asked")
    return safe, notes


def _receipts(
    value: Any, identity: Identity
) -> tuple[list[tuple[Receipt, frozenset[str]]], list[object], dict[str, str]]:
    if not isinstance(value, dict) or value.get("format") != FORMAT or value.get("version") != VERSION:
        raise WireError("no receipts")
    unsigned = {name: part for name, part in value.items() if name != "signature"}
    if not verified(identity.enrolled().key, unsigned, str(value.get("signature"))):
        raise WireError("not signed by our collector")
    receipts = [(Receipt.from_json(r["receipt"]), frozenset(r["records"])) for r in value["receipts"]]
    return receipts, list(value["erasures"]), {r["id"]: r["why"] for r in value["refused"]}


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, WireError) else "cut off, or damaged"
