"""Whoever answers in the collector's place is recognised, and a wrong clock is named before anybody is blamed."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reader.sync.errors import ClockOff, NotAllowed, Portal, SyncError, TooBig, Unreachable
from reader.sync.http import Http

Answer = Callable[[BaseHTTPRequestHandler], None]
NOW = datetime(2025, 1, 5, 12, tzinfo=UTC)


@contextmanager
def server(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Somebody who answers on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    somebody = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    somebody.daemon_threads = True
    somebody.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        somebody.socket = context.wrap_socket(somebody.socket, server_side=True)
    thread = threading.Thread(target=somebody.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{somebody.server_address[1]}"
    finally:
        somebody.shutdown()
        somebody.server_close()
        thread.join()


def says(status: int, content: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"taken": ')


def drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            return
        threading.Event().wait(0.01)


def silent(handler: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(0.6)


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


PAGE = b"<!DOCTYPE html><title>Welcome to Free Wi-Fi</title>"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (says(302, b"", Location="http://wifi.example/login"), Portal, "wifi.example.*sign in"),
        (says(200, PAGE, Content_Type="text/html"), Portal, "web page"),
        (says(403, b"\n " + PAGE), Portal, "web page"),
        (says(511, PAGE), Portal, "web page"),
        (says(200, b"OK"), Unreachable, "no sense"),
        (says(200, b""), Unreachable, "no sense"),
        (says(200, b"[" * 100_000), Unreachable, "no sense"),
        (says(401, b'{"error":"token","message":"no such token"}'), NotAllowed, "no such token.*enrol"),
        (says(403, b'{"message":"revoked","next":"call us"}'), NotAllowed, "revoked; call us"),
        (says(404, b'{"message":"Not Found"}'), SyncError, "no collector"),
        (says(413, b"{}"), TooBig, "less"),
        (says(400, b'{"message":"not understood"}'), Unreachable, "not understood"),
        (says(500, b"null"), Unreachable, "500"),
        (half, Unreachable, "no sense"),
        (no_http, Unreachable, "reached"),
    ],
)
def test_an_answer_that_is_not_the_collectors_is_named(answer: Answer, kind: type[Exception], words: str) -> None:
    with server(answer) as url, pytest.raises(kind, match=f"(?s){words}") as caught:
        Http(url, timeout_s=2).post("/v1/state", {"machine": "0123456789ab"})
    assert type(caught.value) is kind


def test_a_collector_that_is_busy_says_when_to_come_back() -> None:
    with server(says(503, b"{}", Retry_After="7")) as url, pytest.raises(Unreachable) as caught:
        Http(url).get("/v1/health")
    assert caught.value.after_s == 7
    with server(says(429, b"{}", Retry_After="-x")) as url, pytest.raises(Unreachable) as caught:
        Http(url).get("/v1/health")
    assert caught.value.after_s == 0


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reader.sync.http.BATCH_BYTES_MAX", 1000)
    with server(says(200, b" " * 1001)) as url, pytest.raises(Unreachable, match="more than any answer"):
        Http(url).get("/v1/health")


def test_one_that_drips_or_says_nothing_does_not_hold_us_for_ever() -> None:
    with server(drips) as url, pytest.raises(Unreachable):
        Http(url, deadline_s=0.2).get("/v1/health")
    with server(silent) as url, pytest.raises(Unreachable, match="no answer in time"):
        Http(url, timeout_s=0.1).get("/v1/health")


def test_nobody_there_is_no_network() -> None:
    with server(says(200, b"{}")) as url:
        pass
    with pytest.raises(Unreachable, match="is there a network"):
        Http(url).get("/v1/health")


def test_what_is_sent_is_whole_compressed_and_carries_the_token() -> None:
    seen: list[tuple[str | None, str | None, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.headers["Authorization"], handler.headers["Content-Encoding"], body))
        says(200, b'{"ok":true}')(handler)

    value = {"text": "é\ud800" * 1000}
    with server(answer) as url:
        line = Http(f"{url}/", "secret-token")
        assert line.post("/v1/records", {"a": 1}) == {"ok": True}
        assert line.post("/v1/records", value) == {"ok": True}
        line.close()
    assert [s[:2] for s in seen] == [("Bearer secret-token", "gzip")] * 2
    assert [json.loads(gzip.decompress(s[2])) for s in seen] == [{"a": 1}, value]


def test_a_collector_that_hangs_up_after_each_answer_is_asked_again() -> None:
    with server(says(200, b"{}", Connection="close")) as url:
        line = Http(url)
        assert [line.get("/v1/health") for _ in range(3)] == [{}] * 3


@pytest.mark.parametrize(
    "url", ["collector", "ftp://x", "https://", "https://a b/", "https://u:p@x", "https://x/?q", "http://x:y", "http://[::1"]
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(SyncError, match=r"address|https"):
        Http(url).get("/v1/health")


def test_words_never_travel_open() -> None:
    with pytest.raises(SyncError, match="travel open"):
        Http("http://collector.example.org")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of somebody who signed for himself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wifi.example")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=99999))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def at(date_header: str | None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        assert "Authorization" not in handler.headers, "the token went to somebody unknown"
        handler.date_time_string = lambda timestamp=None: date_header or "today"  # type: ignore[method-assign]
        says(200, b"{}")(handler)

    return answer


def test_another_certificate_is_not_the_collectors(certificate: ssl.SSLContext) -> None:
    somebody = server(at(format_datetime(NOW, usegmt=True)), certificate)
    with somebody as url, pytest.raises(Portal, match=r"another certificate.*Nothing was sent"):
        Http(url, "secret-token", now=lambda: NOW).get("/v1/health")


@pytest.mark.parametrize("off", [timedelta(days=-900), timedelta(days=400), timedelta(minutes=20)])
def test_a_wrong_clock_is_named_before_the_certificate(certificate: ssl.SSLContext, off: timedelta) -> None:
    somebody = server(at(format_datetime(NOW, usegmt=True)), certificate)
    with somebody as url, pytest.raises(ClockOff, match="clock of this machine is wrong by"):
        Http(url, "secret-token", now=lambda: NOW + off).get("/v1/health")


def test_without_their_time_a_day_that_has_begun_tells_the_clock_is_wrong(certificate: ssl.SSLContext) -> None:
    with server(at(None), certificate) as url:
        with pytest.raises(ClockOff, match="2025-01-05"):
            Http(url, earliest=date(2025, 1, 5), now=lambda: datetime(1970, 1, 1, tzinfo=UTC)).get("/v1/health")
        with pytest.raises(Portal):
            Http(url, earliest=date(2025, 1, 5), now=lambda: NOW).get("/v1/health")
