"""A line between machines and the collector that cuts, delays, repeats, reorders, truncates and corrupts; seeded.

`python -m tests.faults.sync_line PORT COLLECTOR_PORT SEED SHARE COUNTS`: listens until SIGTERM, and keeps in the file COUNTS
how often it did what. It knows of HTTP only where a message ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
FAULTS = (
    "cut before", "cut after", "half an answer", "delayed", "repeated", "reordered", "request truncated",
    "request corrupted", "answer corrupted", "sign-in page", "redirect", "busy",
)  # fmt: skip
PAGE = b"<html><title>Free Wi-Fi</title>Please sign in</html>"
CANNED = {
    "sign-in page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE),
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://wifi.example/\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
}
DELAY_S = 0.05
ANSWER_S = 1.5
"""So long it waits for an answer: a request whose length was corrupted gets none."""
KEPT = 200
"""Old requests that may come again, out of order."""


class Line:
    """share: of the requests something happens to."""

    def __init__(self, collector: int, seed: int, share: float) -> None:
        self._collector, self._rng, self._share = collector, random.Random(seed), share
        self._old: list[bytes] = []
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One machine's connection."""
        try:
            while request := await message(reader):
                answer = await self._pass_on(request)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if self._broken:
                    break
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, request: bytes) -> bytes | None:
        self._broken = False
        self.counts["requests"] += 1
        fault = self._rng.choice(FAULTS) if self._rng.random() < self._share else ""
        if fault:
            self.counts[fault] += 1
        self._old = [*self._old[-KEPT:], request]
        if fault in CANNED:
            return CANNED[fault]
        if fault == "cut before":
            return None
        return await self._forward(request, fault)

    async def _forward(self, request: bytes, fault: str) -> bytes | None:
        if fault == "delayed":
            await asyncio.sleep(self._rng.uniform(0, DELAY_S))
        if fault == "request truncated":
            request = request[: self._rng.randrange(len(request))]
        if fault == "request corrupted":
            request = self._corrupted(request)
        if fault == "repeated":
            await self._ask(request)
        if fault == "reordered":
            await self._ask(self._rng.choice(self._old))
        answer = await self._ask(request)
        if answer is None or fault == "cut after":
            return None
        if fault == "half an answer":
            self._broken = True
            return answer[: self._rng.randrange(len(answer))]
        if fault == "answer corrupted":
            self._broken = True
            return self._corrupted(answer)
        return answer

    async def _ask(self, request: bytes) -> bytes | None:
        """The collector's answer; `None` when there is none."""
        try:
            reader, writer = await asyncio.open_connection(HOST, self._collector)
        except OSError:
            return None
        try:
            writer.write(request)
            if not whole(request):
                await writer.drain()
                return None
            async with asyncio.timeout(ANSWER_S):
                return await message(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            return None
        finally:
            writer.close()

    def _corrupted(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._rng.randint(1, 3)):
            changed[self._rng.randrange(len(changed))] ^= 1 << self._rng.randrange(8)
        return bytes(changed)


async def message(reader: asyncio.StreamReader) -> bytes:
    """One HTTP message, head and body; nothing when the other side has closed. Raises `ValueError` for a mad length."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""
    except asyncio.LimitOverrunError as error:
        raise ValueError("a head without end") from error
    return head + await reader.readexactly(length(head))


def length(head: bytes) -> int:
    """Of the body that follows a head."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return min(max(int(line.split(b":")[1]), 0), 64 * 2**20)
    return 0


def whole(request: bytes) -> bool:
    """Whether a request has all that its head promises."""
    head, end, body = request.partition(b"\r\n\r\n")
    try:
        return bool(end) and len(body) >= length(head)
    except ValueError:
        return False


async def main(port: int, collector: int, seed: int, share: float, counts: Path) -> None:
    """Listen until SIGTERM."""
    line = Line(collector, seed, share)
    server = await asyncio.start_server(line.serve, HOST, port, limit=2**24)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
        counts.write_text(json.dumps(line.counts))
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5])))
