"""How often codes may be tried: five wrong ones from one address, or sixty from all, and then a minute's rest."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

EACH, ALL, WINDOW_S = 5, 60, 60.0
"""In a quarter of an hour at most 900 of 23^8 codes can be tried: one chance in 87 million, whoever tries."""


class Tries:
    """Counts wrong codes. In memory: a restart forgives, but also takes longer than a minute of guessing is worth."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def wait_s(self, address: str) -> int:
        """How long this address has to wait before its next try; 0 when it may try now."""
        with self._lock:
            now = self._clock()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                self._wrong.popleft()
            mine = [at for at, who in self._wrong if who == address]
            over = mine[0] if len(mine) >= EACH else self._wrong[0][0] if len(self._wrong) >= ALL else None
            return 0 if over is None else max(1, round(over + WINDOW_S - now))

    def wrong(self, address: str) -> None:
        """A wrong code came from there."""
        with self._lock:
            self._wrong.append((self._clock(), address))
