"""Record → rows of the tables people read. Pure functions, so that any store, here or on a server, makes the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reader.store.facts import Record

Row = tuple[str, Mapping[str, str | int]]
"""A table's name, and one row of it."""


def rows(record: Record) -> list[Row]:
    """All rows that this record adds."""
    return list(_PROJECTIONS[record.kind](record, json.loads(record.body)))


def _permanence(record: Record, body: Any) -> Iterator[Row]:
    yield (
        "openings",
        {
            "id": record.id,
            "place": body["place"],
            "day": body["day"],
            "kind": body["kind"],
            "languages": ",".join(body["languages"]),
            "operator": body["operator"],
        },
    )


def _closing(record: Record, body: Any) -> Iterator[Row]:
    yield "closings", {"permanence": record.permanence, "records": body["records"], "set_digest": body["set_digest"]}


def _layout(record: Record, body: Any) -> Iterator[Row]:
    yield "layouts", {"identity": body["identity"], "digest": body["digest"], "content": body["content"]}


def _reading(record: Record, body: Any) -> Iterator[Row]:
    yield (
        "readings",
        {
            "id": record.id,
            "permanence": record.permanence,
            "layout": body["layout"],
            "outcome": body["outcome"],
            "face": body["face"],
            "source": body["source"],
            "calibrated": int(body["profile"] is not None),
        },
    )
    for question, answer in body["answers"].items():
        yield from _answer_rows("answers", {"reading": record.id}, question, answer)


def _review(record: Record, body: Any) -> Iterator[Row]:
    yield (
        "reviews",
        {
            "id": record.id,
            "reading": body["reading"],
            "decision": body["decision"],
            "reason": body["reason"],
            "supersedes": body["supersedes"],
        },
    )
    for question, answer in body["answers"].items():
        yield from _answer_rows("corrections", {"review": record.id}, question, answer)


def _told(record: Record, body: Any) -> Iterator[Row]:
    yield (
        "told",
        {
            "id": record.id,
            "kind": record.kind,
            "permanence": record.permanence,
            "language": body["language"],
            "reading": body["reading"],
            "question": body["question"],
            "level": body["level"],
            "consent": body["consent"],
        },
    )


def _erasure(record: Record, body: Any) -> Iterator[Row]:
    yield "erasures", {"record": body["record"], "reason": body["reason"]}


def _campaign(record: Record, body: Any) -> Iterator[Row]:
    yield "campaigns", {"id": record.id, **body}


def _answer_rows(table: str, key: Mapping[str, str], question: str, answer: Any) -> Iterator[Row]:
    value = answer["value"]
    for one in value if isinstance(value, list) else [value]:
        row = {"question": question, "value": "" if one is None else one, "state": answer["state"]}
        yield table, {**key, **row}


def _rejection(record: Record, body: Any) -> Iterator[Row]:
    codes = ",".join(reason["code"] for reason in body["reasons"])
    yield "rejections", {"id": record.id, "permanence": record.permanence, "reasons": codes}


_PROJECTIONS: dict[str, Callable[[Record, Any], Iterator[Row]]] = {
    "permanence": _permanence,
    "closing": _closing,
    "layout": _layout,
    "reading": _reading,
    "rejection": _rejection,
    "review": _review,
    "story": _told,
    "follow_up": _told,
    "erasure": _erasure,
    "campaign": _campaign,
}
