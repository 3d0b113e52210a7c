"""The protocol in words: what a person types, and how a message looks on a screen. Never anything about a card's holes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields

from cards.errors import LogicienneError
from device.heads.messages import (
    ACK_WORDS,
    FLAG_WORDS,
    ONCE,
    STOP,
    Ack,
    Arm,
    AskLevels,
    AskSelftest,
    Caps,
    CardAck,
    CardPart,
    Credit,
    Heartbeat,
    Hello,
    LedPwm,
    Levels,
    Reboot,
    Report,
    Request,
    Stats,
    Thresh,
)


class CommandError(LogicienneError, ValueError):
    """A line that is no command."""


def _on(word: str) -> bool:
    if word not in ("on", "off"):
        raise ValueError("on or off")
    return word == "on"


def _levels(word: str = str(ONCE)) -> Request:
    return AskLevels(STOP if word == "stop" else int(word))


def _thresh(*words: str) -> Request:
    numbers = [int(w) for w in words]
    return Thresh(tuple(zip(numbers[::2], numbers[1::2], strict=True)))


COMMANDS: dict[str, tuple[str, str, Callable[..., Request]]] = {
    "hello": ("", "greet the head again", lambda: Hello(random.SystemRandom().randint(1, 2**32 - 1))),
    "arm": ("on|off", "record cards, or stop", lambda word: Arm(_on(word))),
    "led": ("0…1000", "the bar's light, in thousandths", lambda word: LedPwm(int(word))),
    "levels": ("[MS|stop]", "what every sensor sees, once or every so many ms", _levels),
    "thresh": ("DARK LIGHT …", "limits of the self-test, two numbers (0 to 65535) a channel", _thresh),
    "selftest": ("", "test all sensors", AskSelftest),
    "credit": ("N", "let cards be sent while the head's counter is below N", lambda word: Credit(int(word))),
    "ack": ("CARD", "let the head forget a card (its number as shown); it is not kept anywhere", lambda w: CardAck(int(w, 16))),
    "stats": ("", "a heartbeat, now", Stats),
    "reboot": ("", "start the head anew; cards that it keeps are lost", Reboot),
}  # fmt: skip
"""Word → its arguments, what it does, the request it makes."""


def command(line: str) -> Request:
    """The request that somebody typed. Raises `CommandError`."""
    word, *arguments = line.split()
    if word not in COMMANDS:
        raise CommandError(f"{word!r} is no command; there are {', '.join(COMMANDS)}")
    meant, _, make = COMMANDS[word]
    try:
        request = make(*arguments)
        request.body()
    except (ValueError, TypeError) as error:
        raise CommandError(f"write it as: {word} {meant}".rstrip()) from error
    return request


def manual() -> str:
    """All commands, one a line."""
    return "\n".join(f"  {f'{word} {meant}':22} {what}" for word, (meant, what, _) in COMMANDS.items())


def described(message: Request | Report) -> str:
    """One line."""
    name = type(message).__name__.upper()
    match message:
        case Ack():
            return f"{name} to {message.to}: {ACK_WORDS.get(message.status, f'status {message.status}')}"
        case CardPart():
            return (
                f"CARD {message.card:016x}, part {message.part + 1} of {message.parts}, "
                f"{message.length} bytes in all, sent {message.sent}"
            )
        case CardAck():
            return f"{name} {message.card:016x}"
        case Caps():
            return (
                f"{name} head {message.uid}, firmware {message.firmware}, bar {message.bar}: {message.rows} rows and "
                f"{message.clocks} clocks at {message.rate_hz} Hz, keeps {message.ring} cards of {message.card_max} bytes"
            )
        case Heartbeat():
            return f"{name} {_heartbeat(message)}"
        case Levels():
            return f"{name} {message.digital:b} {' '.join(map(str, message.analogue))}"
    return " ".join([name, *(f"{f.name}={getattr(message, f.name)}" for f in fields(message))])


def _heartbeat(beat: Heartbeat) -> str:
    flags = [word for flag, word in FLAG_WORDS.items() if beat.flags & flag]
    counters = [f.name for f in fields(beat)[7:]]
    counted = [f"{name} {getattr(beat, name)}" for name in counters if getattr(beat, name)]
    state = f"up {beat.uptime_ms / 1000:.0f} s, keeps {beat.kept}, sent {beat.sent}, levels {beat.levels:b}"
    return ", ".join([state, *flags, *counted])
