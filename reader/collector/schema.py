"""The collector's tables, the same for SQLite and PostgreSQL.

Every key begins with the machine, so that a database may be spread over many servers by that column (Citus and its
kind): no foreign keys, no sequences, no triggers, no advisory locks. `machines`, `codes` and `settings` are small and may
lie on every server. No table holds when a record came, and none its place among others.
"""

from __future__ import annotations

VERSION = "1"

TABLES = """
CREATE TABLE IF NOT EXISTS settings (
    name {key} NOT NULL PRIMARY KEY,     -- version, collector (the public key of this collector's receipts)
    value TEXT NOT NULL
) {tail};
CREATE TABLE IF NOT EXISTS machines (
    machine {key} NOT NULL PRIMARY KEY,  -- twelve hex digits that the machine chose
    name TEXT NOT NULL,                  -- as the organisation calls it
    token_hash {key} NOT NULL,           -- SHA-256 of its token, hex
    public_key TEXT NOT NULL,            -- Ed25519, base64; signs its bundles
    revoked {number} NOT NULL,           -- 1: nothing is taken from it any more
    enrolled TEXT NOT NULL,              -- YYYY-MM-DD
    last_seen TEXT NOT NULL,             -- UTC, to the second; '' until it asked for the first time
    clock_off_s {number} NOT NULL,       -- its clock less ours, when it was last seen
    waiting {number} NOT NULL,           -- records it had yet to send, as it said then
    epochs TEXT NOT NULL,                -- the last epochs of its store, newest first, with spaces between
    clone_seen TEXT NOT NULL,            -- the day a second store came under its name; '' for never
    records {number} NOT NULL,           -- how many are held of it
    root TEXT NOT NULL                   -- sums up the set of its records; see reader.collector.held
) {tail};
CREATE INDEX IF NOT EXISTS machines_by_token ON machines (token_hash);
CREATE TABLE IF NOT EXISTS codes (
    code_hash {key} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,                  -- what the machine that comes with it will be called
    expires TEXT NOT NULL                -- UTC, to the second
) {tail};
CREATE TABLE IF NOT EXISTS records (
    machine {key} NOT NULL,
    id {key} NOT NULL,
    kind TEXT NOT NULL,
    permanence {key} NOT NULL,
    body TEXT NOT NULL,
    digest {key} NOT NULL,
    PRIMARY KEY (machine, id)
) {tail};
CREATE INDEX IF NOT EXISTS records_by_permanence ON records (machine, permanence);
CREATE TABLE IF NOT EXISTS texts (
    machine {key} NOT NULL,
    record {key} NOT NULL,
    text TEXT NOT NULL,                  -- what was told; gone after an erasure
    salt TEXT NOT NULL,
    PRIMARY KEY (machine, record)
) {tail};
CREATE TABLE IF NOT EXISTS forks (       -- came under an id that is taken by other content; `records` holds the first
    machine {key} NOT NULL,
    id {key} NOT NULL,
    digest {key} NOT NULL,
    kind TEXT NOT NULL,
    permanence TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (machine, id, digest)
) {tail};
CREATE TABLE IF NOT EXISTS groups (      -- each permanence of a machine, summed up; '' are layouts and campaigns
    machine {key} NOT NULL,
    permanence {key} NOT NULL,
    records {number} NOT NULL,
    set_digest TEXT NOT NULL,            -- '' until somebody asks for it again
    PRIMARY KEY (machine, permanence)
) {tail};
CREATE TABLE IF NOT EXISTS openings (    -- a projection: where and when a permanence was
    machine {key} NOT NULL,
    id {key} NOT NULL,
    place TEXT NOT NULL,
    day TEXT NOT NULL,                   -- YYYY-MM-DD
    kind TEXT NOT NULL,
    languages TEXT NOT NULL,
    operator TEXT NOT NULL,
    PRIMARY KEY (machine, id)
) {tail};
CREATE TABLE IF NOT EXISTS erasures (    -- a projection: whose words are gone, and stay away
    machine {key} NOT NULL,
    record {key} NOT NULL,               -- the story or follow-up
    reason TEXT NOT NULL,
    PRIMARY KEY (machine, record)
) {tail};
CREATE TABLE IF NOT EXISTS pending_erasures (
    machine {key} NOT NULL,
    id {key} NOT NULL,                   -- an erasure made here that its machine has yet to hear of
    PRIMARY KEY (machine, id)
) {tail};
"""

PROJECTED = ("openings", "erasures")
"""Tables of `reader.store.projections` that the collector keeps, each row with its machine before it."""
