"""What was learnt of a bar of sensors, as one small file that anybody can open."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.errors import CalibrationError
from cards.files import whole

FORMAT = "logicienne-sensors"
VERSION = 1
BYTES_MAX = 100_000
FULL_SCALE = 65535


@dataclass(frozen=True)
class Sensor:
    """One channel.

    name: as people count it. threshold: duty (1/1000) from which its comparator says light through the empty bar.
    unlit, light, dark: analogue levels (0–1): with the bar's light off, and on light and on dark as its part in a card is: air
    and paper for a data sensor, paper and bar for one of the clock. `None`: this bar does not tell, or it was not measured.
    """

    name: str
    threshold: float | None = None
    unlit: float | None = None
    light: float | None = None
    dark: float | None = None


@dataclass(frozen=True)
class SensorProfile:
    """One bar as it was on one day.

    name: what people call the machine. created: ISO date and time. software: version that learnt it. source: its name.
    bar: its id, as layouts name it. duty: of its light, in 1/1000. sensors: data from the top of the card, then the clock.
    """

    name: str
    created: str
    software: str
    source: str
    bar: str
    duty: int
    sensors: tuple[Sensor, ...]

    @property
    def rows(self) -> int:
        """Data sensors."""
        return len(self.sensors) - 2

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of everything above."""
        return hashlib.sha256(_text(self)).hexdigest()

    @property
    def label(self) -> str:
        """What readings say they were judged with: name and the digest's first twelve characters."""
        return f"{self.name}:{self.digest[:12]}"

    def need(self, k: int) -> float | None:
        """The share of its aperture through which data sensor k must see, at this light."""
        threshold = self.sensors[k].threshold
        return None if threshold is None else threshold / self.duty

    def limits(self) -> tuple[tuple[int, int], ...] | None:
        """(dark_max, light_min) of every channel's self-test without a card, of 65535; `None` where levels are not told.

        A data sensor must lie in the lower third with the light off, and in the upper two fifths with it on; a clock
        sensor, which sees air both times, below the middle of bar and paper.
        """
        found = []
        for k, sensor in enumerate(self.sensors):
            light, low = sensor.light, sensor.unlit if k < self.rows else sensor.dark
            if light is None or low is None:
                return None
            span = light - low
            shares = (low + span / 3, low + 0.6 * span) if k < self.rows else (low + span / 2, 0.0)
            found.append((round(FULL_SCALE * min(shares[0], 1.0)), round(FULL_SCALE * shares[1])))
        return tuple(found)


Level = Annotated[float, Field(ge=-1, le=2)]
Short = Annotated[str, Field(max_length=400)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)


class _Sensor(_Strict):
    name: Short
    threshold: Annotated[float, Field(gt=0, le=1000)] | None
    unlit: Level | None
    light: Level | None
    dark: Level | None


class _File(_Strict):
    format: str
    version: int
    name: Short
    created: Short
    software: Short
    source: Short
    bar: Short
    duty: Annotated[int, Field(ge=1, le=1000)]
    sensors: Annotated[list[_Sensor], Field(min_length=3, max_length=34)]
    sha256: str


def save(profile: SensorProfile, path: Path) -> None:
    """Write the profile as one file: whole or not at all. Raises `OSError` when the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {**json.loads(_text(profile)), "sha256": profile.digest}
    with whole(path) as part:
        part.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: Path) -> SensorProfile:
    """Read a profile. Raises `CalibrationError` for what is damaged, foreign or newer, `OSError` when unreadable."""
    with path.open("rb") as file:
        data = file.read(BYTES_MAX + 1)
    try:
        raw = json.loads(data[:BYTES_MAX])
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"{path}: damaged, or no profile of sensors ({error}); calibrate again") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise CalibrationError(f"{path}: no profile of sensors; give a file that `logicienne calibrate sensors` wrote")
    if raw.get("version") != VERSION:
        raise CalibrationError(
            f"{path}: profile version {raw.get('version')}, this program knows {VERSION}; update it, or calibrate again"
        )
    try:
        kept = _File.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CalibrationError(f"{path}: {where}: {first['msg']}; calibrate again") from error
    sensors = tuple(Sensor(**s.model_dump()) for s in kept.sensors)
    profile = SensorProfile(kept.name, kept.created, kept.software, kept.source, kept.bar, kept.duty, sensors)
    if profile.digest != kept.sha256:
        raise CalibrationError(f"{path}: was changed or damaged; calibrate again or fetch a copy")
    return profile


def _text(profile: SensorProfile) -> bytes:
    told = {"format": FORMAT, "version": VERSION, **asdict(profile)}
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
