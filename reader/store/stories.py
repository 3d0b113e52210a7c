"""What a resident told: stories and follow-up answers. Their words lie beside the record, so that they can be erased."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Literal

from reader.store import facts
from reader.store.errors import StoreError
from reader.store.store import Store

Level = Literal["inside", "quote", "public"]
LEVELS: tuple[Level, ...] = ("inside", "quote", "public")
"""What was agreed to: only inside the organisation, quoted without a name, public."""
TEXT_MAX = 20_000


@dataclass(frozen=True)
class Story:
    """What was told. `text` is `None` after an erasure; `reading` and `question` are '' where it belongs to none."""

    id: str
    kind: str
    permanence: str
    language: str
    reading: str
    question: str
    level: str
    consent: str
    text: str | None


def tell(
    store: Store,
    permanence: str,
    text: str,
    *,
    language: str,
    level: Level,
    consent: str,
    reading: str = "",
    question: str = "",
    kind: Literal["story", "follow_up"] = "story",
) -> str:
    """Keep what was told; returns its id. A story may be added after closing: people remember later.

    consent: the words that were agreed to. Raises `ValueError` for what makes no sense, `StoreError` for a card or
    permanence that is not there.
    """
    if not text.strip() or len(text) > TEXT_MAX:
        raise ValueError(f"a story has between one and {TEXT_MAX} characters")
    if level not in LEVELS:
        raise ValueError(f"a consent is one of {', '.join(LEVELS)}, not {level!r}")
    if not consent.strip():
        raise ValueError("write down the words that the resident agreed to")
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
        raise ValueError(f"{language!r} is no language code; write nl, fr, ar, …")
    salt = secrets.token_hex(16)
    body = {
        "language": language,
        "level": level,
        "consent": consent,
        "reading": reading,
        "question": question,
        "text_digest": facts.salted_digest(salt, text),
    }
    with store.transaction():
        if not store.rows("SELECT 1 FROM openings WHERE id = ?", permanence):
            raise StoreError(f"there is no permanence {permanence}; see: logicienne permanence list")
        if reading and not store.rows("SELECT 1 FROM readings WHERE id = ?", reading):
            raise StoreError(f"there is no card {reading}; leave it out, or see: logicienne review list")
        new = facts.record(kind, permanence, body)
        store.add(new)
        store.database.execute("INSERT INTO texts VALUES (?, ?, ?)", (new.id, text, salt))
    return new.id


def erase(store: Store, story: str, reason: str = "asked for") -> None:
    """Erase the words of a story: from the store, its journal and the free room in its file. The record stays.

    Copies elsewhere are erased by `reader.store.backup.erase_in_copies`. Raises `StoreError` when there is no such story.
    """
    with store.transaction():
        found = store.rows("SELECT permanence FROM told WHERE id = ?", story)
        if not found:
            raise StoreError(f"there is no story {story}; see: logicienne story list")
        if not store.rows("SELECT 1 FROM erasures WHERE record = ?", story):
            store.add(facts.record("erasure", found[0][0], {"record": story, "reason": reason}))
        store.database.execute("DELETE FROM texts WHERE record = ?", (story,))
    store.tidy()


def stories(store: Store, permanences: list[str] | None = None) -> list[Story]:
    """All stories, or those of some permanences, by their random ids."""
    sql = "SELECT id, kind, permanence, language, reading, question, level, consent, text FROM stories ORDER BY id"
    found = [Story(*row) for row in store.rows(sql)]
    return [s for s in found if permanences is None or s.permanence in permanences]
