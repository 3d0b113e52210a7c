"""The tray under the camera: what is read, what waits, and that no card ever counts twice."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cards.layout import Layout
from device.frame import Frame
from reader.live import Changed, Delays, Event, Live, Refused, Seen, State
from reader.reading import Code, Punch, Reading, Reason, Rejection
from tests.builders import complete, reading

FPS = 15.0
BED = 15
GONE = Rejection((Reason(Code.NO_CARD),))


class Tray:
    """A tray whose pictures are drawn here, under a camera and a reader that says what the picture's name stands for."""

    def __init__(self, campaign: Layout, delays: Delays | None = None) -> None:
        self.layout = campaign
        self.outcomes: dict[str, Reading | Rejection] = {
            "": GONE,
            "a": reading(campaign, complete(campaign)),
            "b": reading(campaign, [*complete(campaign)[1:], campaign.questions[0].positions[1].name]),
            "cut": Rejection((Reason(Code.CUT_OFF),)),
            "other": Rejection((Reason(Code.UNKNOWN_LAYOUT),)),
            "two": Rejection((Reason(Code.TWO_CARDS),)),
        }
        self.live = Live(self.look, delays)
        self.events: list[Event] = []
        self.looks, self.k = 0, 0
        self.bed = BED
        rng = np.random.default_rng(1)
        self.noise = [rng.normal(0, 1.5, (480, 640)).astype(np.float32) for _ in range(7)]

    def look(self, frame: Frame) -> Reading | Rejection:
        self.looks += 1
        return self.outcomes[frame.name]

    def show(
        self,
        card: str = "",
        frames: int = 1,
        *,
        hand: bool = False,
        light: float = 1.0,
        moved: int = 0,
        bed: int = 0,
        crumb: bool = False,
        spot: bool = False,
    ) -> None:
        """So many frames of this."""
        for _ in range(frames):
            bed = bed or self.bed
            image = np.full((480, 640), bed, np.float32)
            if crumb:
                image[60:76, 500:516] = 150
            if card:
                x, y = (120 + moved, 140 + moved) if card != "cut" else (380, 140)
                image[y : y + 180, x : x + 400] = 200
                hole = 40 * (ord(card[0]) % 7)
                image[y + 60 : y + 90, x + 60 + hole : x + 90 + hole] = bed
            if spot:
                image[180:240, 200:300] = 400
            if hand:
                cv2.fillPoly(image, [np.array([[250, 260], [330, 260], [400, 480], [200, 480]], np.int32)], 120.0)
            image = image * np.float32(light) + self.noise[self.k % 7]
            grey = np.clip(image, 0, 255).astype(np.uint8)
            self.events += self.live.feed(Frame(card, grey), self.k / FPS)
            self.k += 1

    def lay(self, card: str) -> None:
        """A hand brings it, goes away, and it lies for a while."""
        self.show(card, 2, hand=True, moved=40)
        self.show(card, 2, hand=True)
        self.show(card, 20)

    def take_away(self) -> None:
        self.show("", 2, hand=True)
        self.show("", 8)

    def seen(self) -> list[Reading]:
        return [e.reading for e in self.events if isinstance(e, Seen)]

    def refused(self) -> list[Code]:
        return [e.rejection.reasons[0].code for e in self.events if isinstance(e, Refused)]

    def hints(self) -> list[Code]:
        return [e.hint.code for e in self.events if isinstance(e, Changed) and e.hint]

    def told(self) -> int:
        return len(self.seen()) + len(self.refused())


@pytest.fixture
def tray(campaign: Layout) -> Tray:
    """Started with nothing on it."""
    made = Tray(campaign)
    made.show("", 10)
    assert made.live.state is State.EMPTY
    return made


# --- the usual way ------------------------------------------------------------------------------------------------


