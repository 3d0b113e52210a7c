"""What the Pico runs when power comes; lies beside the folder `firmware` there."""

from firmware import board_rp2

if not board_rp2.wants_prompt():
    board_rp2.main()
