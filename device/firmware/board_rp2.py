"""A Pico or Pico 2: PIO and DMA sample the pins into a ring of memory by themselves; the loop looks in every few milliseconds.

Needs MicroPython 1.22 or later (rp2.DMA). On a Pico 2 the inputs must be driven (erratum E9: its own pull-downs latch): the
74HC14 and the comparator do that.
"""

# mypy: disable-error-code="name-defined,attr-defined"

import os
import select
import sys
import time
from array import array

import machine
import micropython
import rp2
import uctypes

from . import board_pins as wiring
from .board import Board
from .frames import encode
from .messages import LOG
from .run import run

RING_BITS = 13
RING_ROWS = (1 << RING_BITS) // 2
"""8 KB: a second at 4 kHz, twice what a USB write to a sleeping host may take."""
MARGIN_ROWS = 64
"""So near to the DMA's place a row may be overwritten while it is copied."""
TRANSFERS = (1 << 28) - 1
"""A day and a half of samples, two in a transfer; the most that a Pico 2 counts."""
DREQ_PIO0_RX0 = 4
CYCLES = 8
PWM_HZ = 100_000
"""Far above what a phototransistor with 10 kilohms follows: it sees the mean."""
SETTLE_MS = 2
MUX_SETTLE_US = 50
WATCHDOG_MS = 8000
FAULT_PAUSE_S = 3

SCRATCH = (0x400D8000 if "RP2350" in sys.implementation._machine else 0x40058000) + 0x0C
"""The watchdog's scratch registers 0 and 1: they survive a reset, and are zero when power comes."""
STAY_AT_PROMPT = 0x4C504552


def sampler(rows: int, gap: int) -> object:
    """The PIO program: data pins, then both clock pins, as one u16, two to a word. gap: from first data to first clock pin."""

    # The decorator takes all globals away while it assembles; the names it needs instead come from it, the numbers from here.
    @rp2.asm_pio(  # type: ignore[untyped-decorator,unused-ignore]
        in_shiftdir=rp2.PIO.SHIFT_RIGHT,
        out_shiftdir=rp2.PIO.SHIFT_RIGHT,
        autopush=True,
        push_thresh=32,
        fifo_join=rp2.PIO.JOIN_RX,
    )
    def program() -> None:
        wrap_target()  # noqa: F821
        mov(osr, pins)  # noqa: F821
        in_(osr, rows)  # noqa: F821
        out(null, gap)  # noqa: F821
        in_(osr, 2)  # noqa: F821
        in_(null, 14 - rows)[3]  # noqa: F821  # five instructions and three cycles more
        wrap()  # noqa: F821

    return program


