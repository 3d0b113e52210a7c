"""What travels between a machine and the collector, over the network as on a stick; see docs/sync.md.

Everything is JSON. What comes in is checked here for its form (`from_json` raises `WireError`, with words), and `sound_body`
whether a record is what its digest says. What a record means is the business of whoever takes it in.

`root` in a state answer is opaque to the machine: any text that changes when what the collector holds of this machine
changes. The machine notes it when all it has is safe, and looks at every permanence again when it finds another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

import pydantic_core

from reader.store import facts
from reader.store.stories import TEXT_MAX
from reader.sync import sign
from reader.sync.errors import WireError

BATCH_RECORDS_MAX = 2000
"""Records in one request."""
BATCH_BYTES_MAX = 16 * 2**20
"""Of one request or answer, after decompression."""
BODY_BYTES_MAX = 2**20
"""Of one record's body. A reading of a card of 960 positions has 50 kB; a layout in five languages 100 kB."""
GROUPS_MAX = 1000
"""Permanences named in one request."""
CLOCK_OFF_S = 300.0
"""A clock that is this far off makes certificates and days wrong."""

FORK = "the collector has another record by this id; it keeps both: tell the organisation"
"""Why a record is refused whose id is taken by another content."""

MACHINE = re.compile(r"[0-9a-f]{12}")
"""A machine's id."""
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A record's id."""
DIGEST = re.compile(r"[0-9a-f]{64}")
SALT = re.compile(r"[0-9a-f]{32,64}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
KINDS: frozenset[str] = frozenset(get_args(facts.Kind))
TOLD = ("story", "follow_up")


@dataclass(frozen=True)
class WireRecord:
    """A record, and with a story its words while they are not erased. `permanence` is '' for a layout or a campaign."""

    id: str
    kind: str
    permanence: str
    body: str
    digest: str
    text: str | None = None
    salt: str | None = None

    @property
    def record(self) -> facts.Record:
        """As the store keeps it."""
        return facts.Record(self.id, cast(facts.Kind, self.kind), self.permanence, self.body, self.digest)

    def to_json(self) -> dict[str, str]:
        """The object that travels."""
        value = {"id": self.id, "kind": self.kind, "permanence": self.permanence, "body": self.body}
        value["digest"] = self.digest
        if self.text is not None and self.salt is not None:
            value |= {"text": self.text, "salt": self.salt}
        return value

    @classmethod
    def from_json(cls, value: object) -> WireRecord:
        """The record of an object, checked for its form. Raises `WireError`."""
        given = _object(value, "a record", {"id", "kind", "permanence", "body", "digest"}, {"text", "salt"})
        if not _is(given["kind"], str) or given["kind"] not in KINDS:
            raise WireError(f"no kind of record: {given['kind']!r:.40}; is the collector older than the machine?")
        words = ("text" in given, "salt" in given)
        if any(words) and (not all(words) or given["kind"] not in TOLD):
            raise WireError("words come with a story or follow-up, and with their salt")
        if all(words) and not (_is(given["text"], str) and 0 < len(given["text"]) <= TEXT_MAX):
            raise WireError(f"a story has between one and {TEXT_MAX} characters")
        body = given["body"]
        if not _is(body, str) or not 0 < len(_encoded(body)) <= BODY_BYTES_MAX:
            raise WireError(f"a record's body is a text of at most {BODY_BYTES_MAX} bytes")
        return cls(
            _matching(given["id"], ID, "a record's id"),
            given["kind"],
            _permanence(given["permanence"]),
            body,
            _matching(given["digest"], DIGEST, "a record's digest"),
            given.get("text"),
            _matching(given["salt"], SALT, "a salt") if "salt" in given else None,
        )


def sound_body(record: WireRecord) -> dict[str, Any]:
    """What a record says, when body, digest and words fit together. Raises `WireError` that says why they do not."""
    try:
        sound = facts.is_sound(record.record)
        body = pydantic_core.from_json(record.body)  # half the time that `json` takes
        canonical = isinstance(body, dict) and facts.canonical(body) == record.body
        told = record.text is None or facts.salted_digest(record.salt or "", record.text)
    except (ValueError, RecursionError) as error:
        # Not JSON, lone surrogates, nested without end.
        raise WireError("its body is not JSON that can be read") from error
    if not sound:
        raise WireError("its content is not what its digest says")
    if not canonical:
        raise WireError("its body is not canonical JSON")
    if told not in (True, body.get("text_digest")):
        raise WireError("its words are not those that were told")
    return cast(dict[str, Any], body)


@dataclass(frozen=True)
class Group:
    """What one side has of a permanence ('': layouts and campaigns): how many records, and the digest of their set."""

    permanence: str
    count: int
    set_digest: str

    def to_json(self) -> dict[str, Any]:
        """The object that travels."""
        return {"permanence": self.permanence, "count": self.count, "set_digest": self.set_digest}

    @classmethod
    def from_json(cls, value: object) -> Group:
        """Raises `WireError`."""
        given = _object(value, "a permanence", {"permanence", "count", "set_digest"})
        return cls(*_group(given))


def group(permanence: str, digests: Iterable[str]) -> Group:
    """The group of these records' digests."""
    found = list(digests)
    return Group(permanence, len(found), facts.set_digest(found))


@dataclass(frozen=True)
class Claim:
    """ "I hold these; do you?" digests: record id → digest; `None` when the set's digest alone is asked about."""

    permanence: str
    count: int
    set_digest: str
    digests: Mapping[str, str] | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The object that travels."""
        value: dict[str, Any] = {"permanence": self.permanence, "count": self.count, "set_digest": self.set_digest}
        return value if self.digests is None else value | {"digests": dict(self.digests)}

    @classmethod
    def from_json(cls, value: object) -> Claim:
        """Raises `WireError`, also when the digests are not those of the set."""
        given = _object(value, "a claim", {"permanence", "count", "set_digest"}, {"digests"})
        claim = cls(*_group(given))
        if "digests" not in given:
            return claim
        digests = given["digests"]
        if not isinstance(digests, dict):
            raise WireError("a claim's digests are an object: record id → digest")
        for record_id, digest in digests.items():
            _matching(record_id, ID, "a record's id")
            _matching(digest, DIGEST, "a record's digest")
        if (len(digests), facts.set_digest(list(digests.values()))) != (claim.count, claim.set_digest):
            raise WireError("a claim's digests are not those of its set")
        return replace(claim, digests=digests)


def claim_of(permanence: str, digests: Mapping[str, str]) -> Claim:
    """The claim of these records (id → digest), naming each."""
    g = group(permanence, digests.values())
    return Claim(permanence, g.count, g.set_digest, digests)


def lots(claims: Iterable[Claim], records: int) -> Iterator[list[Claim]]:
    """Claims in lots of at most so many records; a larger claim stands alone."""
    lot: list[Claim] = []
    size = 0
    for claim in claims:
        if lot and size + claim.count > records:
            yield lot
            lot, size = [], 0
        lot.append(claim)
        size += claim.count
    if lot:
        yield lot


def lesser(claim: Claim, missing: Iterable[str]) -> Claim:
    """The claim without some of its records; it must name them."""
    assert claim.digests is not None
    without = set(missing)
    return claim_of(claim.permanence, {i: d for i, d in claim.digests.items() if i not in without})


@dataclass(frozen=True)
class Receipt:
    """The collector's word that it holds every record that a machine claimed. `day`: of the collector, YYYY-MM-DD."""

    collector: str
    machine: str
    permanence: str
    count: int
    set_digest: str
    day: str
    signature: str = ""

    def unsigned(self) -> dict[str, Any]:
        """What the signature is over."""
        return {
            "collector": self.collector,
            "machine": self.machine,
            "permanence": self.permanence,
            "count": self.count,
            "set_digest": self.set_digest,
            "day": self.day,
        }

    def signed(self, key: sign.Key) -> Receipt:
        """With the collector's signature."""
        return replace(self, signature=key.sign(self.unsigned()))

    def is_signed_by(self, public: str) -> bool:
        """Whether this is the word of the collector whose key that is."""
        return sign.verified(public, self.unsigned(), self.signature)

    def to_json(self) -> dict[str, Any]:
        """The object that travels."""
        return self.unsigned() | {"signature": self.signature}

    @classmethod
    def from_json(cls, value: object) -> Receipt:
        """The receipt, checked for its form, not yet for its signature. Raises `WireError`."""
        names = {"collector", "machine", "permanence", "count", "set_digest", "day", "signature"}
        given = _object(value, "a receipt", names)
        permanence, count, digest = _group(given)
        for name in ("collector", "signature"):
            if not _is(given[name], str) or not 0 < len(given[name]) <= 200:
                raise WireError(f"a receipt's {name} is a short text")
        machine = _matching(given["machine"], MACHINE, "a machine's id")
        day = _matching(given["day"], DAY, "a receipt's day")
        return cls(given["collector"], machine, permanence, count, digest, day, given["signature"])


def _object(value: object, what: str, must: set[str], may: Iterable[str] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WireError(f"{what} is a JSON object, not {type(value).__name__}")
    missing, unknown = must - set(value), set(value) - must - set(may)
    if missing:
        raise WireError(f"{what} lacks {', '.join(sorted(missing))}")
    if unknown:
        raise WireError(f"{what} has what nobody knows: {', '.join(sorted(unknown))!r:.80}")
    return value


def _group(given: Mapping[str, Any]) -> tuple[str, int, str]:
    count = given["count"]
    if not _is(count, int) or not 0 <= count < 2**40:
        raise WireError("a count is a whole number, zero or more")
    return _permanence(given["permanence"]), count, _matching(given["set_digest"], DIGEST, "a set's digest")


def _permanence(value: object) -> str:
    return "" if value == "" else _matching(value, ID, "a permanence's id")


def _matching(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise WireError(f"{what} does not look like {value!r:.60}")
    return value


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""
