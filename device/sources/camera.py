"""A USB camera through V4L2. Exposure, white balance and focus are left to it for a second, then locked.

A camera that goes on adjusting itself changes the picture whenever a card is laid down. What a driver refuses to lock
is said once, and the camera is used all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from device.frame import Frame
from device.source import Options, Source, SourceError, one_of
from device.sources.newest import Backoff, FeedLost, Newest

WARM_UP_S = 1.0
"""How long the camera may adjust itself before it is locked."""
MISSES_MAX = 5
"""Reads in a row without a picture: the camera is gone, not merely slow."""
MANUAL_EXPOSURE = 1.0
"""V4L2's `V4L2_EXPOSURE_MANUAL`, which OpenCV passes on as it is."""

Open = Callable[[int | str, int], Any]


class UsbCamera:
    """One connection to a V4L2 camera; a `Feed`."""

    def __init__(
        self,
        device: int | str,
        size: tuple[int, int],
        fps: float,
        exposure: float | None,
        lock: bool = True,
        open_: Open | None = None,
    ) -> None:
        self._capture = (open_ or cv2.VideoCapture)(device, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            self._capture.release()
            raise FeedLost("not there, or another program holds it")
        self._name = str(device)
        self._exposure, self._lock = exposure, lock
        self._remarks: list[str] = []
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, size[0]),
            (cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
            (cv2.CAP_PROP_FPS, fps),
            # One buffer where the driver allows it; the thread keeps it empty.
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            self._capture.set(key, float(value))
        self._lock_at = time.monotonic() + WARM_UP_S

    def read(self) -> Frame:
        """The next frame, in colour."""
        for _ in range(MISSES_MAX):
            done, image = self._capture.read()
            if done and image is not None and image.size:
                if self._lock and time.monotonic() >= self._lock_at:
                    self._lock_now()
                return frame_of(self._name, image)
        raise FeedLost("gives no picture any more; is it unplugged?")

    def remarks(self) -> list[str]:
        """What could not be locked."""
        said, self._remarks = self._remarks, []
        return said

    def close(self) -> None:
        """Let it go."""
        self._capture.release()

    def _lock_now(self) -> None:
        self._lock = False
        get, put = self._capture.get, self._capture.set
        exposure = get(cv2.CAP_PROP_EXPOSURE) if self._exposure is None else self._exposure
        locked = {
            "exposure": put(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE) and put(cv2.CAP_PROP_EXPOSURE, exposure),
            "white balance": put(cv2.CAP_PROP_AUTO_WB, 0.0),
            "focus": put(cv2.CAP_PROP_AUTOFOCUS, 0.0),
        }
        refused = [name for name, done in locked.items() if not done]
        if refused:
            self._remarks.append(f"the driver does not lock {', '.join(refused)}; keep the light as it is")


def frame_of(name: str, image: Any) -> Frame:
    """A captured image, (height, width) grey or (height, width, 3) blue-green-red, as a frame."""
    array = np.asarray(image, np.uint8)
    if array.ndim == 2:
        return Frame(name, array)
    return Frame(name, np.asarray(cv2.cvtColor(array, cv2.COLOR_BGR2GRAY), np.uint8), bgr=array)


def make(where: str, options: Options, open_: Open | None = None, backoff: Backoff | None = None) -> Source:
    """`camera:0?width=1640&height=1232&fps=15&exposure=200&lock=yes`; `open_` stands in for `cv2.VideoCapture`."""
    if not where:
        raise SourceError(f"{options.spec}: which camera? Write camera:0 or camera:/dev/v4l/by-id/…")
    device = int(where) if where.isdecimal() else where
    size = (options.take("width", 1640, int, 160, 8192), options.take("height", 1232, int, 120, 8192))
    fps = options.take("fps", 15.0, float, 1, 240)
    exposure = options.take("exposure", None, float)
    lock = options.take("lock", "yes", one_of("yes", "no")) == "yes"
    return Newest(f"camera {where}", lambda: UsbCamera(device, size, fps, exposure, lock, open_), backoff)
