"""Can every sensor see the light, and does every one see that it is gone?"""

import struct
from array import array

from .board import Board


class Limits:
    """dark_max, light_min: per channel, of the analogue levels. Until the host says others, the digital levels alone decide."""

    def __init__(self, channels: int) -> None:
        self.dark_max = array("H", [65535] * channels)
        self.light_min = array("H", [0] * channels)

    def set(self, body: bytes) -> None:
        """From a THRESH message's body, which is long enough."""
        for k in range(len(self.dark_max)):
            self.dark_max[k], self.light_min[k] = struct.unpack_from("<HH", body, 4 * k)


class SelfTest:
    """One look at the bar with the light off, one with it on. A clock sensor sees air both times, and brings its own light."""

    def __init__(self, board: Board, limits: Limits) -> None:
        self._board = board
        self._limits = limits
        channels = board.rows + board.clocks
        self.ok = False
        self.lit = 0
        self.unlit = 0
        self.analogue_lit = memoryview(array("H", [0] * channels))
        self.analogue_unlit = memoryview(array("H", [0] * channels))

    def run(self, duty: int) -> bool:
        """Look; the light is at `duty` again afterwards. The samples that were taken meanwhile mean nothing."""
        board = self._board
        board.led(0)
        self.unlit = board.levels(self.analogue_unlit)
        # The light last: what is sampled from here on was taken with the light on and settled.
        board.led(duty)
        self.lit = board.levels(self.analogue_lit)
        board.skip_rows()
        self.ok = all(self._sound(k) for k in range(board.rows + board.clocks))
        return self.ok

    def body(self) -> bytes:
        """As the SELFTEST message has it."""
        return (
            struct.pack("<BHH", self.ok, self.lit, self.unlit) + bytes(self.analogue_lit) + bytes(self.analogue_unlit)
        )

    def _sound(self, k: int) -> bool:
        limits = self._limits
        data = k < self._board.rows
        if (self.lit >> k & 1) != data or self.unlit >> k & 1:
            return False
        if self.analogue_unlit[k] > limits.dark_max[k]:
            return False
        return self.analogue_lit[k] >= limits.light_min[k] if data else self.analogue_lit[k] <= limits.dark_max[k]
