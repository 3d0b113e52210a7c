"""A bundle: the same records as over the network, in one file for a stick or a shared folder.

Outside it is encrypted to the organisation (age), so that a lost stick tells nothing. Inside is gzip of JSON lines: a
header, the records, and a trailer with the machine's signature over all before it. See docs/sync.md.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import secrets
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reader.store import facts
from reader.sync.errors import SyncError, WireError
from reader.sync.identity import Identity
from reader.sync.sign import verified
from reader.sync.wire import MACHINE, Claim, WireRecord

try:
    import pyrage
except ModuleNotFoundError as error:
    raise SyncError("bundles need two more libraries; install them: pip install 'logicienne[sync]'") from error

FORMAT, VERSION = "logicienne-bundle", 1
NAME = re.compile(r"logicienne-(?P<machine>[0-9a-f]{12})-[0-9a-f]{12}\.bundle")
"""Letters that every file system knows, FAT too."""
RECORDS_MAX = 100_000
"""In one bundle."""
FILE_BYTES_MAX = 512 * 2**20
INSIDE_BYTES_MAX = 2 * 2**30
"""After decompression; anybody who knows the organisation's public key can write a bomb."""
LINE_BYTES_MAX = 8 * 2**20


@dataclass(frozen=True)
class Bundle:
    """A bundle that was whole and signed. claims: what the machine holds of each permanence in it, record by record."""

    machine: str
    organisation: str
    claims: tuple[Claim, ...]
    records: tuple[WireRecord, ...]


def file_name(identity: Identity) -> str:
    """A new bundle's name: it says whose it is, and nothing of when or where."""
    return f"logicienne-{identity.machine}-{secrets.token_hex(6)}.bundle"


def pack(identity: Identity, claims: Iterable[Claim], records: Iterable[WireRecord]) -> bytes:
    """A bundle's bytes, encrypted to the organisation this machine is enrolled with."""
    collector = identity.enrolled()
    header = {
        "format": FORMAT,
        "version": VERSION,
        "machine": identity.machine,
        "organisation": collector.organisation,
        "epoch": identity.epoch,
        "groups": [replace(c, digests=None).to_json() for c in claims],
    }
    sha, count, inside = hashlib.sha256(), 0, io.BytesIO()
    with gzip.GzipFile(fileobj=inside, mode="wb", mtime=0) as out:
        line = _line(header)
        sha.update(line)
        out.write(line)
        for record in records:
            line = _line(record.to_json())
            sha.update(line)
            out.write(line)
            count += 1
        seal = _seal(identity.machine, count, sha.hexdigest())
        out.write(_line({**seal, "signature": identity.private.sign(seal)}))
    try:
        recipient = pyrage.x25519.Recipient.from_str(collector.recipient)
    except pyrage.RecipientError as error:
        raise SyncError("the organisation's key is none; enrol anew: logicienne sync enrol URL CODE") from error
    return bytes(pyrage.encrypt(inside.getvalue(), [recipient]))


def open_bundle(path: Path, identity: str, key_of: Callable[[str], str | None]) -> Bundle:
    """The bundle in a file, or `WireError` in plain words and nothing of it.

    identity: the organisation's age identity (AGE-SECRET-KEY-…). key_of: machine's id → its public key; `None` for a
    machine that is not enrolled. A bundle that was cut, changed, or made by somebody else is refused as a whole.
    """
    name = path.name
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WireError(f"{name}: larger than any bundle; not ours")
        sealed = path.read_bytes()
    except OSError as error:
        raise WireError(f"{name}: cannot be read ({error.strerror}); is the stick still there?") from error
    try:
        inside = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)])
    except pyrage.DecryptError as error:
        raise WireError(f"{name}: {_not_for_us(sealed, str(error))}") from error
    try:
        return _read(inside, key_of)
    except (EOFError, OSError, zlib.error) as error:
        raise WireError(f"{name}: cut off, or damaged; have the machine write it again") from error
    except WireError as error:
        raise WireError(f"{name}: {error}") from error


def _not_for_us(sealed: bytes, said: str) -> str:
    if not sealed:
        return "empty; the stick was pulled out, or was full; have the machine write it again"
    if not sealed.startswith(b"age-encryption.org/"):
        return "no bundle"
    if "no matching" in said.lower():
        return "encrypted to another organisation; give it to them"
    return "cut off, or damaged; have the machine write it again"


def _read(inside: bytes, key_of: Callable[[str], str | None]) -> Bundle:
    sha, total = hashlib.sha256(), 0
    lines: list[Any] = []
    last = b""
    with gzip.GzipFile(fileobj=io.BytesIO(inside)) as file:
        while line := file.readline(LINE_BYTES_MAX):
            total += len(line)
            if total > INSIDE_BYTES_MAX or len(lines) > RECORDS_MAX + 2 or not line.endswith(b"\n"):
                raise WireError("not written by Logicienne: its content has no end")
            sha.update(last)
            last = line
            lines.append(_parsed(line))
    if len(lines) < 2:
        raise WireError("cut off; have the machine write it again")
    header, *middle, trailer = lines
    machine = _header(header)
    seal = _seal(machine, len(middle), sha.hexdigest())
    if not isinstance(trailer, dict) or {**seal, "signature": trailer.get("signature")} != trailer:
        raise WireError("its end does not fit; have the machine write it again")
    key = key_of(machine)
    if key is None:
        raise WireError(f"of machine {machine}, which is not enrolled here: enrol it, then take this again")
    if not verified(key, seal, str(trailer["signature"])):
        raise WireError(f"not signed by machine {machine}; somebody else wrote it")
    records = tuple(WireRecord.from_json(value) for value in middle)
    return Bundle(machine, str(header["organisation"]), _claims(header, records), records)


def _header(header: Any) -> str:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise WireError("no bundle of Logicienne")
    if header.get("version") != VERSION:
        raise WireError(f"of version {header.get('version')!r:.20}; this program knows version {VERSION}: update it")
    machine = header.get("machine")
    if not isinstance(machine, str) or not MACHINE.fullmatch(machine) or "organisation" not in header:
        raise WireError("its header does not fit")
    return machine


def _claims(header: dict[str, Any], records: Iterable[WireRecord]) -> tuple[Claim, ...]:
    """The header's claims with the digests of the records; a claim about what is not in the bundle is refused."""
    digests: dict[str, dict[str, str]] = {}
    for record in records:
        digests.setdefault(record.permanence, {})[record.id] = record.digest
    groups = header.get("groups")
    if not isinstance(groups, list):
        raise WireError("its header does not fit")
    claims = [Claim.from_json(g) for g in groups]
    return tuple(Claim.from_json({**c.to_json(), "digests": digests.get(c.permanence, {})}) for c in claims)


def _seal(machine: str, count: int, sha256: str) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "machine": machine, "count": count, "sha256": sha256}


def _line(value: Any) -> bytes:
    return facts.canonical(value).encode() + b"\n"


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError("damaged; have the machine write it again") from error
