"""MicroPython's `rp2` as far as the Pico's board uses it: a PIO that runs its program, a DMA that wraps its address.

The assembler takes the globals away while a program is assembled, as the real one does.
"""

import machine
import uctypes

button = [0]


class PIO:
    SHIFT_RIGHT = 1
    JOIN_RX = 2


class _Instruction:
    def __init__(self, steps):
        self._steps = steps

    def __getitem__(self, delay):
        self._steps[-1] = self._steps[-1][:3] + (delay,)
        return self


def asm_pio(**how):
    assert how == {"in_shiftdir": 1, "out_shiftdir": 1, "autopush": True, "push_thresh": 32, "fifo_join": 2}

    def assembled(function):
        steps = []

        def instruction(name):
            def write(what, value):
                steps.append((name, what, value, 0))
                return _Instruction(steps)

            return write

        scope = function.__globals__
        kept = scope.copy()
        scope.clear()
        scope.update({name: instruction(name) for name in ("mov", "in_", "out")})
        scope.update({"pins": "pins", "osr": "osr", "null": "null", "wrap_target": lambda: None, "wrap": lambda: None})
        try:
            function()
        finally:
            scope.clear()
            scope.update(kept)
        return steps

    return assembled


class StateMachine:
    """Runs the program for one sample at a time; `words` is what its FIFO gives out."""

    latest = None

    def __init__(self, number, program, freq, in_base):
        self.program, self.freq, self.first = program, freq, in_base.number
        self.shifted = self.bits = 0
        StateMachine.latest = self

    def active(self, on):
        assert on

    def sample(self):
        """One turn of the program: the word it pushes, if it pushes one."""
        osr = word = None
        for name, what, value, _delay in self.program:
            if name == "mov":
                assert (what, value) == ("osr", "pins")
                osr = sum([machine.levels.get(self.first + k, 0) << k for k in range(32)])
            elif name == "out":
                osr >>= value
            else:
                taken = osr & (1 << value) - 1 if what == "osr" else 0
                self.shifted = (self.shifted >> value | taken << 32 - value) & 0xFFFFFFFF
                self.bits += value
                if self.bits == 32:
                    word, self.bits = self.shifted, 0
        return word

    def cycles(self):
        """Of one turn."""
        return sum([1 + delay for _, _, _, delay in self.program])


class DMA:
    latest = None

    def __init__(self):
        self.count = 0
        DMA.latest = self

    def pack_ctrl(self, **how):
        assert how["size"] == 2 and not how["inc_read"] and how["inc_write"] and how["ring_sel"]
        return how

    def config(self, read, write, count, ctrl, trigger):
        assert read is StateMachine.latest and trigger
        self.start = uctypes.addressof(write)
        self.bytes = 1 << ctrl["ring_size"]
        assert self.start % self.bytes == 0 and 2 * len(write) == self.bytes
        self.ring, self.at, self.count = write, 0, count

    def active(self):
        return self.count > 0

    def put(self, word):
        """One transfer."""
        self.ring[self.at], self.ring[self.at + 1] = word & 0xFFFF, word >> 16
        self.at = (self.at + 2) % len(self.ring)
        self.count -= 1


def bootsel_button():
    return button[0]
