"""What travels is checked for its form, and a record for being what its digest says; words say what is wrong."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.store import facts
from reader.sync.errors import WireError
from reader.sync.sign import Key, is_public_key, verified
from reader.sync.wire import Claim, Group, Receipt, WireRecord, group, sound_body

MACHINE = "0123456789ab"


def made(kind: str = "campaign", permanence: str = "", **body: object) -> WireRecord:
    r = facts.record(kind, permanence, body)  # type: ignore[arg-type]
    return WireRecord(r.id, r.kind, r.permanence, r.body, r.digest)


def story(text: str = "Met de bakfiets.") -> WireRecord:
    salt = "ab" * 16
    r = made("story", facts.new_id(), text_digest=facts.salted_digest(salt, text))
    return WireRecord(r.id, r.kind, r.permanence, r.body, r.digest, text, salt)


def test_records_come_back_as_they_went() -> None:
    for record in (made(name="Nulmeting"), story()):
        there = WireRecord.from_json(json.loads(json.dumps(record.to_json())))
        assert there == record and sound_body(there) == json.loads(record.body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "1"}, "id"),
        ({"id": None}, "id"),
        ({"kind": "vote"}, "kind"),
        ({"kind": ["reading"]}, "kind"),
        ({"permanence": "Belga"}, "permanence"),
        ({"digest": "ff"}, "digest"),
        ({"body": {}}, "body"),
        ({"body": ""}, "body"),
        ({"body": "x" * (2**20 + 1)}, "body"),
        ({"body": "\ud800"}, "body"),
        ({"text": "words"}, "salt"),
        ({"text": "words", "salt": "ab" * 16}, "story"),
        ({"evidence": "AAAA"}, "nobody knows"),
    ],
)
def test_a_record_of_another_form_is_refused_with_words(change: dict[str, object], words: str) -> None:
    with pytest.raises(WireError, match=words):
        WireRecord.from_json(made().to_json() | change)
    with pytest.raises(WireError, match="lacks digest"):
        WireRecord.from_json({k: v for k, v in made().to_json().items() if k != "digest"})


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda s: st.lists(s, max_size=3)
       | st.dictionaries(st.sampled_from(["id", "kind", "count", "permanence", "body", "digests", "x"]), s)))  # fmt: skip
def test_whatever_comes_in_is_taken_or_refused_and_nothing_else(value: object) -> None:
    for kind in (WireRecord, Group, Claim, Receipt):
        with pytest.raises(WireError):
            kind.from_json(value)


def test_a_record_that_is_not_what_it_says_is_found_out() -> None:
    good = made(name="Nulmeting").to_json()
    with pytest.raises(WireError, match="digest"):
        sound_body(WireRecord.from_json(good | {"body": '{"name":"Eindmeting"}'}))
    body = '{"b":1, "a":2}'
    loose = facts.Record(good["id"], "campaign", "", body, "")
    digest = hashlib.sha256(f"campaign\n\n{loose.body}".encode()).hexdigest()
    with pytest.raises(WireError, match="canonical"):
        sound_body(WireRecord.from_json(good | {"body": body, "digest": digest}))
    deep = "[" * 100_000
    digest = hashlib.sha256(f"campaign\n\n{deep}".encode()).hexdigest()
    with pytest.raises(WireError, match="JSON"):
        sound_body(WireRecord.from_json(good | {"body": deep, "digest": digest}))
    told = story().to_json()
    with pytest.raises(WireError, match="words"):
        sound_body(WireRecord.from_json(told | {"text": "Met de auto."}))


def test_a_claim_with_digests_is_of_its_set() -> None:
    records = [made(number=k) for k in range(3)]
    whole = group("", [r.digest for r in records])
    digests = {r.id: r.digest for r in records}
    claim = Claim("", whole.count, whole.set_digest, digests)
    assert Claim.from_json(claim.to_json()).digests == digests
    digests.pop(records[0].id)
    with pytest.raises(WireError, match="not those of its set"):
        Claim.from_json(claim.to_json() | {"digests": digests})


def test_a_receipt_is_the_word_of_one_key_about_one_set() -> None:
    key = Key.new()
    receipt = Receipt("c0ffee", MACHINE, "", 3, "ab" * 32, "2025-01-05").signed(key)
    there = Receipt.from_json(json.loads(json.dumps(receipt.to_json())))
    assert there == receipt and there.is_signed_by(key.public)
    assert not there.is_signed_by(Key.new().public)
    for change in ({"count": 4}, {"set_digest": "ac" * 32}, {"machine": "0123456789ac"}, {"day": "2025-01-06"}):
        assert not Receipt.from_json(receipt.to_json() | change).is_signed_by(key.public)
    with pytest.raises(WireError):
        Receipt.from_json(receipt.to_json() | {"count": True})


def test_keys_travel_as_text() -> None:
    key = Key.new()
    assert Key.from_text(key.text).public == key.public and is_public_key(key.public)
    assert verified(key.public, {"a": 1}, key.sign({"a": 1}))
    for bad in ("", "AAAA", "not base64 é", key.public[:-4]):
        assert not is_public_key(bad) and not verified(bad, {"a": 1}, key.sign({"a": 1}))
        with pytest.raises(WireError):
            Key.from_text(bad)
