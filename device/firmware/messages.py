"""Types, states and formats of the head's messages, version 1: what docs/protocol.md says, for either side."""

VERSION = 1

HELLO = 0x01
ARM = 0x02
LED_PWM = 0x03
LEVELS = 0x04
THRESH = 0x05
SELFTEST = 0x06
CREDIT = 0x07
CARD_ACK = 0x08
STATS = 0x09
REBOOT = 0x0A

CAPS = 0x81
HEARTBEAT = 0x82
CARD = 0x83
LEVELS_NOW = 0x84
SELFTEST_RESULT = 0x85
LOG = 0x8E
ACK = 0x8F

DONE = 0
NOT_UNDERSTOOD = 2
CARD_IN_BAR = 3
"""The states of an ACK."""

ARMED = 1
IN_BAR = 2
SELFTEST_FAILED = 4
RING_FULL = 8
"""The flags of a heartbeat."""

BOOT_MAGIC = 0x544F4F42
PROMPT_MAGIC = 0x4C504552
"""The two orders of REBOOT: start anew; leave the line to MicroPython's prompt ("REPL")."""

LEVELS_ONCE = 0
LEVELS_STOP = 65535

HELLO_FORMAT = "<BI"
CAPS_FORMAT = "<B8sIIBBBH"
HEARTBEAT_FORMAT = "<IIIHBBHIIIIIIII"
CARD_FORMAT = "<QHBBHI"
"""Of what follows type and seq; texts, analogue levels and the card's bytes come after it."""

PART_BYTES = 200
CREDIT_FRAMES = 16
CREDIT_STALE = 256
"""How many CARD frames the host lets be under way; an `upto` so far ahead of `sent` is from before a HELLO."""
