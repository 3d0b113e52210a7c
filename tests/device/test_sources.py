"""Every source that can run without its hardware keeps one contract; and each kind's own troubles."""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from cards.errors import LogicienneError
from device.frame import Frame
from device.source import Options, Source, SourceError, open_source
from device.sources import camera, picamera, rpicam, stream
from device.sources.newest import Backoff

QUICK = Backoff(0.01, 0.05)
LONG_S = 20.0
"""A machine that is busy needs long; a test that waits for an event ends when it comes."""


def until(true: Callable[[], object], source: Source | None = None) -> None:
    """Wait until something holds, taking frames meanwhile."""
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end, source and source.problem
        if source is not None:
            source.wait(0.01)
        else:
            time.sleep(0.01)


def take(source: Source, count: int = 1) -> list[Frame]:
    found: list[Frame] = []

    def more() -> bool:
        frame = source.wait(0.05)
        if frame is not None:
            found.append(frame)
        return len(found) >= count

    until(more)
    return found


def picture(level: int) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))
    assert done
    return data.tobytes()


# --- stand-ins, driven from the hardware's side -------------------------------------------------------------------


class Usb:
    """A V4L2 camera that can be unplugged; called like `cv2.VideoCapture`."""

    def __init__(self) -> None:
        self.plugged, self.taken, self.refuses = True, 0, set[int]()
        self.settings: dict[int, float] = {cv2.CAP_PROP_EXPOSURE: 157.0}

    def __call__(self, device: int | str, api: int) -> Any:
        assert api == cv2.CAP_V4L2
        open_ = self.plugged
        return SimpleNamespace(
            isOpened=lambda: open_, read=self.read, set=self.set, get=self.settings.get, release=lambda: None
        )

    def set(self, key: int, value: float) -> bool:
        if key in self.refuses:
            return False
        self.settings[key] = value
        return True

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.002)
        if not self.plugged:
            return False, None
        self.taken += 1
        return True, np.full((48, 64, 3), self.taken % 200, np.uint8)


class Web:
    """A network camera that sends MJPEG on loopback and can be switched off and on again at the same address."""

    def __init__(self) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.on = False
        self.switch_on()

    def switch_on(self) -> None:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                level = 0
                try:
                    while web.on:
                        level = (level + 20) % 240
                        data = picture(level)
                        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                        time.sleep(0.01)
                except OSError:
                    pass

            def log_message(self, format: str, *args: Any) -> None: ...

        self.on = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def switch_off(self) -> None:
        self.on = False
        self.server.shutdown()
        self.server.server_close()


def usb_source(usb: Usb) -> Source:
    return camera.make("0", Options("camera:0", {}), usb, QUICK)


def child_source(mode: str, tmp_path: Path, silent_s: float = 5.0) -> Source:
    script = tmp_path / "rpicam-vid"
    fake = Path(__file__).with_name("fake_rpicam.py")
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" {mode} "{tmp_path / "runs"}" "$@"\n')
    script.chmod(0o755)
    options = Options("rpicam:", {"program": str(script), "width": "64", "height": "64", "silent": str(silent_s)})
    return rpicam.make("", options, QUICK)


def in_process(monkeypatch: pytest.MonkeyPatch) -> Source:
    """A picamera2 of two rows of luma for every one of chroma, as YUV420 arrays come."""
    level = iter(range(1, 10_000))

    class Picamera2:
        def create_video_configuration(self, main: Any, controls: Any) -> Any:
            return main

        def configure(self, main: Any) -> None:
            self.size = main["size"]

        def capture_array(self, name: str, wait: bool) -> Any:
            return np.full((self.size[1] * 3 // 2, self.size[0]), next(level) % 250, np.uint8)

        def wait(self, job: Any, timeout: float) -> Any:
            time.sleep(0.002)
            return job

        def start(self) -> None: ...
        def stop(self) -> None: ...
        def close(self) -> None: ...

    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=Picamera2))
    return picamera.make("", Options("picamera2:", {"width": "64", "height": "64"}), QUICK)


KINDS = ("camera", "rpicam", "picamera2", "folder", "http", "sim")


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    kind, web = request.param, None
    if kind == "camera":
        made = usb_source(Usb())
    elif kind == "rpicam":
        made = child_source("well", tmp_path)
    elif kind == "picamera2":
        made = in_process(monkeypatch)
    elif kind == "folder":
        for k in range(8):
            (tmp_path / f"{k}.jpg").write_bytes(picture(20 * k))
        made = open_source(f"folder:{tmp_path}?settle=0.01")
    elif kind == "http":
        web = Web()
        made = stream.make(f"http://127.0.0.1:{web.port}/", Options("http:", {}), QUICK)
    else:
        made = open_source("sim:?cards=1&width=64&height=64")
    try:
        yield made
    finally:
        made.close()
        if web is not None:
            web.switch_off()


