"""Figures for those who look after the collector, in Prometheus' text format."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from reader.collector.database import Database
from reader.collector.machines import Machine, machines

OUTCOMES = ("taken", "known", "refused", "forked")


def now() -> datetime:
    """The collector's clock."""
    return datetime.now(UTC)


class Counts:
    """What was asked since the start; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._records: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))

    def asked(self, path: str, status: int, seconds: float) -> None:
        """One request was answered."""
        with self._lock:
            self._requests[path, status] += 1
            self._seconds[path] += seconds  # type: ignore[assignment]  # seconds have fractions

    def records(self, taken: int, known: int, refused: int, forked: int) -> None:
        """So many records came in."""
        with self._lock:
            self._records.update(dict(zip(OUTCOMES, (taken, known, refused, forked), strict=True)))

    def lines(self) -> Iterator[str]:
        """The figures."""
        with self._lock:
            requests, seconds, records = dict(self._requests), dict(self._seconds), dict(self._records)
        yield from _head("logicienne_requests_total", "counter", "Requests, by path and status.")
        for (path, status), count in sorted(requests.items()):
            yield f'logicienne_requests_total{{path="{path}",status="{status}"}} {count}'
        yield from _head("logicienne_request_seconds_total", "counter", "Time spent on them.")
        for path, time_s in sorted(seconds.items()):
            yield f'logicienne_request_seconds_total{{path="{path}"}} {time_s:.6f}'
        yield from _head(
            "logicienne_records_received_total", "counter", "Records that came in, by what became of them."
        )
        for outcome, count in sorted(records.items()):
            yield f'logicienne_records_received_total{{outcome="{outcome}"}} {count}'


def text(database: Database[Any], counts: Counts) -> str:
    """All figures. Machines are named by their ids alone."""
    return "\n".join([*counts.lines(), *_machines(machines(database)), ""])


def _machines(found: list[Machine]) -> Iterator[str]:
    gauges: dict[str, tuple[str, Callable[[Machine], int]]] = {
        "logicienne_records": ("Records held.", lambda m: m.records),
        "logicienne_waiting": ("Records yet to be sent, as the machine said.", lambda m: m.waiting),
        "logicienne_forks": ("Contents kept apart: somebody has to look.", lambda m: m.forks),
        "logicienne_clone": ("1: a second store came under its name.", lambda m: int(bool(m.clone_seen))),
        "logicienne_clock_off_seconds": ("Its clock less ours.", lambda m: m.clock_off_s),
        "logicienne_last_seen_seconds": ("When it was last seen, Unix time; 0 for never.", _seen),
        "logicienne_revoked": ("1: nothing is taken from it.", lambda m: int(m.revoked)),
    }
    for name, (words, value) in gauges.items():
        yield from _head(name, "gauge", words)
        for machine in found:
            yield f'{name}{{machine="{machine.machine}"}} {value(machine)}'


def _seen(machine: Machine) -> int:
    return int(datetime.fromisoformat(machine.last_seen).timestamp()) if machine.last_seen else 0


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
