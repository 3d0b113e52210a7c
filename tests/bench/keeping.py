"""The store against bare SQLite: durable appends, growth to a million cards, exports; and what memory they take."""

from __future__ import annotations

import csv
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from cards.layout import Choice, CornerCut, Hole, Layout, Question
from reader.decode import decode
from reader.export import export, select
from reader.store import Store, facts, open_store
from reader.store.opening import DURABLE
from reader.store.projections import rows
from tests.builders import reading

PER_SITTING = 100
DAY = date(2024, 1, 1)


def small_layout() -> Layout:
    """Four questions of three choices: a million cards of it fit a bench's disk."""
    from cards.canonical import with_digest

    questions = tuple(
        Question(f"q{k}", "one", {"en": f"Question {k}"}, choices=tuple(
            Choice(c, 10.0 + 10 * j, 10.0 + 10 * k, {"en": c}) for j, c in enumerate("abc")
        ))
        for k in range(4)
    )  # fmt: skip
    cut = CornerCut("top-left", 5, 8)
    return with_digest(Layout("bench", 1, {"en": "Bench"}, ("en",), 100, 60, Hole("circle", 5, 5, 1.5), cut, questions))


def card(layout: Layout, k: int) -> tuple[object, object]:
    """Card k: its reading, decoded."""
    seen = reading(layout, [q.positions[(k // 3**i) % 3].name for i, q in enumerate(layout.questions)])
    return seen, decode(seen, layout)


def fill(store: Store, layout: Layout, count: int) -> str:
    """`count` cards in sittings of a hundred, one sitting a day, in large transactions; the last sitting's id."""
    sitting = ""
    bodies = [facts.reading_body(*card(layout, k)) for k in range(81)]  # type: ignore[arg-type]
    for begin in range(0, count, PER_SITTING):
        if begin % (50 * PER_SITTING) == 0 and sys.stderr.isatty():
            sys.stderr.write(f"\r  filling: {begin} of {count} cards ")
        sitting = store.open_permanence("Café", DAY + timedelta(days=begin // PER_SITTING))
        with store.transaction():
            store.keep_layout(layout)
            for k in range(begin, min(begin + PER_SITTING, count)):
                store.add(facts.record("reading", sitting, bodies[k % 81]))
    return sitting


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def append_ratio(folder: Path, layout: Layout, count: int = 300) -> float:
    """Durable appends a second ÷ the same rows by bare `sqlite3`, one transaction a card, same settings."""
    cards = [card(layout, k) for k in range(81)]
    with open_store(folder / "ours.db") as store:
        sitting = store.open_permanence("Café", DAY)
        ours = [timed(lambda s=s, d=d: store.append_reading(sitting, s, d, layout)) for s, d in (cards * 4)[:count]]  # type: ignore[misc,arg-type]
        records = [
            facts.Record(*r)
            for r in store.rows("SELECT id, kind, permanence, body, digest FROM records WHERE kind='reading'")
        ]
        schema = [s for (s,) in store.rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in DURABLE:
        bare.execute(f"PRAGMA {pragma}").fetchall()
    for statement in schema:
        bare.execute(statement)
    work = [
        [("INSERT INTO records VALUES (?,?,?,?,?)", (r.id, r.kind, r.permanence, r.body, r.digest))]
        + [
            (f"INSERT INTO {t} ({','.join(v)}) VALUES ({','.join('?' * len(v))})", tuple(v.values()))
            for t, v in rows(r)
        ]
        + [("INSERT INTO recent (permanence, reading, picture) VALUES (?,?,?)", (r.permanence, r.id, ""))]
        for r in records
    ]
    theirs = [timed(lambda w=w: _bare(bare, w)) for w in work]  # type: ignore[misc]
    bare.close()
    return statistics.median(theirs) / statistics.median(ours)


def _bare(connection: sqlite3.Connection, work: list[tuple[str, tuple[object, ...]]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for sql, values in work:
        connection.execute(sql, values)
    connection.execute("COMMIT")


def grown(folder: Path, layout: Layout, count: int) -> tuple[float, float, Path]:
    """(seconds of an append, seconds of the last day's export, the store) when `count` cards are stored."""
    path = folder / f"grown-{count}.db"
    with open_store(path) as store:
        sitting = fill(store, layout, count)
        cards = [card(layout, k) for k in range(81)]
        append = statistics.median(
            timed(lambda s=s, d=d: store.append_reading(sitting, s, d, layout))
            for s, d in (cards * 3)[:200]  # type: ignore[misc,arg-type]
        )
        day = next(p.day for p in store.permanences() if p.id == sitting)
        exported = min(timed(lambda: export(store, select(store, day=day), folder / "out")) for _ in range(5))
    return append, exported, path


def whole_export(path: Path, folder: Path) -> tuple[float, float, float]:
    """(ours, the `sqlite3` program's or, without it, Python's bare dump of the same rows, our peak memory in MB)."""
    code = (
        "import pathlib, re; from reader.store import open_store; from reader.export import *;"
        f"s = open_store({str(path)!r}); export(s, select(s), pathlib.Path({str(folder / 'all')!r}));"
        # Of this program alone: `getrusage` would count what its parent held when it was started.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1]) / 1024)"
    )
    begin = time.perf_counter()
    peak = float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    ours = time.perf_counter() - begin
    sql = (
        "SELECT reading, permanence, layout, question, state, value, decision, card_state FROM counted ORDER BY reading"
    )
    return ours, timed(lambda: _dump(path, folder / "dump.csv", sql)), peak


def _dump(path: Path, target: Path, sql: str) -> None:
    from shutil import which

    if which("sqlite3"):
        with target.open("w") as file:
            subprocess.run(["sqlite3", "-csv", str(path), sql], check=True, stdout=file)
        return
    connection = sqlite3.connect(path)
    with target.open("w", newline="") as file:
        csv.writer(file).writerows(connection.execute(sql))
    connection.close()


def main(count: int = 1_000_000) -> None:
    """Print the figures."""
    layout = small_layout()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"durable appends ÷ bare sqlite3: {append_ratio(folder, layout):.2f} (target: at least 0.8)")
        few, many = grown(folder, layout, 1000), grown(folder, layout, count)
        print(f"append at {count:,} cards ÷ at 1,000: {many[0] / few[0]:.2f} (target: at most 1.2)")
        print(f"export of a day at {count:,} cards ÷ at 1,000: {many[1] / few[1]:.2f} (target: at most 1.2)")
        ours, dump, peak = whole_export(many[2], folder)
        print(f"export of {count:,} cards ÷ dump of the same rows: {ours / dump:.2f} (target: at most 3)")
        print(f"peak memory of it: {peak:.0f} MB (target: under 200)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