class PicoBoard(Board):
    """The bar of sensors at the pins that `board_pins` names."""

    rows = wiring.ROWS
    bar = wiring.BAR

    def __init__(self) -> None:
        self.uid = machine.unique_id()
        self.resets = machine.mem32[SCRATCH + 4] & 0xFFFF
        machine.mem32[SCRATCH + 4] = self.resets + 1
        wired = wiring.DATA[: wiring.ROWS] + wiring.CLOCKS
        self._pins = [machine.Pin(n, machine.Pin.IN) for n in wired]
        self._inputs = list(range(wiring.ROWS))
        self._inputs.extend((len(wiring.DATA), len(wiring.DATA) + 1))
        self._mux = [machine.Pin(n, machine.Pin.OUT) for n in wiring.MUX]
        self._adc = machine.ADC(machine.Pin(wiring.ADC))
        self._led = machine.PWM(machine.Pin(wiring.LED))
        self._led.freq(PWM_HZ)
        # The DMA wraps its address at a multiple of the ring's size; in twice the room there is one.
        room = array("H", bytes(4 * RING_ROWS))
        first = -uctypes.addressof(room) % (2 * RING_ROWS) // 2
        self._ring = memoryview(room)[first : first + RING_ROWS]
        self._taken = 0
        self._in = select.poll()
        self._in.register(sys.stdin, select.POLLIN)
        self._out = select.poll()
        self._out.register(sys.stdout, select.POLLOUT)

    def ticks_us(self) -> int:
        """MicroPython's own clock."""
        return int(time.ticks_us())

    def start(self, rate_hz: int) -> None:
        """Sampling, and the watchdog with it: a loop that hangs for 8 s starts the head anew."""
        program = sampler(self.rows, wiring.CLOCKS[0] - wiring.DATA[0])
        self._machine = rp2.StateMachine(0, program, freq=CYCLES * rate_hz, in_base=machine.Pin(wiring.DATA[0]))
        self._dma = rp2.DMA()
        self._dma_ctrl = self._dma.pack_ctrl(
            size=2, inc_read=False, inc_write=True, ring_sel=True, ring_size=RING_BITS, treq_sel=DREQ_PIO0_RX0
        )
        self._fill()
        self._machine.active(1)
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)

    def read_rows_into(self, rows: "memoryview[int]") -> int:
        """From where the last call ended, to where the DMA is."""
        fresh = 2 * (TRANSFERS - self._dma.count) - self._taken
        self.missed = max(fresh - (RING_ROWS - MARGIN_ROWS), 0)
        self._taken += self.missed
        fresh -= self.missed
        count: int = min(fresh, len(rows))
        at = self._taken % RING_ROWS
        first = min(count, RING_ROWS - at)
        rows[:first] = self._ring[at : at + first]
        rows[first:count] = self._ring[: count - first]
        self._taken += count
        if count == fresh and not self._dma.active():
            self._fill()
            # While it stood still the PIO may have waited, and time with it.
            self.missed += 1
        return count

    def skip_rows(self) -> None:
        """What the DMA has written; the two samples at most that the PIO still holds were taken after the light had settled."""
        self._taken = 2 * (TRANSFERS - self._dma.count)

    def led(self, duty: int) -> None:
        """By PWM."""
        self._led.duty_u16(duty * 65535 // 1000)

    def levels(self, analogue: "memoryview[int]") -> int:
        """Through the multiplexer. More light draws the collector lower, so the ADC's reading is turned over."""
        time.sleep_ms(SETTLE_MS)
        digital = 0
        for k in range(len(self._pins)):
            for bit in range(len(self._mux)):
                self._mux[bit].value(self._inputs[k] >> bit & 1)
            time.sleep_us(MUX_SETTLE_US)
            analogue[k] = 65535 - self._adc.read_u16()
            digital |= self._pins[k].value() << k
        return digital

    def random(self) -> int:
        """From the ring oscillator."""
        return int.from_bytes(os.urandom(4), "little")

    def read(self) -> bytes:
        """A read of more than is there would wait, so byte by byte."""
        if not self._in.poll(0):
            return b""
        data = bytearray()
        while len(data) < 64 and self._in.poll(0):
            data += sys.stdin.buffer.read(1)
        return bytes(data)

    def write(self, frame: bytes) -> bool:
        """A host that sleeps takes nothing, or a part after half a second."""
        if not self._out.poll(0):
            return False
        return bool(sys.stdout.buffer.write(frame) == len(frame))

    def rest(self, busy: bool, settled: bool) -> None:
        """There is always something to sample; only the watchdog hears that all is well."""
        self._watchdog.feed()

    def reset(self, prompt: bool) -> None:
        """Through the watchdog, so that the scratch registers tell the next start what to do."""
        machine.mem32[SCRATCH] = STAY_AT_PROMPT if prompt else 0
        machine.reset()

    def _fill(self) -> None:
        self._taken = 0
        self._dma.config(read=self._machine, write=self._ring, count=TRANSFERS, ctrl=self._dma_ctrl, trigger=True)


def wants_prompt() -> bool:
    """Whether this start is to leave the line to MicroPython's prompt: told so before the reset, or BOOTSEL is held."""
    told = machine.mem32[SCRATCH] == STAY_AT_PROMPT
    machine.mem32[SCRATCH] = 0
    return bool(told or rp2.bootsel_button())


def main() -> None:
    """Runs the head. After a fault it tells the host, waits (Ctrl-C gets the prompt then), and starts anew."""
    board = PicoBoard()
    try:
        run(board)
    except Exception as fault:  # noqa: BLE001  (whatever it was: a head that stands still helps nobody)
        board.write(encode(bytes((LOG, 0)) + repr(fault).encode()[:200]))
        micropython.kbd_intr(3)
        time.sleep(FAULT_PAUSE_S)
        board.reset(False)
