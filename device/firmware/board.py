"""What a board must do for the head; the Pico's is `board_rp2`, a scripted one `board_unix`."""

TICKS_PERIOD = 1 << 30
"""`ticks_us` begins anew after so many, as MicroPython's does."""


class Board:
    """A bar of sensors, its light, and the line to the host.

    rows, clocks: data and clock sensors. bar: the id of the mechanical bar, as layouts name it. uid: 8 bytes, of this head.
    resets: starts since power came, but for the first. missed: samples lost at the last `read_rows_into`.
    """

    rows = 0
    clocks = 2
    bar = ""
    uid = bytes(8)
    resets = 0
    missed = 0

    def ticks_us(self) -> int:
        """A clock that counts modulo `TICKS_PERIOD`."""
        raise NotImplementedError

    def start(self, rate_hz: int) -> None:
        """Sample all channels so many times a second from now on; the rate divides a million."""
        raise NotImplementedError

    def read_rows_into(self, rows: "memoryview[int]") -> int:
        """Move the oldest samples that were not read yet into `rows` (u16 levels each); how many."""
        raise NotImplementedError

    def skip_rows(self) -> None:
        """Forget the samples that were not read yet."""
        raise NotImplementedError

    def led(self, duty: int) -> None:
        """The bar's light, in 1/1000."""
        raise NotImplementedError

    def levels(self, analogue: "memoryview[int]") -> int:
        """What the channels show now, once the light has settled: analogue into `analogue` (65535 is the most light), digital."""
        raise NotImplementedError

    def random(self) -> int:
        """32 bits that differ from start to start."""
        raise NotImplementedError

    def read(self) -> bytes:
        """What the host has sent; nothing if nothing has come."""
        raise NotImplementedError

    def write(self, frame: bytes) -> bool:
        """Write a frame; whether all of it went out."""
        raise NotImplementedError

    def rest(self, busy: bool, settled: bool) -> None:
        """Between two steps. busy: there is more to send. settled: armed, tested, and every card is with the host."""
        raise NotImplementedError

    def reset(self, prompt: bool) -> None:
        """Start anew, or stop and leave the line to MicroPython's prompt. Does not return."""
        raise NotImplementedError
