"""What is asked over HTTP and what is answered, as models; requests are checked by them, and `openapi` is made from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.json_schema import models_json_schema

from reader.collector.machines import NAME_MAX
from reader.store.stories import TEXT_MAX
from reader.sync.errors import WireError
from reader.sync.wire import BATCH_RECORDS_MAX, BODY_BYTES_MAX, DIGEST, GROUPS_MAX, ID, KINDS, MACHINE, SALT

M = TypeVar("M", bound=BaseModel)

MachineId = Annotated[str, Field(pattern=f"^{MACHINE.pattern}$", description="The machine's id.")]
RecordId = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
Permanence = Annotated[str, Field(pattern=f"^({ID.pattern})?$", description="'' for layouts and campaigns.")]
Digest = Annotated[str, Field(pattern=f"^{DIGEST.pattern}$", description="SHA-256, hex.")]
Count = Annotated[int, Field(ge=0, lt=2**40)]
Epoch = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Short = Annotated[str, Field(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Record(_Model):
    """A record as it travels; a story or follow-up brings its words while they are not erased."""

    id: RecordId
    kind: Annotated[str, Field(json_schema_extra={"enum": sorted(KINDS)})]
    permanence: Permanence
    body: Annotated[str, Field(min_length=1, max_length=BODY_BYTES_MAX, description="Canonical JSON.")]
    digest: Digest
    text: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)] | None = None
    salt: Annotated[str, Field(pattern=f"^{SALT.pattern}$")] | None = None


class EnrolRequest(_Model):
    """A new machine, with the code that the organisation gave it."""

    machine: MachineId
    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[
        str, Field(max_length=NAME_MAX, description="As the machine calls itself; the code's name holds.")
    ] = ""
    public_key: Annotated[str, Field(min_length=44, max_length=44, description="Ed25519, base64.")]


class EnrolAnswer(_Model):
    """What a machine needs from now on."""

    machine: MachineId
    machine_token: Short
    collector_key: Short
    recipient: Short
    organisation: str


class EpochPair(_Model):
    """The store's epoch, and the one it will have when this is answered."""

    current: Epoch
    next: Epoch


class GroupModel(_Model):
    """A permanence, summed up."""

    permanence: Permanence
    count: Count
    set_digest: Digest


class StateRequest(_Model):
    """A machine asks how things stand."""

    machine: MachineId
    epoch: EpochPair
    clock: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
    root: Annotated[str, Field(max_length=200)]
    waiting: Count
    groups: Annotated[list[GroupModel], Field(max_length=GROUPS_MAX)]


class ReceiptModel(_Model):
    """Signed: base64 of Ed25519 over the canonical JSON of all but the signature."""

    collector: Short
    machine: MachineId
    permanence: Permanence
    count: Count
    set_digest: Digest
    day: str
    signature: Short


class StateAnswer(_Model):
    """How things stand."""

    clock: str
    root: str
    groups: list[GroupModel]
    erasures: list[Record]
    epoch: Literal["ok", "clone"]
    message: str
    receipts: list[ReceiptModel]


# Each record is looked at by itself: one that is wrong never loses the others.
AnyRecord = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/Record"})]


class RecordsRequest(_Model):
    """Records, in any order, again if need be."""

    machine: MachineId
    records: Annotated[list[AnyRecord], Field(max_length=BATCH_RECORDS_MAX)]


class RefusedModel(_Model):
    """Not kept, and why."""

    id: str
    why: str


class RecordsAnswer(_Model):
    """What became of them."""

    taken: Count
    known: Count
    refused: list[RefusedModel]
    forks: list[RecordId]


class ClaimModel(_Model):
    """ "I hold these; do you?" """

    permanence: Permanence
    count: Count
    set_digest: Digest
    digests: dict[RecordId, Digest] | None = None


class ClaimRequest(_Model):
    """Claims of a machine."""

    machine: MachineId
    claims: Annotated[list[ClaimModel], Field(max_length=GROUPS_MAX)]


class ClaimAnswer(_Model):
    """Receipts, and what is missing: permanence → ids."""

    receipts: list[ReceiptModel]
    missing: dict[str, list[RecordId]]


class Health(_Model):
    """That this is a collector, and which."""

    logicienne: Literal["collector"]
    collector: Short
    clock: str


class Problem(_Model):
    """What went wrong, and what to do next."""

    error: str
    message: str
    next: str


@dataclass(frozen=True)
class Call:
    """One thing that can be asked for."""

    path: str
    summary: str
    request: type[BaseModel]
    answer: type[BaseModel]
    token: bool = True


CALLS = (
    Call("/v1/enrol", "Enrol a machine by a code.", EnrolRequest, EnrolAnswer, token=False),
    Call("/v1/state", "Ask how things stand.", StateRequest, StateAnswer),
    Call("/v1/records", "Send records.", RecordsRequest, RecordsAnswer),
    Call("/v1/claim", "Ask for receipts.", ClaimRequest, ClaimAnswer),
)
ASKED: tuple[type[BaseModel], ...] = (*(call.request for call in CALLS), EpochPair, GroupModel, ClaimModel)
NAMES = frozenset(name for model in ASKED for name in model.model_fields)
"""What a message may call the place of an error; other names are the sender's own words."""
PROBLEMS = {
    400: "Not understood.", 401: "No token, or none of ours.", 403: "Revoked, or another machine.",
    405: "Not asked that way.", 408: "Too slow.", 413: "Too big.", 415: "Not JSON, or packed in an unknown way.",
    429: "Too often; see Retry-After.", 503: "Busy; see Retry-After.",
}  # fmt: skip


def parse_json(body: bytes) -> Any:
    """The value of a request's body. Raises `WireError`."""
    try:
        return pydantic_core.from_json(body)
    except ValueError:
        # The quick parser takes none of a batch for one odd character in it; the slow one takes it, and the record
        # with that character is refused by itself.
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise WireError("the request is no JSON") from error


def parse(model: type[M], body: bytes) -> M:
    """A request. Raises `WireError` that says where it is wrong, without repeating what it says."""
    try:
        return model.model_validate(parse_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:3] if isinstance(part, int) or part in NAMES)
        raise WireError(f"{where or 'the request'}: {first['msg'][:200]}") from error


def parse_clock(text: str) -> datetime:
    """An ISO time; without a zone it is UTC. Raises `WireError`."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WireError("clock: a time looks like 2024-12-05T14:00:00Z") from error


def flat(value: Any) -> dict[str, Any]:
    """A dataclass as an object, one level deep."""
    return {f.name: getattr(value, f.name) for f in fields(value)}


def openapi(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    models = {m for call in CALLS for m in (call.request, call.answer)} | {Record, Health, Problem}
    ordered = sorted(models, key=lambda m: m.__name__)
    inputs: list[Any] = [(m, "validation") for m in ordered]
    _, schemas = models_json_schema(inputs, ref_template="#/components/schemas/{model}")
    paths: dict[str, Any] = {call.path: {"post": _operation(call)} for call in CALLS}
    paths["/v1/health"] = {"get": {"summary": "Is this a collector?", "responses": {"200": _content("OK.", Health)}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Logicienne collector", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"machine": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    problems = {str(status): _content(text, Problem) for status, text in PROBLEMS.items()}
    operation = {
        "summary": call.summary,
        "operationId": call.path.rsplit("/", 1)[-1],
        "requestBody": {"required": True, **_body(call.request)},
        "responses": {"200": _content("OK.", call.answer), **problems},
    }
    return operation | ({"security": [{"machine": []}]} if call.token else {})


def _content(text: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, **_body(model)}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}}
