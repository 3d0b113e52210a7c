"""Starts a simulated head under any Python: `micropython run_unix.py --script card.jsonl`. See `board_unix`."""

import sys

here = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
sys.path.insert(0, here + "/..")

from firmware.board_unix import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
