"""A machine's profile: everything that was learnt, in one file that anybody can open.

The file is a ZIP: `profile.json` holds the figures, readable by people; `bed.png`, `bed-spread.png` and
`blank-<n>.png`, `blank-<n>-spread.png` are pictures that any program shows. It names the SHA-256 of each picture, so
that a changed one is noticed, and its own digest stands in every reading that was judged with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.errors import CalibrationError
from calibration.lens import Lens, LensView
from calibration.models import BLANK_PX_PER_MM, Bed, Blank, Channel, Levels, Plane
from cards.files import whole

FORMAT = "logicienne-profile"
VERSION = 1
MEMBERS_MAX = 256
MEMBER_BYTES_MAX = 32_000_000
"""No honest profile comes near: a 12-megapixel bed as PNG takes about 15 MB."""
PIXELS_MAX = 64_000_000


@dataclass(frozen=True)
class ProfileThresholds:
    """Open fractions that decide on this machine, see `reader.reading.Thresholds`.

    Learnt by `calibration.thresholds`. `clear_max` lies far below the 15 % that is still clear: a slit loses its rims, and
    a known blank measures next to nothing. `punched_min` lies above the 60 % that is punched by what blur adds to a
    part-open hole's longer rim. The defaults hold where nothing was measured.
    """

    clear_max: float = 0.06
    punched_min: float = 0.66


@dataclass(frozen=True, eq=False)
class Profile:
    """One machine as it was on one day.

    name: what people call the machine. created: ISO date and time. software: version that learnt it. camera: the
    source's name. channel: the one that separates bed and cards best. images: picture name → SHA-256 of its bytes.
    figures: what was measured on the way, for people and for `calibrate check`.
    """

    name: str
    created: str
    software: str
    camera: str
    channel: Channel
    lens: Lens
    plane: Plane
    bed: Bed
    blanks: tuple[Blank, ...]
    thresholds: ProfileThresholds = ProfileThresholds()
    images: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the pictures it fits."""
        return self.lens.size_px

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of `profile.json`, which names the pictures' own digests."""
        return hashlib.sha256(_figures(self)).hexdigest()

    @property
    def label(self) -> str:
        """What readings say they were judged with: name and the digest's first twelve characters."""
        return f"{self.name}:{self.digest[:12]}"

    def blank(self, layout: str, face: str) -> Blank | None:
        """The model of this face of this layout (`id@version`)."""
        return next((b for b in self.blanks if b.layout == layout and b.face == face), None)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)


Short = Annotated[str, Field(max_length=400)]
Side = Annotated[int, Field(ge=16, le=20_000)]


class _View(_Strict):
    name: Short
    corners: int
    tilt_deg: float
    rms_px: float
    dropped: Short


class _Lens(_Strict):
    camera_matrix: Annotated[list[Annotated[list[float], Field(min_length=3, max_length=3)]], Field(min_length=3)]
    distortion: Annotated[list[float], Field(min_length=5, max_length=5)]
    size_px: tuple[Side, Side]
    rms_px: float
    cover: float
    views: Annotated[list[_View], Field(max_length=1000)]


class _Plane(_Strict):
    rotation: tuple[float, float, float]
    translation_mm: tuple[float, float, float]
    residual_mm: float


class _Bed(_Strict):
    frames: int
    flicker: float
    mean: Short
    spread: Short


class _Blank(_Strict):
    layout: Short
    layout_digest: Short
    face: Literal["front", "back"]
    frames: int
    residual_mm: float
    px_per_mm: float
    mean: Short
    spread: Short


class _Thresholds(_Strict):
    clear_max: Annotated[float, Field(ge=0, le=1)]
    punched_min: Annotated[float, Field(ge=0, le=1)]


class _File(_Strict):
    format: str
    version: int
    name: Short
    created: Short
    software: Short
    camera: Short
    channel: Channel
    lens: _Lens
    plane: _Plane
    bed: _Bed
    blanks: Annotated[list[_Blank], Field(max_length=100)]
    thresholds: _Thresholds
    images: Annotated[dict[str, str], Field(max_length=1000)]
    figures: Annotated[dict[str, float], Field(max_length=1000)]
    pictures: Annotated[dict[str, str], Field(max_length=MEMBERS_MAX)]


