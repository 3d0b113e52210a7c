"""Who may send: enrolment by a short-lived code, tokens, revocation; and what is known of each machine."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reader.collector import held
from reader.collector.database import Database, Session
from reader.collector.errors import CollectorError, Denied

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
"""Of codes: none that looks like a digit."""
CODE_VALID = timedelta(minutes=15)
NAME_MAX = 80


@dataclass(frozen=True)
class Machine:
    """A machine as the collector knows it.

    enrolled: YYYY-MM-DD. last_seen: UTC, ISO, '' for never. clock_off_s: its clock less ours. waiting: what it had yet
    to send. clone_seen: the day a second store came under its name, '' for never. forks: contents kept apart.
    """

    machine: str
    name: str
    revoked: bool
    enrolled: str
    last_seen: str
    clock_off_s: int
    waiting: int
    clone_seen: str
    records: int
    permanences: int
    forks: int


@dataclass(frozen=True)
class Permanence:
    """A sitting of one of the machines, and how many records of it are held."""

    machine: str
    name: str
    permanence: str
    place: str
    day: str
    records: int
    closed: bool


@dataclass(frozen=True)
class Fork:
    """Two contents under one id: the first stays in the records, the other is kept apart."""

    machine: str
    id: str
    kind: str
    permanence: str
    first: str
    other: str


# --- codes -------------------------------------------------------------------------------------------------------


def new_code(database: Database[Any], name: str, now: datetime | None = None) -> str:
    """A code that enrols one machine, within `CODE_VALID`. name: what the organisation calls it. Raises `ValueError`."""
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise ValueError(f"a machine has a name of at most {NAME_MAX} characters")
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    code = f"{letters[:4]}-{letters[4:]}"
    at = now or datetime.now(UTC)

    def work(session: Session) -> None:
        session.change("DELETE FROM codes WHERE expires < ?", stamp(at))
        row = (_hash(_plain(code)), name.strip(), stamp(at + CODE_VALID))
        session.insert("codes", ("code_hash", "name", "expires"), [row])

    database.write(work)
    return code


def enrol(
    database: Database[Any], code: str, machine: str, public_key: str, now: datetime | None = None
) -> tuple[str, str]:
    """Enrol a machine with a code, which is used up; returns its token and the name it got.

    A machine that is enrolled already gets a new token when its key is still the same; with another key only after it
    was revoked, or whoever has a code could take its place. Raises `Denied`.
    """
    # 256 random bits: nobody can try them all, so a quick hash is as good as a slow one.
    token = secrets.token_urlsafe(32)
    at = now or datetime.now(UTC)

    def work(session: Session) -> str:
        sql = "SELECT name FROM codes WHERE code_hash = ? AND expires >= ?"
        found = session.rows(sql, _hash(_plain(code)), stamp(at))
        # Of two that come at once, one deletes it.
        if not found or not session.rows("DELETE FROM codes WHERE code_hash = ? RETURNING 1", _hash(_plain(code))):
            raise Denied(
                401, "no such code: a code enrols one machine, for a quarter of an hour; ask for a new one "
                "(logicienne collector enrol NAME)",
            )  # fmt: skip
        _write_machine(session, machine, str(found[0][0]), _hash(token), public_key, at)
        return str(found[0][0])

    return token, database.write(work)


def _write_machine(session: Session, machine: str, name: str, token_hash: str, public_key: str, at: datetime) -> None:
    there = session.rows(f"SELECT public_key, revoked FROM machines WHERE machine = ? {session.alone}", machine)  # noqa: S608
    if there and there[0][0] != public_key and not there[0][1]:
        raise Denied(
            403, f"machine {machine} is enrolled here with another key: if this store was copied, give it a name of its "
            f"own (logicienne sync separate); if its key was lost, revoke it first (logicienne collector revoke {machine})",
        )  # fmt: skip
    columns = (
        "machine", "name", "token_hash", "public_key", "revoked", "enrolled", "last_seen", "clock_off_s", "waiting",
        "epochs", "clone_seen", "records", "root",
    )  # fmt: skip
    row = (machine, name, token_hash, public_key, 0, at.date().isoformat(), "", 0, 0, "", "", 0, held.EMPTY)
    session.insert(
        "machines", columns, [row],
        "(machine) DO UPDATE SET name = excluded.name, token_hash = excluded.token_hash, "
        "public_key = excluded.public_key, revoked = 0, epochs = '', clone_seen = ''",
    )  # fmt: skip


def _plain(code: str) -> str:
    """A code as it was meant: people leave out the dash and write small letters."""
    return "".join(c for c in code.upper() if c in LETTERS)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def stamp(at: datetime) -> str:
    """UTC to the second; texts of equal length, so that they compare as times do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- tokens ------------------------------------------------------------------------------------------------------


