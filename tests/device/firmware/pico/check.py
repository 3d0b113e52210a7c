"""The Pico's board against `machine` and `rp2` of this folder; MicroPython runs it, and it prints `ok`."""

from array import array

import machine
import rp2

from device.firmware import board_pins, board_rp2
from device.firmware.frames import decode
from device.firmware.messages import LOG
from device.firmware.run import ROWS_AT_ONCE

board = board_rp2.PicoBoard()
assert len(board.uid) == 8 and board.resets == 0 and board_rp2.PicoBoard().resets == 1
board.start(4000)
pio, dma = rp2.StateMachine.latest, rp2.DMA.latest
assert pio.freq == 4000 * pio.cycles()
rows = memoryview(array("H", [0] * ROWS_AT_ONCE))


def show(levels):
    """Data bits, then clock bits, on the pins they are wired to; the free data pins float high."""
    for k, pin in enumerate(board_pins.DATA):
        machine.levels[pin] = levels >> k & 1 if k < board.rows else 1
    for k, pin in enumerate(board_pins.CLOCKS):
        machine.levels[pin] = levels >> board.rows + k & 1


def sample(count, first=0):
    """As many samples, every one other than its neighbours."""
    for k in range(first, first + count):
        show(k % 251)
        word = pio.sample()
        if word is not None:
            dma.put(word)


def got():
    return [rows[k] for k in range(board.read_rows_into(rows))]


sample(500)
assert got() == [k % 251 for k in range(500)] and board.missed == 0
assert got() == []
# Over the ring's end, in pieces.
at = 500
for _ in range(30):
    sample(400, at)
    assert got() == [k % 251 for k in range(at, at + 400)] and board.missed == 0
    at += 400
# A loop that comes too late loses the oldest samples, counts them, and keeps the order of the others.
sample(board_rp2.RING_ROWS + 100, at)
at += board_rp2.RING_ROWS + 100
first = got()
assert board.missed == 100 + board_rp2.MARGIN_ROWS
start = at - board_rp2.RING_ROWS + board_rp2.MARGIN_ROWS
assert first == [k % 251 for k in range(start, start + ROWS_AT_ONCE)]
got()
assert board.missed == 0
board.skip_rows()
assert got() == []
# After a day and a half the DMA has made all its transfers; it is started again, and says that time may have stood still.
sample(6, at)
dma.count = 0
board._taken = 2 * board_rp2.TRANSFERS - 6
dma.at = 2 * board_rp2.TRANSFERS % board_rp2.RING_ROWS
assert len(got()) == 6 and board.missed == 1 and dma.count == board_rp2.TRANSFERS
sample(8, 40)
assert got() == [40, 41, 42, 43, 44, 45, 46, 47] and board.missed == 0

show(0x95)
for k in range(16):
    machine.analogue[k] = 65535 - 1000 * k
analogue = memoryview(array("H", [0] * 8))
assert board.levels(analogue) == 0x95
assert list(analogue) == [0, 1000, 2000, 3000, 4000, 5000, 8000, 9000]
board.led(1000)
assert machine.levels[board_pins.LED] == 65535
board.led(0)
assert machine.levels[board_pins.LED] == 0
board.rest(False, False)
assert machine.fed

for prompt in (True, False):
    try:
        board.reset(prompt)
    except machine.Restarted:
        assert board_rp2.wants_prompt() is prompt
        assert not board_rp2.wants_prompt()
    else:
        raise AssertionError

# With BOOTSEL held, the line is left to the prompt; otherwise the head runs, tells of a fault, and starts anew.
told = []
rp2.button[0] = 1
__import__("main")
rp2.button[0] = 0


def broken(board):
    raise OSError("a planted fault")


board_rp2.run = broken
board_rp2.time = type("time", (), {"sleep": lambda s: told.append(s)})
board_rp2.PicoBoard.write = lambda board, frame: told.append(decode(frame[1:-1]))
try:
    board_rp2.main()
except machine.Restarted:
    assert b"a planted fault" in told[0] and told[0][0] == LOG and told[1:] == [board_rp2.FAULT_PAUSE_S]
else:
    raise AssertionError
print("ok")