def save(profile: Profile, path: Path) -> None:
    """Write the profile as one file: whole or not at all. Raises `OSError` when the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr("profile.json", _figures(profile), zipfile.ZIP_DEFLATED)
        for name, picture in _pictures(profile).items():
            archive.writestr(name, _png(picture))


def load(path: Path) -> Profile:
    """Read a profile. Raises `CalibrationError` for what is damaged, foreign or newer, `OSError` when unreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MEMBERS_MAX:
                raise CalibrationError(f"{path}: {len(archive.infolist())} parts; no profile has so many")
            text = _member(archive, "profile.json", path)
            kept = _parse(text, path)
            pictures = {name: _picture(archive, name, sha, path) for name, sha in kept.pictures.items()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise CalibrationError(f"{path}: damaged, or no profile ({error}); calibrate again or fetch a copy") from error
    try:
        return _profile(kept, pictures)
    except (KeyError, ValueError) as error:
        raise CalibrationError(f"{path}: its parts do not fit together ({error}); calibrate again") from error


def _figures(profile: Profile) -> bytes:
    lens, plane = profile.lens, profile.plane
    pictures = {name: hashlib.sha256(picture.tobytes()).hexdigest() for name, picture in _pictures(profile).items()}
    found: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": profile.name,
        "created": profile.created,
        "software": profile.software,
        "camera": profile.camera,
        "channel": profile.channel,
        "lens": {
            "camera_matrix": lens.camera_matrix.tolist(),
            "distortion": lens.distortion.tolist(),
            "size_px": list(lens.size_px),
            "rms_px": lens.rms_px,
            "cover": lens.cover,
            "views": [vars(v) for v in lens.views],
        },
        "plane": {
            "rotation": plane.rotation.tolist(),
            "translation_mm": plane.translation_mm.tolist(),
            "residual_mm": plane.residual_mm,
        },
        "bed": {
            "frames": profile.bed.frames,
            "flicker": profile.bed.flicker,
            "mean": "bed.png",
            "spread": "bed-spread.png",
        },
        "blanks": [
            {
                "layout": b.layout,
                "layout_digest": b.layout_digest,
                "face": b.face,
                "frames": b.frames,
                "residual_mm": b.residual_mm,
                "px_per_mm": BLANK_PX_PER_MM,
                "mean": f"blank-{n}.png",
                "spread": f"blank-{n}-spread.png",
            }
            for n, b in enumerate(profile.blanks)
        ],
        "thresholds": vars(profile.thresholds),
        "images": dict(profile.images),
        "figures": dict(profile.figures),
        "pictures": pictures,
    }
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _pictures(profile: Profile) -> dict[str, Levels]:
    found = {"bed.png": profile.bed.mean, "bed-spread.png": profile.bed.spread}
    for n, blank in enumerate(profile.blanks):
        found |= {f"blank-{n}.png": blank.mean, f"blank-{n}-spread.png": blank.spread}
    return found


def _png(picture: Levels) -> bytes:
    whole, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    assert whole
    return data.tobytes()


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        with archive.open(name) as file:
            data = file.read(MEMBER_BYTES_MAX + 1)
    except KeyError as error:
        raise CalibrationError(f"{path}: holds no {name}; it is no profile, or not all of one") from error
    if len(data) > MEMBER_BYTES_MAX:
        raise CalibrationError(f"{path}: {name} unpacks to more than {MEMBER_BYTES_MAX // 1_000_000} MB; not a profile")
    return data


def _parse(text: bytes, path: Path) -> _File:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"{path}: profile.json cannot be read ({error}); calibrate again") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise CalibrationError(f"{path}: no Logicienne profile; give a file that `logicienne calibrate camera` wrote")
    if raw.get("version") != VERSION:
        raise CalibrationError(
            f"{path}: profile version {raw.get('version')}, this program knows {VERSION}; update it, or calibrate again"
        )
    try:
        return _File.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CalibrationError(f"{path}: profile.json: {where}: {first['msg']}; calibrate again") from error


def _picture(archive: zipfile.ZipFile, name: str, sha: str, path: Path) -> Levels:
    data = _member(archive, name, path)
    try:
        with Image.open(io.BytesIO(data)) as header:
            size, kind = header.width * header.height, header.format
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise CalibrationError(f"{path}: {name} is no picture; calibrate again") from error
    if kind != "PNG" or size > PIXELS_MAX:
        raise CalibrationError(f"{path}: {name} is no PNG of a bearable size; calibrate again")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if decoded is None or hashlib.sha256(decoded.tobytes()).hexdigest() != sha:
        raise CalibrationError(f"{path}: {name} was changed or damaged; calibrate again or fetch a copy")
    return np.asarray(decoded, np.uint8)


def _profile(kept: _File, pictures: dict[str, Levels]) -> Profile:
    lens = Lens(
        np.array(kept.lens.camera_matrix, np.float64).reshape(3, 3),
        np.array(kept.lens.distortion, np.float64),
        kept.lens.size_px,
        kept.lens.rms_px,
        kept.lens.cover,
        tuple(LensView(**v.model_dump()) for v in kept.lens.views),
    )
    bed = Bed(pictures[kept.bed.mean], pictures[kept.bed.spread], kept.bed.frames, kept.bed.flicker)
    if not bed.mean.shape == bed.spread.shape == (lens.size_px[1], lens.size_px[0]):
        raise ValueError(f"bed of {bed.mean.shape[1]} × {bed.mean.shape[0]} for pictures of {lens.size_px}")
    blanks = []
    for b in kept.blanks:
        mean, spread = pictures[b.mean], pictures[b.spread]
        if mean.shape != spread.shape or b.px_per_mm != BLANK_PX_PER_MM:
            raise ValueError(f"blank card {b.layout} {b.face} of another raster")
        blanks.append(Blank(b.layout, b.layout_digest, b.face, mean, spread, b.frames, b.residual_mm))
    return Profile(
        kept.name,
        kept.created,
        kept.software,
        kept.camera,
        kept.channel,
        lens,
        Plane(np.array(kept.plane.rotation), np.array(kept.plane.translation_mm), kept.plane.residual_mm),
        bed,
        tuple(blanks),
        ProfileThresholds(**kept.thresholds.model_dump()),
        kept.images,
        kept.figures,
    )
