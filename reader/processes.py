"""Other processes for work that one core is too slow for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


def cores() -> int:
    """How many processor cores this process may use, which in a container may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fresh(count: int, begin: Callable[..., object] | None = None, given: tuple[Any, ...] = ()) -> ProcessPoolExecutor:
    """At most `count` processes, each started when there is work for it; they end with this one, however it ends.

    Started afresh: a copy of this one would share its open store, its connections and the locks of its other threads.
    begin: called with `given` in each, first.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin, initargs=(begin, given))


def _begin(begin: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with_parent() -> None:
    # A process that waits for work does not notice that whoever would give it was killed: the others keep the line open.
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