# --- the contract -------------------------------------------------------------------------------------------------


def test_frames_are_grey_and_whole_and_none_comes_twice(source: Source) -> None:
    frames = take(source, 4)
    assert all(f.grey.dtype == np.uint8 and f.grey.ndim == 2 and min(f.grey.shape) >= 48 for f in frames)
    assert all(f.colour is None or f.colour.shape == (*f.grey.shape, 3) for f in frames)
    assert all((a.grey != b.grey).any() for a, b in itertools.pairwise(frames))
    assert source.problem is None and source.name


def test_iterating_gives_frames_too(source: Source) -> None:
    assert isinstance(next(iter(source)), Frame)


def test_a_closed_source_ends_and_may_be_closed_again(source: Source) -> None:
    with source:
        take(source)
    source.close()
    assert source.ended and list(source) == []


def test_its_clock_never_runs_backwards(source: Source) -> None:
    times = [source.now_s() for _ in range(3) if take(source)]
    assert times == sorted(times)


# --- a camera that is lost, and comes back ------------------------------------------------------------------------


def test_an_unplugged_usb_camera_is_waited_for() -> None:
    usb = Usb()
    with usb_source(usb) as source:
        take(source, 2)
        usb.plugged = False
        until(lambda: source.problem, source)
        assert "unplugged" in str(source.problem) or "not there" in str(source.problem)
        assert source.wait(0.05) is None
        usb.plugged = True
        take(source, 2)
        assert source.problem is None and any("again" in n for n in source.notices())


def test_a_usb_camera_that_is_not_there_at_first_is_waited_for() -> None:
    usb = Usb()
    usb.plugged = False
    with usb_source(usb) as source:
        until(lambda: source.problem)
        usb.plugged = True
        take(source)


def test_a_slow_reader_gets_the_newest_frame_only() -> None:
    usb = Usb()
    with usb_source(usb) as source:
        take(source)
        until(lambda: usb.taken > 60)
        before = usb.taken
        frame = take(source)[0]
        assert int(frame.grey[0, 0]) >= before % 200 - 2


def test_exposure_is_locked_where_it_was_and_refusals_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "WARM_UP_S", 0.0)
    usb = Usb()
    usb.refuses = {cv2.CAP_PROP_AUTOFOCUS}
    with usb_source(usb) as source:
        take(source, 2)
        assert usb.settings[cv2.CAP_PROP_AUTO_EXPOSURE] == 1.0 and usb.settings[cv2.CAP_PROP_EXPOSURE] == 157.0
        said = source.notices()
        assert len(said) == 1 and "focus" in said[0] and "exposure" not in said[0]


@pytest.mark.parametrize("mode", ["dies", "half", "missing"])
def test_a_child_that_ends_is_started_again(mode: str, tmp_path: Path) -> None:
    with child_source(mode, tmp_path) as source:
        runs = 3 if mode == "missing" else 2
        until(lambda: (tmp_path / "runs").exists() and (tmp_path / "runs").read_text() == str(runs), source)
        frame = take(source)[0]
        assert len(np.unique(frame.grey)) == 1, "a frame made of two halves"
        assert any("again" in n for n in source.notices())


def test_a_child_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    with child_source("hangs", tmp_path, silent_s=0.5) as source:
        until(lambda: (tmp_path / "runs").exists() and (tmp_path / "runs").read_text() == "2", source)
        take(source)


def test_the_last_words_of_a_child_are_told(tmp_path: Path) -> None:
    with child_source("missing", tmp_path) as source:
        until(lambda: source.problem)
        assert "no cameras available" in str(source.problem) or source.wait(LONG_S) is not None


def test_a_network_camera_that_is_switched_off_is_waited_for() -> None:
    web = Web()
    with stream.make(f"http://127.0.0.1:{web.port}/video?key=secret", Options("http:", {}), QUICK) as source:
        frame = take(source, 2)[0]
        assert frame.bgr is not None
        web.switch_off()
        until(lambda: source.problem, source)
        assert "secret" not in str(source.problem)
        web.switch_on()
        take(source)
        web.switch_off()


def test_a_network_camera_that_accepts_and_says_nothing_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        with pytest.raises(Exception, match="does not answer"):
            stream.Stream(url, open_ms=200, read_ms=200)


# --- folders ------------------------------------------------------------------------------------------------------


