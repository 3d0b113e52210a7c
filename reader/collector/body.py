"""The body of a request, read with a limit on what comes in and on what it unpacks to: a bomb is never unpacked."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from reader.collector.refusal import Refusal
from reader.sync.wire import BATCH_BYTES_MAX

SLOW_S = 60.0
"""A body that takes longer to come in is given up."""
STEP = 1 << 20
"""Bytes unpacked at a time."""
GZIP = 31
"""zlib's name for gzip with its header, at the largest window."""


async def received(request: Request) -> bytes:
    """The bytes as they came. Raises `Refusal`: 413 for more than `BATCH_BYTES_MAX`, 408 for too slow, 415 for a packing
    or type that is none of ours."""
    packing(request)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the request is not application/json", "send JSON with that Content-Type")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > BATCH_BYTES_MAX:
        raise _too_big()
    body = bytearray()
    try:
        async with asyncio.timeout(SLOW_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BATCH_BYTES_MAX:
                    raise _too_big()
    except TimeoutError:
        raise Refusal(408, "the request came in too slowly", "send less at a time") from None
    except ClientDisconnect:
        raise Refusal(400, "the request was cut off", "send it again") from None
    return bytes(body)


def packing(request: Request) -> str:
    """gzip, or '' for none. Raises `Refusal` for anything else."""
    given = request.headers.get("content-encoding", "").strip().lower()
    if given not in ("", "identity", "gzip"):
        raise Refusal(415, "the request is packed in an unknown way", "use gzip, or nothing")
    return "gzip" if given == "gzip" else ""


def unpacked(body: bytes) -> bytes:
    """What gzip bytes unpack to, and no more than `BATCH_BYTES_MAX` of it is ever in memory. Raises `Refusal`."""
    engine = zlib.decompressobj(GZIP)
    out = bytearray()
    try:
        rest = body
        while rest and not engine.eof:
            out += engine.decompress(rest, STEP)
            rest = engine.unconsumed_tail
            if len(out) > BATCH_BYTES_MAX:
                raise _too_big()
        out += engine.flush()
    except zlib.error:
        raise Refusal(400, "the request is no sound gzip", "send it again") from None
    if not engine.eof or engine.unused_data:
        raise Refusal(400, "the request's gzip is cut off, or more than one", "send it again")
    return bytes(out)


def _too_big() -> Refusal:
    return Refusal(413, f"more than {BATCH_BYTES_MAX >> 20} MB in one request", "send fewer records at a time")
