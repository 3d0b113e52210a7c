"""The loop: what came from the host, what came from the bar, one step, again."""

from array import array

from .board import Board
from .core import Head

ROWS_AT_ONCE = 512


def run(board: Board) -> None:
    """Until the board is reset."""
    head = Head(board)
    rows = memoryview(array("H", [0] * ROWS_AT_ONCE))
    head.start()
    while True:
        data = board.read()
        count = board.read_rows_into(rows)
        busy = head.step(board.ticks_us(), data, rows, count)
        board.rest(busy or count == ROWS_AT_ONCE, head.settled)
