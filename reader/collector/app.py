"""The collector over HTTP. It holds no rule of its own: it checks who asks, reads what is asked, and calls.

Nothing that a machine sends reaches a log: lines name machines, paths, statuses and counts.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reader.collector import api, body, machines, metrics
from reader.collector.answers import ANSWERS
from reader.collector.checking import Checkers
from reader.collector.errors import CollectorBusy, CollectorError, Denied
from reader.collector.keys import Collector
from reader.collector.refusal import BUSY_S, Refusal
from reader.collector.tries import Tries
from reader.processes import cores
from reader.sync.errors import WireError

log = logging.getLogger("logicienne.collector")

Handler = Callable[[Request], Awaitable[Response]]
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def make_app(collector: Collector, hosts: Sequence[str] = (), metrics_token: str = "") -> Starlette:
    """The application, for any ASGI server.

    hosts: names that requests may ask for (Host header); all when empty. metrics_token: for `/metrics`; without one it
    answers this computer alone.
    """
    served = Served(collector, metrics_token)
    routes = [Route(call.path, served.call(call), methods=["POST"]) for call in api.CALLS]
    routes += [
        Route("/v1/health", served.health, methods=["GET"]),
        Route("/metrics", served.metrics, methods=["GET"]),
        Route("/openapi.json", served.openapi, methods=["GET"]),
    ]
    guard = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))] if hosts else []
    return Starlette(
        routes=routes,
        middleware=guard,
        lifespan=served.lifespan,
        exception_handlers={HTTPException: _not_found, Exception: _broken},
    )


class Served:
    """The handlers, and the little they remember: how often what was asked, and wrong codes."""

    def __init__(self, collector: Collector, metrics_token: str) -> None:
        self._collector, self._metrics_token = collector, metrics_token
        self._tries, self._checkers = Tries(), Checkers(cores())
        self._counts = metrics.Counts()
        self._description = api.openapi(version("logicienne"))

    def call(self, what: api.Call) -> Handler:
        """The handler of one call of the API."""

        async def handle(request: Request) -> Response:
            begin = time.perf_counter()
            try:
                answer: Response = JSONResponse(await self._answer(what, request))
            except Refusal as refusal:
                answer = refusal.answer()
                log.info("%s: %d, %s", what.path, refusal.status, refusal.message)
            self._counts.asked(what.path, answer.status_code, time.perf_counter() - begin)
            return answer

        return handle

    async def _answer(self, what: api.Call, request: Request) -> dict[str, Any]:
        machine = await run_in_threadpool(self._who, request) if what.token else None
        address = request.client.host if request.client else ""
        if machine is None and (wait := self._tries.wait_s(address)):
            raise Refusal(429, "too many wrong codes", "wait a minute, then try again", wait)
        packed = body.packing(request) == "gzip"
        raw = await body.received(request)
        return await run_in_threadpool(self._work, what, machine, raw, packed, address)

    def _who(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(401, "there is no token", "enrol this machine: logicienne sync enrol")
        with _refusing():
            return machines.authenticate(self._collector.database, token.strip())

    def _work(self, what: api.Call, machine: str | None, raw: bytes, packed: bool, address: str) -> dict[str, Any]:
        try:
            with _refusing():
                given = self._given(what, raw, packed)
                if machine is not None and given.machine != machine:
                    raise Denied(403, "this token belongs to another machine; each machine has its own")
                return ANSWERS[what.path](self._collector, given, self._counts)
        except Refusal as refusal:
            if machine is None and refusal.status == 401:
                self._tries.wrong(address)
            raise

    def _given(self, what: api.Call, raw: bytes, packed: bool) -> Any:
        """What a call's answer is made of; whatever it is, it names a machine."""
        if what.request is api.RecordsRequest:
            return self._checkers.read(raw, packed)
        return api.parse(what.request, body.unpacked(raw) if packed else raw)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Processes that were started for this collector end with it."""
        yield
        self._checkers.close()

    async def health(self, request: Request) -> Response:
        """That this is a collector; asked without a token, so that a machine can tell it from a Wi-Fi's sign-in page."""
        keys = self._collector.keys
        value = {"logicienne": "collector", "collector": keys.collector, "clock": machines.stamp(metrics.now())}
        return JSONResponse(value, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus; no answer, place or name is in them."""
        if not self._may_see_metrics(request):
            return Refusal(403, "figures are shown to this computer alone", "see docs/collector.md, figures").answer()
        try:
            text = await run_in_threadpool(metrics.text, self._collector.database, self._counts)
        except CollectorError as error:
            return Refusal(503, str(error), "try again", BUSY_S).answer()
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    def _may_see_metrics(self, request: Request) -> bool:
        if self._metrics_token:
            given = request.headers.get("authorization", "")
            return secrets.compare_digest(given.encode(), f"Bearer {self._metrics_token}".encode())
        # Behind a proxy on this computer everybody would seem to be here.
        if any(name in request.headers for name in FORWARDED):
            return False
        try:
            return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
        except ValueError:
            return False

    async def openapi(self, request: Request) -> Response:
        """What can be asked, for programs."""
        return JSONResponse(self._description)


class _refusing:
    """Turns this program's errors into answers."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Denied):
            raise Refusal(error.status, str(error), "ask the organisation") from error
        if isinstance(error, WireError):
            raise Refusal(400, str(error), "is the collector as new as the machine? see docs/collector.md") from error
        if isinstance(error, CollectorBusy):
            log.warning("%s", error)
            raise Refusal(503, "the collector is busy", "try again in a little while", BUSY_S) from error
        if isinstance(error, CollectorError):
            log.error("%s", error)
            raise Refusal(503, "the collector cannot keep anything now", "tell the organisation", BUSY_S) from error


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = Refusal(error.status_code, str(error.detail), "see /openapi.json").answer()
    answer.headers.update(error.headers or {})
    return answer


async def _broken(request: Request, error: Exception) -> Response:
    # The server's log has the trace, without what was sent.
    return Refusal(500, "the collector made a mistake; nothing was taken", "tell the organisation, try again").answer()