def test_from_empty_to_empty(tray: Tray) -> None:
    tray.lay("a")
    tray.take_away()
    states = [e.state for e in tray.events if isinstance(e, Changed)]
    assert states == [
        State.EMPTY,
        State.SETTLING,
        State.READING,
        State.TOLD,
        State.WAITING,
        State.SETTLING,
        State.EMPTY,
    ] or (states == [State.EMPTY, State.SETTLING, State.READING, State.TOLD, State.WAITING, State.EMPTY])
    assert len(tray.seen()) == 1 and tray.refused() == []


def test_each_of_many_cards_counts_once_also_equal_ones(tray: Tray) -> None:
    for card in "abaab":
        tray.lay(card)
        tray.take_away()
    assert len(tray.seen()) == 5


def test_idle_frames_are_never_read(tray: Tray) -> None:
    before = tray.looks
    tray.show("", 300)
    assert tray.looks == before and tray.live.state is State.EMPTY


def test_a_card_that_stays_is_looked_at_a_few_times_only(tray: Tray) -> None:
    tray.lay("a")
    before = tray.looks
    tray.show("a", 300)
    assert tray.looks == before and len(tray.seen()) == 1 and tray.live.state is State.WAITING


def test_two_looks_are_needed(campaign: Layout) -> None:
    tray = Tray(campaign, Delays(settle_s=0.05, looks=3))
    tray.show("", 10)
    before = tray.looks
    tray.lay("a")
    assert tray.looks - before == 3 and len(tray.seen()) == 1


def test_a_card_pulled_away_while_the_lamp_is_on_makes_room_for_the_next(tray: Tray) -> None:
    tray.show("a", 2, moved=30)
    while tray.live.state is not State.TOLD:
        tray.show("a")
    tray.show("", 8)
    assert tray.live.state is State.EMPTY
    tray.lay("b")
    assert len(tray.seen()) == 2


# --- at the start -------------------------------------------------------------------------------------------------


def test_a_card_that_lies_there_at_the_start_is_not_counted(campaign: Layout) -> None:
    tray = Tray(campaign)
    tray.show("a", 60)
    assert tray.told() == 0 and tray.live.state is State.WAITING
    tray.take_away()
    assert tray.live.state is State.EMPTY
    tray.lay("a")
    assert len(tray.seen()) == 1


def test_started_in_the_dark_with_a_card_it_is_not_counted_when_the_lamp_goes_on(campaign: Layout) -> None:
    tray = Tray(campaign)
    tray.show("a", 20, light=0.0)
    assert tray.live.state is State.STARTING and tray.hints() == [Code.TOO_DARK]
    tray.show("a", 40)
    assert tray.told() == 0


def test_a_bed_learnt_in_a_dim_room_is_learnt_again_when_the_lamp_goes_on(campaign: Layout) -> None:
    tray = Tray(campaign)
    tray.outcomes["dim"] = GONE
    tray.show("dim", 20, light=0.25)
    assert tray.live.state is State.EMPTY
    tray.show("a", 60)
    assert tray.told() == 0, "it may have lain there in the dark"


# --- hands and movement -------------------------------------------------------------------------------------------


def test_a_hand_that_never_leaves_is_waited_for_and_mentioned(tray: Tray) -> None:
    tray.show("a", 200, hand=True)
    assert tray.told() == 0 and tray.live.state is State.SETTLING and tray.hints() == [Code.HAND]
    tray.show("a", 20)
    assert len(tray.seen()) == 1


def test_a_card_that_is_pushed_about_is_read_when_it_lies_still(tray: Tray) -> None:
    for k in range(60):
        tray.show("a", moved=2 * (k % 9))
    assert tray.told() == 0
    tray.show("a", 20)
    assert len(tray.seen()) == 1


def test_a_card_nudged_after_it_was_told_is_not_read_twice(tray: Tray) -> None:
    tray.lay("a")
    for k in range(12):
        tray.show("a", 10, moved=5 * (k % 4), hand=k % 3 == 0)
    assert len(tray.seen()) == 1 and tray.live.state is State.WAITING and Code.TWO_CARDS not in tray.hints()