def test_a_file_that_is_still_written_is_waited_for(tmp_path: Path) -> None:
    whole = picture(120)
    with open_source(f"folder:{tmp_path}?settle=0.05") as source:
        with (tmp_path / "a.jpg").open("wb") as file:
            for k in range(5):
                file.write(whole[k * len(whole) // 5 : (k + 1) * len(whole) // 5])
                file.flush()
                assert source.wait(0.02) is None
        assert [f.name for f in take(source)] == ["a.jpg"]
        assert source.notices() == [] and source.wait(0.2) is None


def test_half_a_file_and_junk_are_named_once_and_left_there(tmp_path: Path) -> None:
    whole = picture(120)
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("buy milk")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cat.jpg").write_bytes(b"meow" * 100)
    with open_source(f"folder:{tmp_path}?settle=0.01") as source:
        assert source.wait(0.5) is None and source.wait(0.2) is None
        said = source.notices()
        assert len(said) == 4 and {"half.jpg", "notes.txt", "empty.png", "cat.jpg"} == {
            name for name in ("half.jpg", "notes.txt", "empty.png", "cat.jpg") if any(name in n for n in said)
        }
        assert len(list(tmp_path.iterdir())) == 4
        (tmp_path / "half.jpg").write_bytes(whole)
        assert [f.name for f in take(source)] == ["half.jpg"]


def test_a_file_under_its_working_name_waits_for_its_renaming(tmp_path: Path) -> None:
    with open_source(f"folder:{tmp_path}?settle=0.01") as source:
        (tmp_path / "a.jpg.part").write_bytes(picture(1))
        (tmp_path / ".hidden.jpg").write_bytes(picture(2))
        assert source.wait(0.2) is None and source.notices() == []
        (tmp_path / "a.jpg.part").rename(tmp_path / "a.jpg")
        assert [f.name for f in take(source)] == ["a.jpg"]


def test_hundreds_at_once_come_each_once(tmp_path: Path) -> None:
    for k in range(300):
        (tmp_path / f"{k:03d}.jpg").write_bytes(picture(k % 250))
    with open_source(f"folder:{tmp_path}?settle=0.01&once=yes") as source:
        names = [frame.name for frame in source]
    assert len(names) == 300 and len(set(names)) == 300


def test_a_folder_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    with open_source(f"folder:{stick}?settle=0.01") as source:
        assert source.wait(0.05) is None and "waiting" in str(source.problem)
        stick.mkdir()
        (stick / "a.jpg").write_bytes(picture(1))
        take(source)
        assert source.problem is None


def test_another_card_under_a_name_that_was_used_is_taken(tmp_path: Path) -> None:
    with open_source(f"folder:{tmp_path}?settle=0.01") as source:
        (tmp_path / "scan.jpg").write_bytes(picture(10))
        first = take(source)[0]
        (tmp_path / "scan.jpg").write_bytes(picture(200) + b"\0")
        second = take(source)[0]
        assert first.encoded != second.encoded


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "write one of"),
        ("camara:0", "did you mean 'camera'"),
        ("camera:", "which camera"),
        ("camera:0?widht=640", "did you mean 'width'"),
        ("camera:0?width=wide", "width"),
        ("folder:", "which folder"),
        ("folder:x?once=maybe", "yes, no"),
        ("rpicam:?width=1640", "1664"),
        ("rpicam:0", "no name"),
        ("http://", "address"),
        ("http://host:notaport/", "address"),
        ("sim:nosuchcard", "nosuchcard"),
        ("sim:?cards=-1", "between"),
        ("picamera2:", "picamera2 is not here"),
    ],
)
def test_a_source_named_wrongly_says_what_to_write(spec: str, says: str) -> None:
    with pytest.raises(SourceError, match=says.replace("?", r"\?")) as error:
        open_source(spec)
    assert isinstance(error.value, LogicienneError) and isinstance(error.value, ValueError)


def test_rows_longer_than_the_picture_are_cut(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write((b'\\x05' * 6 + b'\\xff' * 2) * 4 + b'\\x80' * 16)"
    child = rpicam.Child([sys.executable, "-c", code], 6, 4, 8)
    try:
        assert child.read().grey.tolist() == [[5] * 6] * 4
    finally:
        child.close()


# --- the simulated sitting ----------------------------------------------------------------------------------------


def test_a_simulated_sitting_is_the_same_every_time() -> None:
    spec = "sim:stadslogistiek?cards=2&seed=5&width=160&height=120&hand=shaky"
    with open_source(spec) as one, open_source(spec) as two:
        pairs = list(zip(one, two, strict=True))
        assert len(pairs) > 40 and all((a.grey == b.grey).all() for a, b in pairs)
        assert one.now_s() == two.now_s() > 2
