"""A Raspberry Pi's ribbon camera inside this process, through the system's picamera2. `rpicam:` needs no bindings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from device.frame import Frame
from device.source import Options, Source, SourceError
from device.sources.newest import Backoff, FeedLost, Newest

SILENT_S = 5.0
"""So long without a picture, and the camera counts as lost."""


class InProcess:
    """One run of picamera2; a `Feed`. Takes the Y plane, which is the grey picture."""

    def __init__(self, module: Any, size: tuple[int, int], controls: dict[str, float]) -> None:
        self._size = size
        try:
            self._camera = module.Picamera2()
            set_up = self._camera.create_video_configuration(main={"size": size, "format": "YUV420"}, controls=controls)
            self._camera.configure(set_up)
            self._camera.start()
        # picamera2 raises IndexError without a camera and RuntimeError when libcamera refuses.
        except (IndexError, RuntimeError, OSError) as error:
            raise FeedLost(f"no ribbon camera ({error}); check the cable") from error

    def read(self) -> Frame:
        """The next frame, grey."""
        try:
            job = self._camera.capture_array("main", wait=False)
            planes = np.asarray(self._camera.wait(job, timeout=SILENT_S), np.uint8)
        except (RuntimeError, OSError, TimeoutError) as error:
            raise FeedLost(f"gives no picture any more ({error})") from error
        width, height = self._size
        return Frame("picamera2", np.ascontiguousarray(planes[:height, :width]))

    def remarks(self) -> list[str]:
        """Nothing to say."""
        return []

    def close(self) -> None:
        """Let it go."""
        self._camera.stop()
        self._camera.close()


def make(where: str, options: Options, backoff: Backoff | None = None) -> Source:
    """`picamera2:?width=1664&height=1232&shutter_us=8000&gain=1&lens=4.5`."""
    if where:
        raise SourceError(f"{options.spec}: a Pi's camera has no name; write picamera2:")
    size = (options.take("width", 1664, int, 64, 9152), options.take("height", 1232, int, 64, 6944))
    shutter_us = options.take("shutter_us", 0, int, 0, 1_000_000)
    gain = options.take("gain", 0.0, float, 0, 64)
    lens = options.take("lens", -1.0, float, -1, 40)
    controls: dict[str, float] = {"ExposureTime": shutter_us} if shutter_us else {}
    controls |= {"AnalogueGain": gain} if gain else {}
    # 0 is libcamera's AfModeManual.
    controls |= {"AfMode": 0, "LensPosition": lens} if lens >= 0 else {}
    try:
        module = import_module("picamera2")
    except ImportError as error:
        raise SourceError(
            f"{options.spec}: picamera2 is not here ({error}); it comes with Raspberry Pi OS "
            "(sudo apt install python3-picamera2, and a virtual environment with --system-site-packages). "
            "rpicam: reads the same camera without it"
        ) from error
    return Newest("ribbon camera", lambda: InProcess(module, size, controls), backoff)
