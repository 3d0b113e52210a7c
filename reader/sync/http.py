"""The way over the network. Whoever answers in the collector's place is recognised, and a wrong clock is named."""

from __future__ import annotations

import gzip
import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from reader.sync.errors import ClockOff, NotAllowed, Portal, SyncError, TooBig, Unreachable
from reader.sync.wire import BATCH_BYTES_MAX, CLOCK_OFF_S

TIMEOUT_S = 20.0
"""Of one look at the line."""
DEADLINE_S = 120.0
"""Of one request, however slowly it drips."""
SIGN_IN = "open any web page on this network and sign in, or choose another network; then try again"


class Transport(Protocol):
    """What carries requests: HTTP, or a collector in the same process."""

    def get(self, path: str) -> Any:
        """The JSON that a GET answers."""

    def post(self, path: str, value: Mapping[str, Any]) -> Any:
        """The JSON that a POST answers."""


class Http:
    """One collector's address. earliest: a day that has surely begun; a clock before it is wrong.

    Raises `SyncError` for an address that cannot be one; its methods raise the errors of `reader.sync.errors`.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        earliest: date | None = None,
        context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._scheme, self._host, self._port, self._path = _parts(url)
        self._token, self._earliest, self._now = token, earliest, now
        self._context = context or ssl.create_default_context()
        self._timeout_s, self._deadline_s = timeout_s, deadline_s
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Http:
        """The line itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.close()

    def close(self) -> None:
        """Let the line go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str) -> Any:
        """The JSON that a GET answers."""
        return self._request("GET", path, None)

    def post(self, path: str, value: Mapping[str, Any]) -> Any:
        """The JSON that a POST answers."""
        return self._request("POST", path, json.dumps(value, ensure_ascii=True).encode())

    def _request(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            # Small ones too: gzip's check sum tells the collector when a byte was changed on the way.
            body, headers["Content-Encoding"] = gzip.compress(body, 6, mtime=0), "gzip"
        try:
            status, given, content = self._exchange(method, f"{self._path}{path}", body, headers)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise self._another_certificate(error) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: what http.client makes of some garbage.
            self.close()
            raise Unreachable(f"{self._host} cannot be reached ({_words(error)}); is there a network?") from error
        return self._answer(status, given, content)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        if self._connection is None:
            self._connection = self._connect(self._context)
        connection = self._connection
        if connection.sock is None:
            connection.connect()
        # The answer takes the line over; whoever hangs up must know it from before.
        watchdog = threading.Timer(self._deadline_s, _hang_up, (connection.sock,))
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            content = response.read(BATCH_BYTES_MAX + 1)
            if len(content) > BATCH_BYTES_MAX or response.will_close:
                self.close()
            if len(content) > BATCH_BYTES_MAX:
                raise ValueError("more than any answer")
            return response.status, response.headers, content
        finally:
            watchdog.cancel()

    def _connect(self, context: ssl.SSLContext) -> http.client.HTTPConnection:
        if self._scheme == "https":
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)

    def _answer(self, status: int, headers: http.client.HTTPMessage, content: bytes) -> Any:
        if 300 <= status < 400:
            raise Portal(
                f"{self._host} was answered by {headers.get('Location', 'another place')!r:.100}: a Wi-Fi's sign-in page, "
                f"as a rule; {SIGN_IN}"
            )
        if content[:200].lstrip().startswith(b"<"):
            raise Portal(f"a web page answered in the place of {self._host}, not the collector: {SIGN_IN}")
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"{self._host} answered with something that makes no sense ({status})") from error
        if status == 200:
            return value
        message = _said(value) or f"it answers {status}"
        if status in (401, 403):
            raise NotAllowed(
                f"the collector does not accept this machine: {message}. Enrol anew: logicienne sync enrol"
            )
        if status == 413:
            raise TooBig(f"the collector wants less at a time: {message}")
        if status == 404:
            raise SyncError(f"there is no collector at {self._host}{self._path}: {message}; look at the address again")
        raise Unreachable(f"the collector could not do it just now: {message}", _seconds(headers.get("Retry-After")))

    def _another_certificate(self, error: ssl.SSLCertVerificationError) -> SyncError:
        """The clock, or somebody else. The clock is looked at first: with a wrong one every certificate is bad."""
        theirs = self._unverified_date()
        mine = self._now()
        if theirs is not None and abs((theirs - mine).total_seconds()) > CLOCK_OFF_S:
            return ClockOff(clock_words(mine, theirs))
        if theirs is None and self._earliest is not None and mine.date() < self._earliest:
            return ClockOff(
                f"the clock of this machine is wrong: it says {mine:%Y-%m-%d}, yet a permanence here is of "
                f"{self._earliest}. Set the clock, then sync again"
            )
        return Portal(
            f"{self._host} showed another certificate than the collector's ({error.verify_message}): a Wi-Fi's sign-in "
            f"page, as a rule. Nothing was sent; {SIGN_IN}"
        )

    def _unverified_date(self) -> datetime | None:
        """What time whoever answers says it is. Asked without the token, and believed for this one question only."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = self._connect(context)
        try:
            connection.request("GET", f"{self._path}/v1/health")
            return _date(connection.getresponse().headers.get("Date"))
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def clock_words(mine: datetime, theirs: datetime) -> str:
    """That the clock is wrong, and by how much."""
    off_s = abs((theirs - mine).total_seconds())
    off = f"{off_s / 86400:.0f} days" if off_s > 2 * 86400 else f"{off_s / 60:.0f} minutes"
    return (
        f"the clock of this machine is wrong by {off}: it says {mine:%Y-%m-%d %H:%M} UTC, the collector says "
        f"{theirs:%Y-%m-%d %H:%M}. Set the clock (timedatectl set-ntp true, or by hand), then sync again"
    )


def _parts(url: str) -> tuple[str, str, int | None, str]:
    try:
        found = urlsplit(url)
        host, port = found.hostname or "", found.port
    except ValueError as error:
        raise SyncError(f"{url}: no address of a collector") from error
    if (
        found.scheme not in ("http", "https")
        or not re.fullmatch(r"[\w.:-]+", host)
        or found.query
        or found.fragment
        or found.username
    ):
        raise SyncError(f"{url}: no address of a collector; it looks like https://collector.example.org")
    if found.scheme == "http" and not _loopback(host):
        raise SyncError(f"{url}: residents' words would travel open to all; use https://")
    return found.scheme, host, port, found.path.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _said(value: object) -> str:
    """The collector's own words of what is wrong."""
    if not isinstance(value, dict):
        return ""
    return "; ".join(str(value[name])[:300] for name in ("message", "next") if value.get(name))


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, min(float(header or 0), 3600.0))
    except ValueError:
        return 0.0


def _date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, ValueError):
        return str(error)
    return type(error).__name__
