"""`logicienne.toml`: how one machine is to run. Every mistake in it is named with its line, and what was meant."""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cards.errors import LogicienneError
from device.panels.lamps import Quiet
from reader.live import Delays

DEFAULT_PATH = Path("logicienne.toml")
EXAMPLE = """\
# How this machine runs. Every line may be left out; what stands here is what holds without it.
# The command line goes before this file: logicienne run --source sim:

source = "camera:0"            # or "rpicam:", "folder:scans/", "http://…", "sim:", "sim-bar:"; see docs/run.md
layouts = ["stadslogistiek"]   # ids of shipped layouts, or paths; relative to where the command is given
language = "en"                # of the panel: nl, fr or en
store = ""                     # the store's file; "" is $LOGICIENNE_STORE, else data/logicienne.db
place = ""                     # opens a permanence there when none is open; "" never opens one
profile = ""                   # the calibration profile of this machine; "" reads uncalibrated
pins = ""                      # the pin table of this machine; "" is the shipped one (docs/maker/wiring.md)

[panel]                        # what answers beside the screen
lamps = false                  # true: lamps, buzzer and button on the Pi's pins
sound = true                   # false: the buzzer stays silent
quiet = ""                     # hours without sound: "21:00-08:00"
display = ""                   # a small display on the I²C bus: "ssd1306" or "sh1106"
printer = ""                   # a receipt printer: "usb:04b8:0e15", "serial:…", "network:…" or "file:…"; needs lamps = true

[sync]                         # how what was kept reaches the organisation; see docs/sync.md
to = ""                        # the collector's address, or a folder on a stick; "" is where the machine was enrolled
every_s = 300                  # how often `logicienne sync --watch` looks (10 to 86400)

[delays]                       # how patient the machine is
settle_s = 0.2                 # the picture must stand still so long before it is read (0.05 to 5)
gone_s = 0.2                   # the empty tray must be seen so long before the next card counts (0.05 to 5)
told_s = 1.0                   # a verdict stays so long before the card is asked to be taken away (0 to 30)
patience_s = 2.0               # a hand in view for so long is mentioned (0.2 to 60)
looks = 2                      # frames that must agree (2 to 10)
rejections = 3                 # frames in a row that cannot be read before that is said (1 to 30)
looks_max = 8                  # so many frames that do not agree, and the last refusal is told (2 to 100)
"""


class ConfigError(LogicienneError, ValueError):
    """A configuration that cannot be used; every mistake on a line of its own."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DelayOptions(_Strict):
    """`[delays]`, within bounds that a machine at a table can need."""

    settle_s: Annotated[float, Field(ge=0.05, le=5)] = 0.2
    gone_s: Annotated[float, Field(ge=0.05, le=5)] = 0.2
    told_s: Annotated[float, Field(ge=0, le=30)] = 1.0
    patience_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    looks: Annotated[int, Field(ge=2, le=10)] = 2
    rejections: Annotated[int, Field(ge=1, le=30)] = 3
    looks_max: Annotated[int, Field(ge=2, le=100)] = 8

    def delays(self) -> Delays:
        """As the live reader takes them."""
        return Delays(**self.model_dump())


def _hours(text: str) -> Quiet | None:
    """`21:00-08:00`, '' for none. Raises `ValueError`."""
    if not text:
        return None
    since, dash, until = text.partition("-")
    try:
        hours = Quiet(time.fromisoformat(since.strip()), time.fromisoformat(until.strip()))
    except ValueError:
        dash = ""
    if not dash:
        raise ValueError('must be hours like "21:00-08:00"')
    return hours


class PanelOptions(_Strict):
    """`[panel]`."""

    lamps: bool = False
    sound: bool = True
    quiet: Annotated[str, AfterValidator(lambda text: (_hours(text), text)[1])] = ""
    display: Literal["", "ssd1306", "sh1106"] = ""
    printer: str = ""

    @model_validator(mode="after")
    def _asked_for_by_hand(self) -> PanelOptions:
        if self.printer and not self.lamps:
            raise ValueError("a receipt is printed when the button asks for it: printer needs lamps = true")
        return self

    def quiet_hours(self) -> Quiet | None:
        """As the lamps take them."""
        return _hours(self.quiet)


class SyncOptions(_Strict):
    """`[sync]`."""

    to: str = ""
    every_s: Annotated[int, Field(ge=10, le=86400)] = 300


class Config(_Strict):
    """The whole file."""

    source: Annotated[str, Field(min_length=1)] = "camera:0"
    layouts: Annotated[list[str], Field(min_length=1)] = ["stadslogistiek"]
    language: Literal["nl", "fr", "en"] = "en"
    store: str = ""
    place: str = ""
    profile: str = ""
    pins: str = ""
    panel: PanelOptions = PanelOptions()
    sync: SyncOptions = SyncOptions()
    delays: DelayOptions = DelayOptions()


TABLES: dict[str, type[BaseModel]] = {
    "": Config,
    "panel": PanelOptions,
    "sync": SyncOptions,
    "delays": DelayOptions,
}


def load_config(path: Path | None = None) -> Config:
    """The file's options; without a path `logicienne.toml` where it exists, else what holds without one.

    Raises `ConfigError`.
    """
    if path is None and not DEFAULT_PATH.exists():
        return Config()
    where = path or DEFAULT_PATH
    try:
        text = where.read_text(encoding="utf-8")
        given = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"{where}: cannot be read ({error.strerror}); write one: logicienne run --example-config > {where}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        raise ConfigError("\n".join(_problem(where, text, dict(e)) for e in error.errors())) from error


def _problem(path: Path, text: str, error: dict[str, Any]) -> str:
    """One of pydantic's errors as `file:line: option: what is wrong`."""
    names = [str(part) for part in error["loc"]]
    message = str(error["msg"])
    if error["type"] == "extra_forbidden":
        model = TABLES.get(".".join(names[:-1]), Config)
        near = difflib.get_close_matches(names[-1], list(model.model_fields), 1, 0.5)
        message = (
            f"no such option; did you mean {near[0]}?"
            if near
            else "no such option; there are: " + ", ".join(model.model_fields)
        )
    else:
        message = f"{message[0].lower()}{message[1:]}, not {error['input']!r}"
    line = _line(text, names)
    return f"{path}{f':{line}' if line else ''}: {'.'.join(names)}: {message}"


def _line(text: str, names: list[str]) -> int | None:
    """Where an option stands; `None` when it is written in a way that a look at the lines does not find."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[\s*([\w.-]+)\s*\]", line)
        if head:
            table = head[1]
            if [table] == names:
                return number
        key = re.match(r"""\s*["']?([\w-]+)["']?\s*=""", line)
        if key and ([table, key[1]] if table else [key[1]]) == names[: 2 if table else 1]:
            return number
    return None
