"""A network camera: MJPEG over http(s), or rtsp, through OpenCV's FFmpeg, which must neither open nor read for ever."""

from __future__ import annotations

from urllib.parse import urlsplit

import cv2

from device.frame import Frame
from device.source import Options, Source, SourceError
from device.sources.camera import frame_of
from device.sources.newest import Backoff, FeedLost, Newest

OPEN_MS, READ_MS = 5000, 5000
"""How long a camera may take to answer, and to send its next picture, before it counts as lost."""


class Stream:
    """One connection to a network camera; a `Feed`."""

    def __init__(self, url: str, open_ms: int = OPEN_MS, read_ms: int = READ_MS) -> None:
        timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, open_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_ms]
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
        self._name = shown(url)
        if not self._capture.isOpened():
            self._capture.release()
            raise FeedLost("does not answer; check the network, the address and the camera's power")

    def read(self) -> Frame:
        """The next frame, in colour."""
        done, image = self._capture.read()
        if not done or image is None:
            raise FeedLost("sends no picture any more")
        return frame_of(self._name, image)

    def remarks(self) -> list[str]:
        """Nothing to say."""
        return []

    def close(self) -> None:
        """Let it go."""
        self._capture.release()


def shown(url: str) -> str:
    """The address without the user, the password and the query that may stand in it: this reaches screens and logs."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def make(where: str, options: Options, backoff: Backoff | None = None) -> Source:
    """`http://…`, `https://…`, `rtsp://…`: the whole address, its query included."""
    try:
        parts = urlsplit(where)
        if not where.startswith(f"{parts.scheme}://") or not parts.hostname or (parts.port or 1) < 1:
            raise ValueError("no host in it")
    except ValueError as error:
        raise SourceError(
            f"{options.spec}: no address of a camera ({error}); write http://camera.local:8080/stream"
        ) from error
    return Newest(f"network camera {shown(where)}", lambda: Stream(where), backoff)
