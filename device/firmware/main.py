"""What the Pico runs when power comes; lies beside the folder `firmware` there."""

import micropython

# First of all: a host may greet already, its frames hold the byte of Ctrl-C, and importing takes a second.
micropython.kbd_intr(-1)

from firmware import board_rp2  # noqa: E402

if board_rp2.wants_prompt():
    micropython.kbd_intr(3)
else:
    board_rp2.main()
