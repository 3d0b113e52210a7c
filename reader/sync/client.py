"""One sync over the network: ask what is there, send what is missing, believe signed receipts only.

It may be cut off at any instant and started again: every request may be repeated, and what is safe is noted permanence by
permanence. No transaction of the store is open while the network is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reader.store import Store
from reader.store.outbox import adopt, digests, kept, left, ready, refusals, refuse, reopen, with_words
from reader.sync import identity as identities
from reader.sync.errors import Portal, TooBig, WireError
from reader.sync.http import Transport, clock_words
from reader.sync.patience import Patience
from reader.sync.received import erase_copies, settled, take_erasures
from reader.sync.wire import CLOCK_OFF_S, FORK, GROUPS_MAX, Claim, Group, Receipt, WireRecord, claim_of, lesser, lots

BATCH_RECORDS = 1000
BATCH_BYTES = 4 * 2**20
"""Of one request, before it is compressed; well under what the collector takes."""
DIGESTS = 20_000
"""Record ids in one claim."""
ROUNDS = 4
"""So often a permanence is claimed in one sync; what is not confirmed then waits for the next."""


@dataclass(frozen=True)
class Report:
    """What one sync did, in records; notes: what the operator should know, each a sentence."""

    sent: int
    safe: int
    notes: tuple[str, ...] = ()


class Exchange:
    """One sync of a store, by a transport."""

    def __init__(
        self, store: Store, transport: Transport, patience: Patience | None = None, batch_records: int = BATCH_RECORDS
    ) -> None:
        self._store, self._transport, self._batch_records = store, transport, batch_records
        self._patience = patience or Patience()
        self._identity = identities.load(store.path)
        self._collector = self._identity.enrolled()
        self._sent = self._safe = 0
        self._notes: list[str] = []
        self._refused: set[str] = set()
        self._settled: set[str] = set()

    def run(self) -> Report:
        """Everything that can be sent, sent and confirmed. Raises `SyncError`; what was confirmed before stays so."""
        self._must_be_the_collector()
        adopt(self._store, self._identity.machine, self._collector.key)
        waiting = ready(self._store)
        self._offer_again(waiting)
        first, *rest = _slices(waiting, GROUPS_MAX) if waiting else [[]]
        root = self._send_permanences(first)
        for some in rest:
            self._send_permanences(some)
        changed = root != self._store.setting("sync_root")
        if changed:
            self._look_again([k.permanence for k in kept(self._store)])
        if (waiting or changed) and not left(self._store):
            answer = self._state([])
            self._store.set("sync_root", answer.root)
        if note := erase_copies(self._store):
            self._notes.append(note)
        self._store.set("sync_last", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
        return Report(self._sent, self._safe, tuple(dict.fromkeys(self._notes)))

    def _offer_again(self, waiting: Sequence[str]) -> None:
        """What was refused before: one of the two programs may have been updated since."""
        refused: dict[str, list[str]] = {}
        for record, permanence, _, _ in refusals(self._store):
            if permanence in waiting:
                refused.setdefault(permanence, []).append(record)
        self._send(refused)

    def _must_be_the_collector(self) -> None:
        """A bare answer proves nothing: a café's Wi-Fi answers everything."""
        value = self._patience.ask(lambda: self._transport.get("/v1/health"))
        if not isinstance(value, dict) or value.get("logicienne") != "collector":
            raise Portal(
                "something answers at this address, but it is no collector; look at the address and the network"
            )
        if value.get("collector") != self._collector.id:
            raise Portal(
                "another collector answers at this address than the one this machine is enrolled with; look at the address, "
                "or enrol anew: logicienne sync enrol"
            )

    # --- state -------------------------------------------------------------------------------------------------

    def _state(self, groups: Sequence[Group]) -> _State:
        self._identity = identities.asking(self._store.path, self._identity)
        question = {
            "machine": self._identity.machine,
            "epoch": {"current": self._identity.epoch, "next": self._identity.next_epoch},
            "clock": datetime.now(UTC).isoformat(timespec="seconds"),
            "root": self._store.setting("sync_root") or "",
            "waiting": self._store.unsent(),
            "groups": [g.to_json() for g in groups],
        }
        answer = self._patience.ask(lambda: _State.of(self._transport.post("/v1/state", question)))
        self._heed(answer)
        return answer

    def _heed(self, answer: _State) -> None:
        if answer.clone:
            self._notes.append(
                answer.message
                or "another store speaks in this machine's name (a copied card?); on one of the two: logicienne sync separate"
            )
        else:
            self._identity = identities.answered(self._store.path, self._identity)
        clone = "yes" if answer.clone else "no"
        if self._store.setting("sync_clone") != clone:
            self._store.set("sync_clone", clone)
        now = datetime.now(UTC)
        if answer.clock is not None and abs((answer.clock - now).total_seconds()) > CLOCK_OFF_S:
            self._notes.append(clock_words(now, answer.clock))
        if erased := take_erasures(self._store, answer.erasures):
            self._notes.append(f"the words of {erased} stories were erased, as the organisation asked")
        for receipt in answer.receipts:
            safe = settled(self._store, self._identity, receipt, digests(self._store, receipt.permanence))
            if safe is not None:
                self._safe += safe
                self._settled.add(receipt.permanence)

    # --- permanences -------------------------------------------------------------------------------------------

    def _send_permanences(self, permanences: Sequence[str]) -> str:
        """Ask about these, send what is missing, have it confirmed; returns the collector's root of before."""
        claims = [claim_of(p, digests(self._store, p)) for p in permanences]
        answer = self._state([Group(c.permanence, c.count, c.set_digest) for c in claims])
        theirs = {g.permanence: g for g in answer.groups}
        for some in lots((c for c in claims if c.permanence not in self._settled), DIGESTS):
            self._settle(some, theirs)
        return answer.root

    def _look_again(self, permanences: Sequence[str]) -> None:
        """The collector has something else of us than last time: see that nothing which was safe is gone."""
        known = {k.permanence: k for k in kept(self._store)}
        for some in _slices([p for p in permanences if p not in self._settled], GROUPS_MAX):
            mine = [Group(p, known[p].count, known[p].set_digest) for p in some]
            theirs = {g.permanence: g for g in self._state(mine).groups}
            differ = [g.permanence for g in mine if theirs.get(g.permanence) != g]
            for claims in lots((claim_of(p, digests(self._store, p)) for p in differ), DIGESTS):
                self._settle(claims, theirs)

    def _settle(self, claims: Sequence[Claim], theirs: Mapping[str, Group]) -> None:
        missing: dict[str, list[str]] = {}
        unsure = []
        for claim in claims:
            other = theirs.get(claim.permanence)
            if other is None or other.count == 0:
                missing[claim.permanence] = list(claim.digests or ())
            elif (other.count, other.set_digest) != (claim.count, claim.set_digest):
                unsure.append(claim)
        missing |= self._confirm(unsure, named=True)
        for attempt in range(ROUNDS):
            self._send(missing)
            open_ = [c for c in map(self._without_refused, claims) if c.count and c.permanence not in self._settled]
            if not open_:
                return
            missing = self._confirm(open_, named=attempt > 0)
            if attempt > 0:
                # It has them all and yet does not confirm: one of them is another record there, and it shall say which.
                stuck = [c for c in open_ if c.permanence not in self._settled and c.permanence not in missing]
                missing |= {c.permanence: list(c.digests or ()) for c in stuck}
        records = sum(c.count for c in claims if c.permanence not in self._settled)
        if records:
            self._notes.append(f"the collector does not confirm {records} records; they stay to be sent")

    def _without_refused(self, claim: Claim) -> Claim:
        return lesser(claim, self._refused) if self._refused.intersection(claim.digests or ()) else claim

    def _confirm(self, claims: Sequence[Claim], named: bool) -> dict[str, list[str]]:
        """Claim these, `named` record by record; what is confirmed is settled, what is missing comes back."""
        missing: dict[str, list[str]] = {}
        for some in lots(claims, DIGESTS):
            asked = [c if named else replace(c, digests=None) for c in some]
            question = {"machine": self._identity.machine, "claims": [c.to_json() for c in asked]}
            receipts, lacking = self._patience.ask(
                partial(_confirmed, self._transport, question, some, self._identity, self._collector.key)
            )
            for claim in some:
                mine = claim.digests or {}
                receipt = receipts.get(claim.permanence)
                safe = None if receipt is None else settled(self._store, self._identity, receipt, mine, mine.keys())
                if safe is not None:
                    self._safe += safe
                    self._settled.add(claim.permanence)
                elif ids := [i for i in lacking.get(claim.permanence, ()) if i in mine]:
                    missing[claim.permanence] = ids
        return missing

    # --- records -----------------------------------------------------------------------------------------------

    def _send(self, missing: Mapping[str, Sequence[str]]) -> None:
        for permanence, ids in missing.items():
            waiting = {i for (i,) in self._store.rows("SELECT record FROM outbox WHERE permanence = ?", permanence)}
            if not waiting.issuperset(ids):
                # Safe it was; the collector has lost it, and says so.
                reopen(self._store, permanence)
                self._notes.append("the collector had lost something that was safe; it is sent again")
        for batch in self._batches(sorted(i for ids in missing.values() for i in ids)):
            self._send_batch(batch)

    def _send_batch(self, batch: Sequence[WireRecord]) -> None:
        question = {"machine": self._identity.machine, "records": [r.to_json() for r in batch]}
        try:
            refused = self._patience.ask(lambda: _refused(self._transport.post("/v1/records", question)))
        except TooBig:
            if len(batch) == 1:
                refused = {batch[0].id: "too big for the collector"}
            else:
                self._send_batch(batch[: len(batch) // 2])
                self._send_batch(batch[len(batch) // 2 :])
                return
        mine = {r.id for r in batch}
        refused = {i: why for i, why in refused.items() if i in mine}
        refuse(self._store, refused)
        self._refused |= refused.keys()
        self._sent += len(batch) - len(refused)
        if refused:
            self._notes.append(f"{len(refused)} records were refused: see logicienne sync status")

    def _batches(self, ids: Sequence[str]) -> Iterator[list[WireRecord]]:
        """In the order of random ids, which is none; words are read at the last moment, for they may be erased."""
        batch: list[WireRecord] = []
        size = 0
        for record, text, salt in with_words(self._store, ids):
            new = WireRecord(record.id, record.kind, record.permanence, record.body, record.digest, text, salt)
            bytes_about = 2 * len(record.body) + 2 * len(text or "") + 400
            if batch and (len(batch) == self._batch_records or size + bytes_about > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(new)
            size += bytes_about
        if batch:
            yield batch


@dataclass(frozen=True)
class _State:
    """The collector's answer to /v1/state."""

    root: str
    clone: bool
    message: str
    clock: datetime | None
    groups: tuple[Group, ...]
    erasures: tuple[object, ...]
    receipts: tuple[Receipt, ...]

    @classmethod
    def of(cls, value: object) -> _State:
        """Raises `WireError`."""
        given = _answer(value)
        if not isinstance(given.get("root"), str) or given.get("epoch") not in ("ok", "clone"):
            raise WireError("no root, or no epoch")
        return cls(
            given["root"],
            given["epoch"] == "clone",
            str(given.get("message") or "")[:500],
            _clock(given.get("clock")),
            tuple(Group.from_json(g) for g in _list(given, "groups")),
            tuple(_list(given, "erasures")),
            tuple(Receipt.from_json(r) for r in _list(given, "receipts")),
        )


def _confirmed(
    transport: Transport,
    question: Mapping[str, Any],
    claims: Sequence[Claim],
    identity: identities.Identity,
    key: str,
) -> tuple[dict[str, Receipt], dict[str, list[str]]]:
    """Receipts for these claims, and what the collector lacks of them. Raises `WireError` for receipts that are none."""
    answer = _answer(transport.post("/v1/claim", question))
    wanted = {c.permanence: (identity.machine, c.count, c.set_digest) for c in claims}
    receipts = {}
    for receipt in (Receipt.from_json(r) for r in _list(answer, "receipts")):
        if (receipt.machine, receipt.count, receipt.set_digest) != wanted.get(receipt.permanence):
            raise WireError("a receipt for something that was not claimed")
        if not receipt.is_signed_by(key):
            raise WireError("a receipt that our collector did not sign; it counts for nothing")
        receipts[receipt.permanence] = receipt
    missing = answer.get("missing", {})
    if not isinstance(missing, dict) or not all(isinstance(ids, list) for ids in missing.values()):
        raise WireError("what is missing is an object of lists")
    return receipts, {str(p): [str(i) for i in ids] for p, ids in missing.items()}


def _refused(value: object) -> dict[str, str]:
    """Record id → why, of an answer to /v1/records."""
    given = _answer(value)
    if not all(isinstance(given.get(name), int) for name in ("taken", "known")):
        raise WireError("no counts of what was taken")
    found = {}
    for one in _list(given, "refused"):
        if not isinstance(one, dict):
            raise WireError("what is refused is a list of objects")
        found[str(one.get("id"))] = str(one.get("why"))[:300]
    return found | {str(i): FORK for i in _list(given, "forks")}


def _answer(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WireError("no JSON object")
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    found = given.get(name, [])
    if not isinstance(found, list):
        raise WireError(f"{name} is no list")
    return found


def _clock(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _slices(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[k : k + size] for k in range(0, len(values), size)]
