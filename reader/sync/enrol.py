"""Making a machine known to a collector, by a code; and giving a copied store a name of its own."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from reader.sync import identity as identities
from reader.sync.errors import Portal, WireError
from reader.sync.http import Transport
from reader.sync.identity import Collector, Identity
from reader.sync.patience import Patience
from reader.sync.sign import is_public_key

TOKEN = re.compile(r"[\x21-\x7e]{16,500}")


def enrol(store: Path, url: str, code: str, transport: Transport, patience: Patience | None = None) -> Identity:
    """Enrol this store's machine at the collector behind `transport` (at `url`). Raises `SyncError`.

    What the organisation calls the machine goes with the code. The same machine may enrol again: its token is replaced.
    """
    identity = identities.load(store)
    ask = (patience or Patience()).ask
    health = ask(lambda: transport.get("/v1/health"))
    if not isinstance(health, dict) or health.get("logicienne") != "collector":
        raise Portal(f"{url}: something answers there, but it is no collector; look at the address and the network")
    question = {
        "code": code.strip().upper(),
        "name": platform.node()[:80],
        "machine": identity.machine,
        "public_key": identity.private.public,
    }
    collector = ask(
        lambda: _collector(transport.post("/v1/enrol", question), identity, url, str(health.get("collector")))
    )
    return identities.save(store, replace(identity, collector=collector))


def separate(store: Path) -> Identity:
    """A new id, key and epoch for a store that was copied from another machine's; it has to be enrolled again."""
    return identities.save(store, identities.new())


def _collector(value: Any, identity: Identity, url: str, collector: str) -> Collector:
    if not isinstance(value, dict) or value.get("machine") != identity.machine:
        raise WireError("not an answer to an enrolment")
    token, key, recipient = (str(value.get(name)) for name in ("machine_token", "collector_key", "recipient"))
    if not TOKEN.fullmatch(token) or not is_public_key(key) or not recipient.startswith("age1"):
        raise WireError("no token, or no keys")
    return Collector(url, collector, key, token, recipient, str(value.get("organisation", ""))[:200])
