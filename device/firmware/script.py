"""What a scripted bar shows: JSON, a line each, from a file or a FIFO that somebody writes while it plays.

    [1500, 62]                      1500 µs later the channels show these levels (bits as in docs/protocol.md)
    "wait"                          hold for 300 ms, then until the head is armed, tested, and all cards are acknowledged
    "reset"                         the head loses its power for a moment
    {"miss": 40}                    40 samples are not taken
    {"channel": 3, "stuck": 0}      from now on the sensor shows this, whatever is scripted; null: it is sound again
    {"channel": 3, "light": 40000, "dark": 2500}        its analogue levels, of 65535

Times count from the line before; after "wait", and after a FIFO that had run dry, from the moment it went on.
"""

import json
import select


class Script:
    """The lines of a script, one at a time, without ever waiting for one.

    over: nothing more will come. Raises `ValueError` for a line that means nothing.
    """

    def __init__(self, path: str) -> None:
        self.over = False
        self._number = 0
        self._file = open(path, "rb", 0)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def next(self) -> object:
        """The next line's meaning; `None` when there is none (yet)."""
        while not self.over and self._poll.poll(0):
            line = self._file.readline()
            if not line:
                self.over = True
                self._file.close()
                break
            self._number += 1
            if line.strip():
                return self._meaning(line)
        return None

    def _meaning(self, line: bytes) -> object:
        try:
            item = json.loads(line)
        except ValueError:
            item = None
        if item in ("wait", "reset") or (isinstance(item, dict) and ("miss" in item or "channel" in item)):
            return item
        if isinstance(item, list) and len(item) == 2 and all(isinstance(n, int) and n >= 0 for n in item):
            return item
        raise ValueError(f"line {self._number} of the script is none of those that firmware/script.py lists")
