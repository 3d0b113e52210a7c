"""Small display, receipts, and several panels as one: on the libraries' own dummy devices."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from device.panel import Light, LogPanel, Sign
from device.panels.display import Display, open_display, picture
from device.panels.errors import PanelError
from device.panels.receipt import KEPT_S, Receipts, open_printer
from device.panels.together import Together
from tests.needs import need

SLIP = ("How do you do it?", "  you: Vélo, 5 €")


def pixels(sign: Sign, size: tuple[int, int] = (128, 64)) -> Any:
    return np.asarray(picture(sign, size))


def test_every_light_has_a_drawing_of_its_own() -> None:
    lights: tuple[Light, ...] = ("off", "busy", "green", "amber", "red")
    drawn = [pixels(Sign(light, "")) for light in lights]
    assert not drawn[0].any()
    for k, a in enumerate(drawn):
        for b in drawn[k + 1 :]:
            assert (a != b).sum() > 30


@pytest.mark.parametrize("size", [(128, 64), (128, 32), (64, 48), (256, 64)])
def test_a_long_text_stays_within_the_display(size: tuple[int, int]) -> None:
    word = "onaanvaardbaarlangwoord " * 12
    assert pixels(Sign("amber", word, (word,)), size).shape == size[::-1]


def test_the_device_shows_the_picture_and_is_not_lit_twice_for_one_sign() -> None:
    need(importlib.util.find_spec("luma"), "luma.oled", "pip install luma.oled")
    from luma.core.device import dummy

    device = dummy(width=128, height=64, mode="1")
    shown: list[Any] = []
    show = device.display
    device.display = lambda image: (shown.append(image), show(image))
    display = Display(device)
    sign = Sign("green", "accepted: thank you")
    display.show(sign)
    display.show(Sign("green", "accepted: thank you"))
    assert len(shown) == 1
    assert (np.asarray(device.image.convert("1")) == pixels(sign)).all()
    display.close()


def test_a_display_that_is_not_there_is_said() -> None:
    need(importlib.util.find_spec("luma"), "luma.oled", "pip install luma.oled")
    with pytest.raises(PanelError, match="I²C"):
        open_display("ssd1306")


class Paper:
    def __init__(self) -> None:
        need(importlib.util.find_spec("escpos"), "python-escpos", "pip install python-escpos")
        from escpos.printer import Dummy

        self.printer, self.now_s, self.said = Dummy(), 0.0, list[str]()
        self.receipts = Receipts(self.printer, self.said.append, lambda: self.now_s)

    def printed(self) -> bytes:
        data: bytes = self.printer.output
        self.printer.clear()
        return data


def test_a_receipt_is_printed_only_when_asked_for_and_only_once() -> None:
    paper = Paper()
    paper.receipts.show(Sign("green", "accepted", verdict=True, slip=SLIP))
    assert paper.printed() == b""
    assert paper.receipts.print_now()
    out = paper.printed()
    assert b"How do you do it?" in out and b"you: V\x82lo" in out
    assert out.endswith(b"V\x00") or b"\x1dV" in out  # the cut
    assert not paper.receipts.print_now() and paper.printed() == b""


@pytest.mark.parametrize("later", ["a minute", "the next card", "a card in hand", "the end"])
def test_a_receipt_is_forgotten(later: str) -> None:
    paper = Paper()
    paper.receipts.show(Sign("green", "accepted", verdict=True, slip=SLIP))
    if later == "a minute":
        paper.now_s += KEPT_S + 1
    elif later == "the next card":
        paper.receipts.show(Sign("red", "once more", verdict=True))
    elif later == "a card in hand":
        paper.receipts.show(Sign("busy", "reading"))
    else:
        paper.receipts.close()
    assert not paper.receipts.print_now() and paper.printed() == b""


def test_a_sign_of_rest_leaves_the_receipt_to_be_asked_for() -> None:
    paper = Paper()
    paper.receipts.show(Sign("green", "accepted", verdict=True, slip=SLIP))
    paper.receipts.show(Sign("off", "take the card away"))
    assert paper.receipts.print_now()


def test_a_printer_without_paper_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper()

    def fail(text: str) -> None:
        raise OSError("out of paper")

    monkeypatch.setattr(paper.printer, "text", fail)
    paper.receipts.show(Sign("green", "accepted", verdict=True, slip=SLIP))
    assert not paper.receipts.print_now() and "out of paper" in paper.said[0]


@pytest.mark.parametrize("spec", ["", "usb:", "usb:zz:1", "paper:here", "serial:", "file"])
def test_a_printer_that_is_named_wrongly_is_refused(spec: str) -> None:
    need(importlib.util.find_spec("escpos"), "python-escpos", "pip install python-escpos")
    with pytest.raises(PanelError, match="write one like usb:"):
        open_printer(spec)


class Broken:
    def __init__(self) -> None:
        self.tries = 0

    def show(self, sign: Sign) -> None:
        self.tries += 1
        raise RuntimeError("burnt out")

    def say(self, text: str) -> None:
        raise RuntimeError("burnt out")

    def close(self) -> None:
        raise RuntimeError("burnt out")


class Lines:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...


def test_a_panel_that_fails_is_said_once_on_the_others_and_tried_again() -> None:
    out, broken = Lines(), Broken()
    both = Together([LogPanel(out), broken])  # type: ignore[arg-type]
    for k in range(3):
        both.show(Sign("green", f"card {k}", verdict=True, counts=str(k)))
    both.close()
    assert broken.tries == 3
    assert out.text.count("burnt out") == 1 and out.text.count("card") == 3
