"""What to export: a day, a permanence, a period or everything; counted answers or first readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from reader.store import Permanence, Store, StoredAnswer, StoreError


@dataclass(frozen=True)
class Selection:
    """Some permanences of a store. name: how files are called. first: first readings, not what counts after reviews."""

    name: str
    sittings: Mapping[str, Permanence]
    first: bool = False

    def answers(self, store: Store, layout: str) -> Iterator[StoredAnswer]:
        """The selected answers under one layout, streamed, card by card, by random ids."""
        return store.counted(list(self.sittings), layout, self.first)


def select(
    store: Store,
    *,
    day: date | None = None,
    since: date | None = None,
    until: date | None = None,
    permanence: str | None = None,
    first: bool = False,
) -> Selection:
    """The permanences of a day, a period (`since` and `until` included), or one of them; all without any of these.

    Raises `StoreError` for a permanence that is not there.
    """
    found = store.permanences(day)
    name = day.isoformat() if day else "all"
    if permanence is not None:
        found = [p for p in found if p.id == permanence]
        if not found:
            raise StoreError(f"there is no permanence {permanence}; see: logicienne permanence list")
        name = f"{found[0].day.isoformat()}-{permanence[:8]}"
    if since or until:
        found = [p for p in found if (since is None or p.day >= since) and (until is None or p.day <= until)]
        name = f"{since.isoformat() if since else 'begin'}-to-{until.isoformat() if until else 'end'}"
    return Selection(name + ("-first" if first else ""), {p.id: p for p in found}, first)
