"""Other processes for work that one core is too slow for."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


def cores() -> int:
    """How many processor cores this process may use, which in a container may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fresh(count: int, begin: Callable[..., object] | None = None, given: tuple[Any, ...] = ()) -> ProcessPoolExecutor:
    """At most `count` processes, each started when there is work for it.

    Started afresh: a copy of this one would share its open store, its connections and the locks of its other threads.
    begin: called with `given` in each, first.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=begin, initargs=given)
