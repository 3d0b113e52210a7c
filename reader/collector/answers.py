"""One function for each call of the API: from the request's model to the answer's object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reader.collector import api, machines
from reader.collector.checking import Batch
from reader.collector.ingest import claim, ingest_batch
from reader.collector.keys import Collector
from reader.collector.metrics import Counts
from reader.collector.state import Asked, state
from reader.sync import sign
from reader.sync.errors import WireError
from reader.sync.wire import Claim, Group

Answer = Callable[[Collector, Any, Counts], dict[str, Any]]


def _enrol(collector: Collector, given: api.EnrolRequest, counts: Counts) -> dict[str, Any]:
    if not sign.is_public_key(given.public_key):
        raise WireError("public_key: the base64 of an Ed25519 key")
    token, _ = machines.enrol(collector.database, given.code, given.machine, given.public_key)
    return {
        "machine": given.machine,
        "machine_token": token,
        "collector_key": collector.keys.signing.public,
        "recipient": collector.keys.recipient,
        "organisation": collector.keys.organisation,
    }


def _state(collector: Collector, given: api.StateRequest, counts: Counts) -> dict[str, Any]:
    groups = [Group(g.permanence, g.count, g.set_digest) for g in given.groups]
    asked = Asked(
        given.machine, given.epoch.current, given.epoch.next, api.parse_clock(given.clock), given.waiting, groups
    )
    answer = state(collector, asked)
    return api.flat(answer) | {
        name: [one.to_json() for one in getattr(answer, name)] for name in ("groups", "erasures", "receipts")
    }


def _records(collector: Collector, given: Batch, counts: Counts) -> dict[str, Any]:
    taken = ingest_batch(collector.database, given)
    counts.records(taken.taken, taken.known, len(taken.refused), len(taken.forks))
    return {
        "taken": taken.taken,
        "known": taken.known,
        "refused": [api.flat(r) for r in taken.refused],
        "forks": list(taken.forks),
    }


def _claim(collector: Collector, given: api.ClaimRequest, counts: Counts) -> dict[str, Any]:
    claims = [Claim.from_json(c.model_dump(exclude_none=True)) for c in given.claims]
    receipts, missing = claim(collector, given.machine, claims)
    return {"receipts": [r.to_json() for r in receipts], "missing": missing}


ANSWERS: Mapping[str, Answer] = {
    "/v1/enrol": _enrol, "/v1/state": _state, "/v1/records": _records, "/v1/claim": _claim,
}  # fmt: skip
