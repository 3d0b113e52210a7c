"""A camera's newest frame, from a thread that keeps its queue empty, and its return after it was lost.

What kinds of cameras differ in is a `Feed`: one connection, which gives frames until it breaks. What they share is here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2

from device.frame import Frame
from device.source import Source

CLOSE_S = 6.0
"""How long `close` waits for the camera to let go: longer than any feed stays silent."""
TROUBLE = (cv2.error, OSError, RuntimeError)
"""What drivers raise besides; a camera's trouble must never end the thread that waits for its return."""


class FeedLost(Exception):
    """The camera gives nothing any more; the text says why, in words for people."""


class Feed(Protocol):
    """One connection to a camera."""

    def read(self) -> Frame:
        """The next frame. Raises `FeedLost`, also when nothing comes for seconds: it never blocks for ever."""
        ...

    def remarks(self) -> list[str]:
        """What people should know about this connection: a setting that the camera does not take."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


@dataclass(frozen=True)
class Backoff:
    """How long to wait before trying again: `first_s`, then twice as long each time, at most `most_s`."""

    first_s: float = 0.5
    most_s: float = 10.0

    def after(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row (1, 2, …)."""
        return float(min(self.first_s * 2.0 ** min(failures - 1, 30), self.most_s))


class Newest(Source):
    """A camera that may be unplugged and comes back. `connect` opens it, and raises `FeedLost` when it is not there."""

    def __init__(self, name: str, connect: Callable[[], Feed], backoff: Backoff | None = None) -> None:
        super().__init__(name)
        # OpenCV warns on standard error at every try; what a person needs to know stands in `problem`.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._connect, self._backoff = connect, backoff or Backoff()
        self._new = threading.Condition()
        self._frame: Frame | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"frames of {name}", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not given yet."""
        with self._new:
            self._new.wait_for(lambda: self._frame is not None or self.ended, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Let the camera go."""
        self._stop.set()
        with self._new:
            self.ended = True
            self._new.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)

    def _work(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                feed = self._connect()
            except (FeedLost, *TROUBLE) as lost:
                failures += 1
                self._lost(lost)
            else:
                failures = self._take_all(feed, failures)
            self._stop.wait(self._backoff.after(max(failures, 1)))

    def _take_all(self, feed: Feed, failures: int) -> int:
        """Take frames until the feed breaks; returns failures in a row, so that a loose plug is not tried in a rush."""
        try:
            while not self._stop.is_set():
                frame = feed.read()
                failures = 0
                self._found(feed)
                with self._new:
                    self._frame = frame
                    self._new.notify_all()
        except (FeedLost, *TROUBLE) as lost:
            failures += 1
            self._lost(lost)
        finally:
            feed.close()
        return failures

    def _lost(self, lost: Exception) -> None:
        if not self._stop.is_set():
            with self._new:
                # A picture from before is no look at what lies there now.
                self._frame = None
                self.problem = f"{self.name}: {lost}; waiting for it"

    def _found(self, feed: Feed) -> None:
        for remark in feed.remarks():
            self.notice(f"{self.name}: {remark}")
        if self.problem is not None:
            self.problem = None
            self.notice(f"{self.name}: there again")
