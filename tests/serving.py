"""A collector that answers over real HTTP, on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from reader.collector.app import make_app
from reader.collector.keys import Collector


@contextmanager
def serving(collector: Collector) -> Iterator[str]:
    """Its address, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(make_app(collector), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
