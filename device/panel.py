"""What answers the resident: lamps one day, a terminal until then. A panel is told what to show and decides nothing.

Never before the card is on disk: whoever calls `Panel.show` with green has kept it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal, Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel as Box
from rich.text import Text

Light = Literal["off", "busy", "green", "amber", "red"]
SIGNS: dict[Light, str] = {"off": "·", "busy": "…", "green": "✔", "amber": "?", "red": "✘"}
"""A colour never stands alone: a sign and a word go with it."""
STYLES: dict[Light, str] = {"off": "dim", "busy": "cyan", "green": "green", "amber": "yellow", "red": "red"}


@dataclass(frozen=True)
class Sign:
    """One thing to show.

    light: the lamp. word: the state or verdict, in people's language. lines: more, for the eyes of whoever stands
    there; they may name answers. log: the same for a log, without any answer. counts: the sitting so far. verdict:
    whether this is about one card, and stays when the next state is shown. slip: lines of a receipt, should whoever fed
    the card ask for one; they name answers, and go nowhere else.
    """

    light: Light
    word: str
    lines: tuple[str, ...] = ()
    log: str = ""
    counts: str = ""
    verdict: bool = False
    slip: tuple[str, ...] = ()


class Panel(Protocol):
    """Something that shows signs to people."""

    def show(self, sign: Sign) -> None:
        """Show it, instead of what was shown before."""
        ...

    def say(self, text: str) -> None:
        """Say something once, beside the signs."""
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...


class LogPanel:
    """Lines of plain text, for a log: verdicts and troubles, no answers, no times."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._last = stream, ""

    def show(self, sign: Sign) -> None:
        """A line, when it is another one than before or about another card."""
        line = " ".join(filter(None, (SIGNS[sign.light], sign.light, sign.log or sign.word)))
        if sign.verdict:
            line = f"{line}  ({sign.counts})"
        elif line == self._last:
            return
        self._last = line
        self.say(line)

    def say(self, text: str) -> None:
        """The text as a line, now."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to let go of."""


class TerminalPanel:
    """A box that stays in its place: state, last verdict with its reasons, counts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state, self._verdict = Sign("off", ""), Sign("off", "")
        self._live = Live(self._box(), console=console, auto_refresh=False, transient=False)
        self._live.start()

    def show(self, sign: Sign) -> None:
        """Draw the box again."""
        if sign.verdict:
            self._verdict = sign
        self._state = sign
        self._live.update(self._box(), refresh=True)

    def say(self, text: str) -> None:
        """A line above the box."""
        self._live.console.print(Text(text))

    def close(self) -> None:
        """Leave the last box standing."""
        self._live.stop()

    def _box(self) -> Box:
        parts = [_headline(self._state)]
        if not self._state.verdict:
            parts += [Text(f"  {line}") for line in self._state.lines]
        if self._verdict.word:
            parts += [Text(""), _headline(self._verdict), *(Text(f"  {line}") for line in self._verdict.lines)]
        counts = self._state.counts or self._verdict.counts
        return Box(
            Group(*parts, Text(""), Text(counts, "dim")), title="Logicienne", width=min(100, self._console.width)
        )


def _headline(sign: Sign) -> Text:
    return Text(f"{SIGNS[sign.light]} {sign.word}", STYLES[sign.light])


def terminal_panel(stream: TextIO | None = None) -> Panel:
    """The box where there is a terminal, lines where there is none."""
    stream = stream or sys.stdout
    console = Console(file=stream)
    return TerminalPanel(console) if console.is_terminal else LogPanel(stream)
