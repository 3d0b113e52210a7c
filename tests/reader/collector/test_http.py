"""Over HTTP: who may do what, what is too big, and that nothing a client sends breaks the collector or reaches a log."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import schemathesis.checks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from reader.collector.app import make_app
from reader.collector.database import open_database
from reader.collector.ingest import ingest
from reader.collector.keys import Collector, with_keys
from reader.collector.machines import new_code, revoke
from reader.sync import sign
from reader.sync.wire import BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Receipt, WireRecord
from tests.reader.collector.conftest import Enrolled, enrolled
from tests.reader.collector.test_ingest import claims_of

PACKED = gzip.compress(b"{}", mtime=0)
"""The same at every start: tests are named by it."""


def send(client: TestClient, machine: Enrolled, path: str, /, **value: Any) -> Any:
    answer = client.post(path, json={"machine": machine.id, **value}, headers=machine.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def state_of(machine: str) -> dict[str, Any]:
    epoch = {"current": "0" * 32, "next": "1" * 32}
    clock = "2024-12-05T12:00:00Z"
    return {"machine": machine, "epoch": epoch, "clock": clock, "root": "", "waiting": 0, "groups": []}


def requests_of(machine: str, records: list[WireRecord]) -> dict[str, dict[str, Any]]:
    return {
        "/v1/state": state_of(machine),
        "/v1/records": {"machine": machine, "records": [r.to_json() for r in records]},
        "/v1/claim": {"machine": machine, "claims": [c.to_json() for c in claims_of(records)]},
    }


def test_a_machine_enrols_sends_and_gets_signed_receipts(
    client: TestClient, collector: Collector, records: list[WireRecord]
) -> None:
    health = client.get("/v1/health").json()
    assert (health["logicienne"], health["collector"]) == ("collector", collector.keys.collector)
    key = sign.Key.new()
    wish = {"code": new_code(collector.database, "M"), "machine": "a" * 12, "name": "x", "public_key": key.public}
    got = client.post("/v1/enrol", json=wish).json()
    assert (got["machine"], got["organisation"]) == ("a" * 12, "City logistics")
    assert got["recipient"].startswith("age1") and got["collector_key"] == collector.keys.signing.public
    machine = Enrolled("a" * 12, got["machine_token"], key)
    body = gzip.compress(json.dumps(requests_of(machine.id, records)["/v1/records"]).encode())
    headers = {**machine.headers, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    for taken in (len(records), 0):  # a request that comes twice is harmless
        answer = client.post("/v1/records", content=body, headers=headers).json()
        assert answer == {"taken": taken, "known": len(records) - taken, "refused": [], "forks": []}
    given = send(client, machine, "/v1/claim", claims=[c.to_json() for c in claims_of(records)])
    receipts = [Receipt.from_json(r) for r in given["receipts"]]
    assert len(receipts) == 2 and all(r.is_signed_by(got["collector_key"]) for r in receipts)
    groups = [{k: v for k, v in c.to_json().items() if k != "digests"} for c in claims_of(records)]
    answer = send(client, machine, "/v1/state", **{**state_of(machine.id), "groups": groups})
    assert answer["epoch"] == "ok" and len(answer["receipts"]) == 2 and answer["erasures"] == []


def test_one_bad_record_never_loses_the_others(
    client: TestClient, machine: Enrolled, records: list[WireRecord]
) -> None:
    values = [r.to_json() for r in records]
    # A lone half of a character is JSON to some and not to others.
    odd = {**values[0], "body": "\ud800"}
    text = json.dumps({"machine": machine.id, "records": [odd, 7, {"id": "x"}, *values[1:]]})
    headers = {**machine.headers, "Content-Type": "application/json"}
    answer = client.post("/v1/records", content=text, headers=headers).json()
    assert answer["taken"] == len(records) - 1
    assert [r["id"] for r in answer["refused"]] == [records[0].id, "", "x"]


@pytest.mark.parametrize("path", ["/v1/state", "/v1/records", "/v1/claim"])
def test_a_token_is_for_its_own_machine_only(
    client: TestClient, collector: Collector, machine: Enrolled, records: list[WireRecord], path: str
) -> None:
    other = enrolled(collector.database)
    ingest(collector.database, other.id, records)
    wish = requests_of(other.id, records)[path]
    for headers, status in (
        ({}, 401), ({"Authorization": "Bearer "}, 401), ({"Authorization": "Basic eA=="}, 401),
        ({"Authorization": "Bearer " + machine.token[:-1]}, 401), ({"Authorization": "Bearer é"}, 401),
        (machine.headers, 403), (other.headers, 200),
    ):  # fmt: skip
        raw = {k: v.encode() for k, v in headers.items()}
        answer = client.post(path, json=wish, headers=raw)
        assert answer.status_code == status, headers
        if status != 200:
            assert set(answer.json()) == {"error", "message", "next"}
    revoke(collector.database, other.id)
    assert client.post(path, json=wish, headers=other.headers).status_code == 403


def test_there_is_nothing_to_list(client: TestClient, machine: Enrolled) -> None:
    for path in ("/", "/v1/records", "/v1/machines", "/v1/state", "/docs", "/v1/permanences"):
        assert client.get(path, headers=machine.headers).status_code in (404, 405)


def test_wrong_codes_are_answered_five_times_then_no_more(client: TestClient, collector: Collector) -> None:
    wish = {"code": "AAAA-AAAA", "machine": "a" * 12, "name": "x", "public_key": sign.Key.new().public}
    assert [client.post("/v1/enrol", json=wish).status_code for _ in range(6)] == [401] * 5 + [429]
    right = {**wish, "code": new_code(collector.database, "M")}
    answer = client.post("/v1/enrol", json=right)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_bombs_and_giants_are_refused_before_they_are_unpacked(client: TestClient, machine: Enrolled) -> None:
    headers = {**machine.headers, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(engine.compress(b" " * (1 << 20)) for _ in range(256)) + engine.flush()
    assert len(bomb) < 1 << 19
    assert client.post("/v1/records", content=bomb, headers=headers).status_code == 413
    plain = {**machine.headers, "Content-Type": "application/json"}
    giant = b" " * (BATCH_BYTES_MAX + 1)
    assert client.post("/v1/records", content=giant, headers=plain).status_code == 413
    pieces = (giant[k : k + (1 << 20)] for k in range(0, len(giant), 1 << 20))  # no length announced
    assert client.post("/v1/records", content=pieces, headers=plain).status_code == 413
    many = {"machine": machine.id, "records": [0] * (BATCH_RECORDS_MAX + 1)}
    assert client.post("/v1/records", json=many, headers=machine.headers).status_code == 400


@pytest.mark.parametrize(
    ("content", "packing", "status"),
    [
        (b"", "", 400), (b"{", "", 400), (b"[" * 100_000, "", 400), (b"\xff\xfe", "", 400), (b"null", "", 400),
        (b"9" * 10_000, "", 400), (b"{}", "br", 415), (b"{}", "gzip, gzip", 415), (b"no gzip", "gzip", 400),
        (PACKED[:-4], "gzip", 400), (PACKED + b"more", "gzip", 400), (b"", "gzip", 400),
    ],
)  # fmt: skip
def test_what_is_no_request_is_named(
    client: TestClient, machine: Enrolled, content: bytes, packing: str, status: int
) -> None:
    headers = {**machine.headers, "Content-Type": "application/json"} | (
        {"Content-Encoding": packing} if packing else {}
    )
    for path in ("/v1/state", "/v1/records", "/v1/claim"):
        answer = client.post(path, content=content, headers=headers)
        assert (answer.status_code, set(answer.json())) == (status, {"error", "message", "next"})


def test_only_json_is_taken_so_that_no_web_page_can_send_for_somebody(client: TestClient, machine: Enrolled) -> None:
    headers = {**machine.headers, "Content-Type": "text/plain"}
    assert client.post("/v1/state", content=json.dumps(state_of(machine.id)), headers=headers).status_code == 415


@pytest.mark.parametrize("clock", ["", "yesterday", "2024-13-05T12:00:00Z", "9999-12-31T23:59:59-23:59", "1", "٣"])
def test_a_clock_that_is_none_is_named(client: TestClient, machine: Enrolled, clock: str) -> None:
    answer = client.post("/v1/state", json={**state_of(machine.id), "clock": clock}, headers=machine.headers)
    assert answer.status_code == 400 and "clock" in answer.json()["message"]


def test_other_names_are_not_answered(collector: Collector) -> None:
    app = make_app(collector, hosts=["collector.example.org"])
    with TestClient(app, base_url="http://collector.example.org") as ours, TestClient(app) as theirs:
        assert ours.get("/v1/health").status_code == 200
        assert theirs.get("/v1/health").status_code == 400


def test_figures_are_for_this_computer_or_a_token(
    collector: Collector, client: TestClient, machine: Enrolled, records: list[WireRecord]
) -> None:
    send(client, machine, "/v1/records", records=[r.to_json() for r in records])
    text = client.get("/metrics").text
    assert f'logicienne_records{{machine="{machine.id}"}} {len(records)}' in text
    assert 'logicienne_requests_total{path="/v1/records",status="200"} 1' in text
    assert f'logicienne_records_received_total{{outcome="taken"}} {len(records)}' in text
    assert "Café" not in text and "Machine" not in text.replace("machine", "")
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    with TestClient(make_app(collector), client=("192.0.2.1", 1)) as away:
        assert away.get("/metrics").status_code == 403
    with TestClient(make_app(collector, metrics_token="key"), client=("192.0.2.1", 1)) as away:
        assert away.get("/metrics").status_code == 403
        assert away.get("/metrics", headers={"Authorization": "Bearer key"}).status_code == 200


def test_no_answer_reaches_a_log(
    client: TestClient, machine: Enrolled, records: list[WireRecord], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    values = [r.to_json() for r in records]
    send(client, machine, "/v1/records", records=values)
    send(client, machine, "/v1/records", records=[{**v, "digest": "0" * 64} for v in values])
    client.post("/v1/records", json={"machine": machine.id, "records": "Mijn bakfiets"}, headers=machine.headers)
    for odd in ({"Mijn bakfiets": 1}, {"records": [], "Mijn bakfiets": 1}, {"claims": [{"digests": {"bakfiets": 1}}]}):
        for path in ("/v1/records", "/v1/claim"):
            answer = client.post(path, json={"machine": machine.id, **odd}, headers=machine.headers)
            assert answer.status_code == 400
    assert caplog.records
    for word in ("bakfiets", "on_foot", "Café", machine.token):
        assert word not in caplog.text


def test_a_database_that_is_gone_is_busy_not_broken(
    client: TestClient, machine: Enrolled, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reader.collector.errors import CollectorBusy

    def busy(work: object) -> object:
        raise CollectorBusy("the disk is slow")

    monkeypatch.setattr(collector.database, "write", busy)
    answer = client.post("/v1/state", json=state_of(machine.id), headers=machine.headers)
    assert answer.status_code == 503 and answer.headers["Retry-After"]


CHECKS = [
    schemathesis.checks.not_a_server_error, schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance, schemathesis.checks.response_schema_conformance,
]  # fmt: skip


def test_requests_made_from_and_against_the_description_are_answered_as_it_says(tmp_path: Path) -> None:
    """Never a 5xx, and never an answer that the description does not know."""
    with open_database(tmp_path / "all.db") as database:
        machine = enrolled(database)
        schema = schemathesis.openapi.from_asgi("/openapi.json", make_app(with_keys(database, tmp_path / "all.keys")))
        operations = [found.ok() for found in schema.get_all_operations()]
        assert {o.path for o in operations} == {"/v1/enrol", "/v1/state", "/v1/records", "/v1/claim", "/v1/health"}
        statuses: set[int] = set()
        for operation in operations:
            for mode in schemathesis.GenerationMode if operation.method == "post" else ():
                _try(operation.as_strategy(mode), machine, statuses)
        assert statuses >= {200, 400, 401, 403}


def _try(strategy: st.SearchStrategy[Any], machine: Enrolled, statuses: set[int]) -> None:
    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy, ours=st.booleans())
    def attempt(case: Any, ours: bool) -> None:
        if ours and isinstance(case.body, dict):
            case.body["machine"] = machine.id
        response = case.call(headers=machine.headers)
        case.validate_response(response, checks=CHECKS)
        statuses.add(response.status_code)

    attempt()