def authenticate(database: Database[Any], token: str) -> str:
    """Whose token this is. Raises `Denied`: 401 for none of ours, 403 for a revoked one."""
    wanted = _hash(token)
    # Looked up by its hash: how long that takes tells nothing about the token.
    sql = "SELECT machine, token_hash, revoked FROM machines WHERE token_hash = ?"
    for machine, found, revoked in database.read(lambda session: session.rows(sql, wanted)):
        if hmac.compare_digest(found, wanted):
            if revoked:
                raise Denied(403, "this machine was revoked; ask the organisation for a new code, and enrol again")
            return str(machine)
    raise Denied(401, "the collector does not know this token; ask the organisation for a new code, and enrol again")


def revoke(database: Database[Any], which: str) -> str:
    """Take nothing more from a machine, named by its id or name; returns its id. Its records stay. Raises `CollectorError`."""

    def work(session: Session) -> str:
        sql = "SELECT machine FROM machines WHERE machine = ? OR name = ?"
        found = [m for (m,) in session.rows(sql, which, which)]
        if len(found) != 1:
            what = "there is no machine" if not found else "more than one machine is called"
            raise CollectorError(f"{what} {which}; see: logicienne collector machines")
        session.change("UPDATE machines SET revoked = 1 WHERE machine = ?", found[0])
        return str(found[0])

    return database.write(work)


def public_key(database: Database[Any], machine: str) -> str:
    """The key that a machine's bundles are signed with. Raises `Denied` when it is not enrolled, or revoked."""
    sql = "SELECT public_key, revoked FROM machines WHERE machine = ?"
    found = database.read(lambda session: session.rows(sql, machine))
    if not found:
        raise Denied(401, f"machine {machine} is not enrolled here; see: logicienne collector enrol --help")
    if found[0][1]:
        raise Denied(403, f"machine {machine} was revoked; nothing is taken from it")
    return str(found[0][0])


# --- what is known -----------------------------------------------------------------------------------------------


def machines(database: Database[Any]) -> list[Machine]:
    """All machines, by name."""
    sql = """
        SELECT machine, name, revoked, enrolled, last_seen, clock_off_s, waiting, clone_seen, records,
            (SELECT count(*) FROM openings WHERE openings.machine = machines.machine),
            (SELECT count(*) FROM forks WHERE forks.machine = machines.machine)
        FROM machines ORDER BY name, machine"""
    found = database.read(lambda session: session.rows(sql))
    return [Machine(m, n, bool(r), *rest) for m, n, r, *rest in found]


def permanences(database: Database[Any]) -> list[Permanence]:
    """All permanences of all machines, by day and place."""
    sql = """
        SELECT o.machine, m.name, o.id, o.place, o.day, g.records, EXISTS (
            SELECT 1 FROM records AS r WHERE r.machine = o.machine AND r.permanence = o.id AND r.kind = 'closing')
        FROM openings AS o JOIN machines AS m ON m.machine = o.machine
        JOIN groups AS g ON g.machine = o.machine AND g.permanence = o.id
        ORDER BY o.day, o.place, o.machine, o.id"""
    found = database.read(lambda session: session.rows(sql))
    return [Permanence(m, n, p, place, day, count, bool(c)) for m, n, p, place, day, count, c in found]


def forks(database: Database[Any]) -> list[Fork]:
    """All contents that came under an id that was taken."""
    sql = """
        SELECT f.machine, f.id, f.kind, f.permanence, r.body, f.body FROM forks AS f
        JOIN records AS r ON r.machine = f.machine AND r.id = f.id ORDER BY f.machine, f.id, f.digest"""
    return [Fork(*row) for row in database.read(lambda session: session.rows(sql))]
