"""The collector's own keys: one signs its receipts, the other opens what machines encrypt to the organisation.

They lie in a file of their own, not in the database: a copy of the database alone opens no bundle and signs nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reader.collector.database import DEFAULT_PATH, Database, Session
from reader.collector.errors import CollectorError
from reader.sync import sign

try:
    import pyrage
except ImportError as error:
    raise CollectorError(
        "the collector needs more libraries; install them: pip install 'logicienne[collector]'"
    ) from error

KEYS_VARIABLE = "LOGICIENNE_COLLECTOR_KEYS"


@dataclass(frozen=True)
class Keys:
    """organisation: its name. signing: for receipts. identity: age, secret; `recipient`: what machines encrypt to."""

    organisation: str
    signing: sign.Key
    identity: str

    @property
    def recipient(self) -> str:
        """The public half of `identity`."""
        return str(pyrage.x25519.Identity.from_str(self.identity).to_public())

    @property
    def collector(self) -> str:
        """Twelve hex digits that stand for this collector."""
        return sign.fingerprint(self.signing.public)


@dataclass(frozen=True)
class Collector:
    """A database and the keys that go with it."""

    database: Database[Any]
    keys: Keys


def new_keys(organisation: str) -> Keys:
    """Random keys."""
    return Keys(organisation, sign.Key.new(), str(pyrage.x25519.Identity.generate()))


def keys_path(where: str | Path | None) -> Path:
    """`$LOGICIENNE_COLLECTOR_KEYS`, else beside the database's file, else (PostgreSQL) `data/collector.keys`."""
    named = os.environ.get(KEYS_VARIABLE)
    if named:
        return Path(named)
    place = str(where or os.environ.get("LOGICIENNE_COLLECTOR") or DEFAULT_PATH)
    return DEFAULT_PATH.with_suffix(".keys") if "://" in place else Path(place).with_suffix(".keys")


def write_keys(path: Path, keys: Keys) -> None:
    """Write a new file that only its owner reads; never over one that is there. Raises `CollectorError`."""
    text = json.dumps({"organisation": keys.organisation, "signing": keys.signing.text, "identity": keys.identity})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CollectorError(f"{path}: the keys cannot be written ({error.strerror})") from error


def read_keys(path: Path) -> Keys:
    """The keys of a file. Raises `CollectorError`."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        keys = Keys(given["organisation"], sign.Key.from_text(given["signing"]), given["identity"])
        # Both halves are tried now, not when the first bundle comes.
        _ = keys.recipient
    except OSError as error:
        raise CollectorError(f"{path}: the keys cannot be read ({error.strerror}); put the file back") from error
    except (ValueError, KeyError, TypeError, AttributeError, pyrage.IdentityError) as error:
        raise CollectorError(f"{path}: damaged, or no file of keys; put the file back from your backup") from error
    return keys


def with_keys(database: Database[Any], path: Path, organisation: str = "") -> Collector:
    """The collector of this database; its keys are made when it is new. Raises `CollectorError` when they are not its own.

    organisation: its name, used when the keys are made.
    """
    if path.exists():
        keys = read_keys(path)
    else:
        if database.read(_noted):
            raise CollectorError(
                f"{path}: the keys of this collector are not there; put the file back, or name it with "
                f"${KEYS_VARIABLE}. With new keys no machine would believe its receipts"
            )
        keys = new_keys(organisation or "organisation")
        write_keys(path, keys)
    noted = database.write(lambda session: _note(session, keys.signing.public))
    if noted != keys.signing.public:
        raise CollectorError(f"{path}: the keys of another collector; name the right file with ${KEYS_VARIABLE}")
    return Collector(database, keys)


def _noted(session: Session) -> str:
    return next((str(value) for (value,) in session.rows("SELECT value FROM settings WHERE name = 'collector'")), "")


def _note(session: Session, public: str) -> str:
    session.insert("settings", ("name", "value"), [("collector", public)])
    return _noted(session)
