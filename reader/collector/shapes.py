"""What the body of each kind of record looks like. What fits can be projected; what does not is refused, by name.

Strict, with nothing more than is known: what a newer machine sends and an older collector does not understand stays on
the machine until the collector is brought up to date. Nothing is lost by waiting; half understood, it might be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cards.canonical import from_json
from reader.store import KINDS
from reader.store.reviews import DECISIONS
from reader.store.stories import LEVELS
from reader.sync.errors import WireError
from reader.sync.wire import WireRecord

NO_PERMANENCE = ("layout", "campaign")


def _one_of(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return value

    return AfterValidator(check)


def _plain(value: str) -> str:
    # PostgreSQL keeps any character but this one.
    if "\0" in value:
        raise ValueError("holds a null character")
    return value


def _each_once(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("holds a value twice")
    return values


Plain = Annotated[str, AfterValidator(_plain)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
MaybeId = Annotated[str, Field(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Opening(_Strict):
    """permanence."""

    place: Annotated[Plain, Field(min_length=1, max_length=500)]
    day: Day
    kind: Annotated[str, _one_of(*KINDS)]
    languages: list[Annotated[Plain, Field(max_length=40)]]
    operator: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,12}$")]


class Closing(_Strict):
    """closing."""

    records: Count
    set_digest: Digest


class LayoutBody(_Strict):
    """layout."""

    identity: Annotated[Plain, Field(min_length=1, max_length=200)]
    digest: Digest
    content: str


class Campaign(_Strict):
    """campaign."""

    name: Plain
    target_cards: Count
    first_day: Day
    last_day: Day


class AnswerBody(_Strict):
    """One question's answer."""

    state: Literal["answered", "blank", "doubtful", "not_asked"]
    value: str | Annotated[list[str], AfterValidator(_each_once), Field(min_length=1)] | None


class ThresholdsBody(_Strict):
    """How a score was judged."""

    clear_max: Number
    punched_min: Number


class StrayBody(_Strict):
    """A hole at no position."""

    x_mm: Number
    y_mm: Number
    area_mm2: Number


class ReadingBody(_Strict):
    """reading."""

    source: str
    layout: Plain
    layout_digest: str
    face: Literal["front", "back"]
    profile: str | None
    residual_mm: Number | None
    print_shift_mm: list[Number]
    thresholds: ThresholdsBody
    # As lists they come, out of JSON.
    scores: dict[str, Annotated[tuple[Number, Number, Number, list[str]], Field(strict=False)]]
    strays: list[StrayBody]
    answers: dict[str, AnswerBody]
    outcome: Literal["accepted", "review"]
    reasons: list[dict[str, str]]


class ReasonCode(_Strict):
    """Why a card was rejected."""

    code: str


class RejectionBody(_Strict):
    """rejection."""

    reasons: list[ReasonCode]


class ReviewBody(_Strict):
    """review."""

    reading: Id
    decision: Annotated[str, _one_of(*DECISIONS)]
    reason: str
    supersedes: MaybeId
    answers: dict[str, AnswerBody]


class ToldBody(_Strict):
    """story, follow_up."""

    language: str
    level: Annotated[str, _one_of(*LEVELS)]
    consent: str
    reading: MaybeId
    question: str
    text_digest: Digest


class ErasureBody(_Strict):
    """erasure."""

    record: Id
    reason: Plain


SHAPES: Mapping[str, type[BaseModel]] = {
    "permanence": Opening, "closing": Closing, "layout": LayoutBody, "campaign": Campaign, "reading": ReadingBody,
    "rejection": RejectionBody, "review": ReviewBody, "story": ToldBody, "follow_up": ToldBody, "erasure": ErasureBody,
}  # fmt: skip


def check(record: WireRecord, body: Mapping[str, Any]) -> None:
    """Whether a record can be understood. body: what it says. Raises `WireError`, whose words never repeat what it says."""
    if (record.permanence == "") != (record.kind in NO_PERMANENCE):
        raise WireError(f"a {record.kind} {'belongs to' if record.permanence == '' else 'has'} no permanence")
    if record.kind == "permanence" and record.permanence != record.id:
        raise WireError("a permanence belongs to itself")
    if record.text is not None and "\0" in record.text:
        raise WireError("its words hold a null character")
    try:
        understood = SHAPES[record.kind].model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # Keys of an object may be answers: only the first name is this program's own.
        where = str(first["loc"][0]) if first["loc"] and first["type"] != "extra_forbidden" else "its body"
        raise WireError(f"{where:.40}: {first['msg']:.120}; is the collector as new as the machine?") from error
    if isinstance(understood, LayoutBody):
        _check_layout(understood)


def _check_layout(body: LayoutBody) -> None:
    try:
        layout = from_json(body.content)
    except (ValueError, RecursionError) as error:
        raise WireError("its layout cannot be understood; is the collector as new as the machine?") from error
    if (layout.identity, layout.digest) != (body.identity, body.digest):
        raise WireError("its layout is not the one it names; is the collector as new as the machine?")
