"""Whatever the bar shows, a card's bytes say it sample by sample."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from device.firmware.recorder import QUIET_US, Recorder
from device.firmware.ring import Ring
from tests.device.firmware.rig import DATA, PERIOD_US, entries

QUIET = QUIET_US // PERIOD_US
levels = st.integers(0, 255) | st.just(DATA)
runs = st.lists(st.tuples(st.integers(1, QUIET - 1), levels), min_size=1, max_size=40)


def samples(blob: bytes) -> list[int]:
    """The card played back, from the last sample of the empty bar to the last change."""
    before, lost, found, after = entries(blob)
    assert before == DATA and lost == 0 and after == found[-1][1]
    played: list[int] = []
    level = before
    for dt_us, following in found:
        played += [level] * (dt_us // PERIOD_US)
        level = following
    return [*played, level]


@given(runs, st.lists(st.integers(1, 512), min_size=1, max_size=20))
def test_a_card_played_back_is_what_was_shown(shown: list[tuple[int, int]], blocks: list[int]) -> None:
    rows = [DATA] * QUIET + [level for count, level in shown for _ in range(count)] + [DATA] * QUIET
    recorder = Recorder(Ring(40, 4096), DATA, PERIOD_US)
    recorder.allowed = True
    at = k = 0
    while at < len(rows):
        block = rows[at : at + blocks[k % len(blocks)]]
        recorder.take(memoryview(array("H", block)), len(block))
        at, k = at + len(block), k + 1
    kept = [bytes(slot.data[: slot.length]) for slot in recorder.ring.kept]
    assert [b for blob in kept for b in samples(blob)] == [b for card in cards(rows) for b in card]


def cards(rows: list[int]) -> list[list[int]]:
    """The same by looking at all samples at once: from before a change to the empty state that lasts."""
    found: list[list[int]] = []
    begun, still = None, 0
    for k, level in enumerate(rows):
        still = still + 1 if level == DATA else 0
        if begun is None and level != DATA:
            begun = k - 1
        elif begun is not None and still == QUIET:
            found.append(rows[begun : k - QUIET + 2])
            begun = None
    return found