def test_a_card_half_out_of_view_says_so_and_is_read_when_it_is_whole(tray: Tray) -> None:
    tray.lay("cut")
    tray.show("cut", 40)
    assert tray.told() == 0 and tray.hints()[-1] is Code.CUT_OFF
    tray.lay("a")
    assert len(tray.seen()) == 1


# --- light --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.EMPTY, State.SETTLING, State.READING, State.TOLD, State.WAITING])
def test_the_lamp_goes_out_in_any_state(campaign: Layout, state: State) -> None:
    tray = Tray(campaign, Delays(looks=4))
    tray.show("", 10)
    bring_to(tray, state)
    card = "" if state is State.EMPTY else "a"
    counted = tray.told()
    tray.show(card, 60, light=0.02)
    assert tray.told() == counted and tray.hints()[-1] is Code.TOO_DARK
    tray.show(card, 60)
    assert tray.told() == (0 if state is State.EMPTY else 1)
    tray.take_away()
    tray.lay("b")
    assert tray.told() == (1 if state is State.EMPTY else 2)


def test_a_flickering_lamp_never_makes_a_second_card(tray: Tray) -> None:
    tray.lay("a")
    for k in range(150):
        tray.show("a", light=(1.0, 0.7, 0.4, 0.9, 0.05, 1.1)[k % 6])
    tray.show("a", 30)
    assert len(tray.seen()) == 1


def test_another_light_for_good_is_another_bed(tray: Tray) -> None:
    tray.lay("a")
    tray.bed = 70
    tray.show("", 3, hand=True)
    tray.show("", 20)
    assert tray.live.state is State.EMPTY
    tray.lay("b")
    assert len(tray.seen()) == 2


def test_a_sheet_laid_over_a_told_card_and_taken_off_again_does_not_count_it_twice(tray: Tray) -> None:
    tray.lay("a")
    tray.show("", 30, bed=120)
    tray.show("a", 40)
    assert len(tray.seen()) == 1 and tray.live.state is State.WAITING
    tray.take_away()
    tray.lay("a")
    assert len(tray.seen()) == 2


# --- cards that come without the tray having been empty -----------------------------------------------------------


def test_a_card_swapped_within_one_frame_is_not_counted_but_said(tray: Tray) -> None:
    tray.lay("a")
    tray.show("b", 40)
    assert len(tray.seen()) == 1 and tray.hints()[-1] is Code.TWO_CARDS
    tray.take_away()
    tray.lay("b")
    assert len(tray.seen()) == 2


def test_a_card_swapped_while_it_is_read_is_never_mixed_with_the_other(campaign: Layout) -> None:
    tray = Tray(campaign, Delays(looks=4))
    tray.show("", 10)
    bring_to(tray, State.READING)
    tray.show("b", 30)
    assert tray.seen() == [tray.outcomes["b"]]


def test_a_second_card_laid_on_top_does_not_count(tray: Tray) -> None:
    tray.lay("a")
    tray.show("two", 2, moved=30, hand=True)
    tray.show("two", 60, moved=30)
    assert tray.told() == 1 and tray.live.state is State.WAITING


def test_looks_that_disagree_are_doubted_not_guessed(campaign: Layout) -> None:
    tray = Tray(campaign)
    tray.show("", 10)
    which = campaign.questions[0].positions[0].name
    shaky = reading(campaign, complete(campaign)[1:])
    answers = iter([tray.outcomes["a"], shaky])
    tray.live._look = lambda frame: next(answers)
    tray.show("a", 2, moved=30)
    tray.show("a", 10)
    score = tray.seen()[0].scores[which]
    assert score.doubts == ("frames",) and tray.seen()[0].punches()[which] is Punch.UNCERTAIN


# --- cards that cannot be read ------------------------------------------------------------------------------------


def test_an_unreadable_card_is_told_once_and_laid_again_is_a_new_try(tray: Tray) -> None:
    tray.lay("other")
    tray.show("other", 60)
    assert tray.refused() == [Code.UNKNOWN_LAYOUT] and tray.live.state is State.WAITING
    tray.take_away()
    tray.lay("other")
    assert tray.refused() == [Code.UNKNOWN_LAYOUT] * 2


