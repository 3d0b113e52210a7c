"""`python -m tests.bench`: every benchmark, one after the other."""

from __future__ import annotations

from tests.bench import calibrated, edges, head, keeping, live, reading, syncing

if __name__ == "__main__":
    reading.main()
    calibrated.main()
    live.main()
    edges.main()
    head.main()
    keeping.main()
    syncing.main()
