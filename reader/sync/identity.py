"""Who this machine is: its id, its key, its epoch and the collector it was enrolled with, in one file beside the store.

Beside it, not in it: a copy of the store on a stick or another computer must not speak in this machine's name, and a copy
that takes over after damage must not turn the epoch back.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cards.files import synced
from reader.sync.errors import SyncError
from reader.sync.sign import Key


@dataclass(frozen=True)
class Collector:
    """Where a machine sends to. id: the collector's own name; key: its public key, which receipts are checked with.
    token: lets this machine upload, and nothing else. recipient: whom bundles are encrypted to (age)."""

    url: str
    id: str
    key: str
    token: str
    recipient: str
    organisation: str


@dataclass(frozen=True)
class Identity:
    """machine: 12 hex digits. key: the private key's text. epoch, next_epoch: see `asking`; '' for none yet."""

    machine: str
    key: str
    epoch: str
    next_epoch: str = ""
    collector: Collector | None = None

    @property
    def private(self) -> Key:
        """The key itself."""
        return Key.from_text(self.key)

    def enrolled(self) -> Collector:
        """The collector. Raises `SyncError` when there is none."""
        if self.collector is None:
            raise SyncError(
                "this machine is not enrolled; ask the organisation for a code, then: logicienne sync enrol URL CODE"
            )
        return self.collector


def identity_path(store: Path) -> Path:
    """The file beside a store."""
    return store.with_name(f"{store.name}.machine")


def load(store: Path) -> Identity:
    """The identity beside this store; made now when there is none. Raises `SyncError`."""
    path = identity_path(store)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return _identity(value)
    except FileNotFoundError:
        return save(store, new())
    except OSError as error:
        raise SyncError(f"{path}: cannot be read ({error.strerror}); this machine's key is in it") from error
    except (ValueError, TypeError, KeyError) as error:
        raise SyncError(
            f"{path}: damaged; move it away and enrol anew: logicienne sync enrol URL CODE. Nothing is lost by that"
        ) from error


def new() -> Identity:
    """A machine that nobody knows yet."""
    return Identity(secrets.token_hex(6), Key.new().text, _epoch())


def save(store: Path, identity: Identity) -> Identity:
    """Write it, readable for its owner alone; on disk, whole, when this returns. Raises `SyncError`."""
    path = identity_path(store)
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(identity), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        synced(path.parent)
    except OSError as error:
        raise SyncError(f"{path}: cannot be written ({error.strerror})") from error
    return identity


def asking(store: Path, identity: Identity) -> Identity:
    """With a next epoch, written down before the collector is told of it.

    The collector knows one epoch of each machine. A store that shows another was copied, and both copies are in use.
    """
    if identity.next_epoch:
        return identity
    return save(store, replace(identity, next_epoch=_epoch()))


def answered(store: Path, identity: Identity) -> Identity:
    """The collector has taken the next epoch: it is ours now."""
    return save(store, replace(identity, epoch=identity.next_epoch, next_epoch=""))


@contextmanager
def alone(store: Path) -> Iterator[None]:
    """One program at a time speaks for this machine. Raises `SyncError` when another does."""
    path = store.with_name(f"{store.name}.machine.lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SyncError(f"{path}: cannot be made ({error.strerror})") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SyncError("another sync of this store is at work; wait for it, or stop it") from error
        yield
    finally:
        os.close(handle)


def _epoch() -> str:
    return secrets.token_hex(16)


def _identity(value: dict[str, Any]) -> Identity:
    collector = value.pop("collector")
    found = Identity(**value, collector=Collector(**collector) if collector else None)
    if not re.fullmatch("[0-9a-f]{12}", found.machine):
        raise ValueError("no machine's id")
    Key.from_text(found.key)
    return found