def test_refusals_that_differ_end_after_a_while_and_never_in_a_guess(campaign: Layout) -> None:
    tray = Tray(campaign, Delays(looks_max=6))
    tray.show("", 10)
    codes = iter([Code.BLURRED, Code.UNKNOWN_LAYOUT] * 50)
    tray.live._look = lambda frame: Rejection((Reason(next(codes)),))
    tray.show("a", 2, moved=30)
    tray.show("a", 30)
    assert tray.told() == 1 and tray.seen() == []


def test_a_reflection_is_named(tray: Tray) -> None:
    tray.show("other", 20, spot=True)
    assert tray.refused() == [Code.GLARE]


def test_a_crumb_that_falls_is_dirt_until_it_is_wiped_away_and_cards_are_read_beside_it(tray: Tray) -> None:
    tray.show("", 30, crumb=True)
    assert tray.live.state is State.EMPTY and tray.hints()[-1] is Code.DIRT
    tray.show("a", 2, moved=30, crumb=True)
    tray.show("a", 20, crumb=True)
    assert len(tray.seen()) == 1
    tray.show("", 30)
    assert tray.live.state is State.EMPTY and tray.live.hint is None


# --- the camera ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.EMPTY, State.SETTLING, State.READING, State.TOLD, State.WAITING])
def test_the_camera_is_lost_and_back_in_any_state(campaign: Layout, state: State) -> None:
    tray = Tray(campaign, Delays(looks=4))
    tray.show("", 10)
    bring_to(tray, state)
    tray.events += tray.live.lost()
    assert tray.live.state is not State.READING
    tray.k += 3000
    tray.show("" if state is State.EMPTY else "a", 60)
    assert tray.told() == (0 if state is State.EMPTY else 1)
    tray.take_away()
    assert tray.live.state is State.EMPTY


def test_another_picture_size_begins_anew(tray: Tray) -> None:
    tray.events += tray.live.feed(Frame("", np.full((240, 320), BED, np.uint8)), tray.k / FPS)
    assert tray.live.state is State.STARTING


def bring_to(tray: Tray, state: State) -> None:
    """Lay a card until this state is reached."""
    if state is State.EMPTY:
        return
    tray.show("a", 2, moved=30)
    for _ in range(60):
        if tray.live.state is state:
            return
        tray.show("a")
    raise AssertionError(f"never {state}")


@pytest.mark.parametrize("seed", [2, 5, 6, 11])
def test_whatever_happens_no_card_counts_twice_and_none_that_was_laid_properly_is_missed(
    campaign: Layout, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    tray, laid, proper = Tray(campaign, Delays(told_s=0.2)), 0, 0
    tray.show("", 10)
    for _ in range(12):
        card = "ab"[rng.integers(2)]
        tray.lay(card)
        laid, proper = laid + 1, proper + 1
        for _ in range(rng.integers(6)):
            trouble = rng.integers(6)
            if trouble == 0:
                tray.show(card, int(rng.integers(1, 12)), moved=int(rng.integers(-20, 20)), hand=bool(rng.integers(2)))
            elif trouble == 1:
                for _ in range(int(rng.integers(1, 20))):
                    tray.show(card, light=float(rng.uniform(0.02, 1.2)))
            elif trouble == 2:
                tray.show(card, int(rng.integers(1, 30)), light=0.0)
            elif trouble == 3:
                tray.events += tray.live.lost()
                tray.k += int(rng.integers(500))
            elif trouble == 4:
                tray.show("", int(rng.integers(1, 20)), bed=int(rng.integers(60, 200)))
            else:
                # Laid in its place, within one frame or under a sheet: another laying.
                laid, card = laid + 1, "ab"[rng.integers(2)]
            tray.show(card, int(rng.integers(20)), crumb=bool(rng.integers(2)))
        assert tray.told() <= laid
        tray.take_away()
        tray.show("", 10)
    assert tray.refused() == [] and tray.told() <= laid
    assert tray.told() >= proper - 1 and tray.live.state is State.EMPTY
