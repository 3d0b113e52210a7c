"""Trying again: a little later each time, and never when everybody else does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from reader.sync.errors import Unreachable, WireError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """tries: of one request. Waits are drawn between nothing and `first_s` · 2ⁿ, at most `longest_s` ("full jitter": a
    hundred machines that lost one collector do not come back in step)."""

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 60.0
    sleep: Callable[[float], object] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def wait_s(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return self.rng.uniform(0.0, min(self.longest_s, self.first_s * 2.0 ** min(failures, 30)))

    def ask(self, work: Callable[[], T]) -> T:
        """What `work` answers, at last. Raises the last `Unreachable`; an answer of another form counts as one."""
        for failures in range(1, self.tries + 1):
            try:
                return work()
            except WireError as error:
                problem = Unreachable(f"the collector answered something else: {error}")
            except Unreachable as error:
                problem = error
            if failures < self.tries:
                self.sleep(max(self.wait_s(failures), min(problem.after_s, self.longest_s)))
        raise problem
