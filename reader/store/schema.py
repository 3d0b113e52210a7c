"""The store's tables. `records` is the truth; everything else is made from it and can be made again.

No table keeps the order of cards: ids are random, tables have no row number, and a card knows its day but no time.
A table's key columns come first in it: the integrity check of SQLite 3.40 (Debian 12) sees damage where there is none
when they do not.
"""

from __future__ import annotations

VERSION = 1

RECORDS = """
CREATE TABLE records (
    id TEXT NOT NULL PRIMARY KEY,        -- random UUID4
    kind TEXT NOT NULL,                  -- permanence, layout, reading, rejection, closing
    permanence TEXT NOT NULL,            -- the permanence it belongs to; '' for a layout
    body TEXT NOT NULL,                  -- canonical JSON
    digest TEXT NOT NULL                 -- SHA-256 of kind, permanence and body, hex
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_permanence ON records (permanence, kind);
CREATE TRIGGER records_keep_update BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are only ever added'); END;
CREATE TRIGGER records_keep_delete BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are only ever added'); END;
"""

PROJECTIONS = """
CREATE TABLE openings (
    id TEXT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    day TEXT NOT NULL,                   -- YYYY-MM-DD
    kind TEXT NOT NULL,                  -- one-to-one, group or event
    languages TEXT NOT NULL,             -- codes, comma-separated
    operator TEXT NOT NULL               -- a code, never a name
) STRICT, WITHOUT ROWID;
CREATE INDEX openings_by_day ON openings (day);
CREATE TABLE closings (
    permanence TEXT NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL,            -- how many facts the permanence holds
    set_digest TEXT NOT NULL             -- SHA-256 over their sorted digests, hex
) STRICT, WITHOUT ROWID;
CREATE TABLE layouts (
    identity TEXT NOT NULL PRIMARY KEY,  -- id@version
    digest TEXT NOT NULL,
    content TEXT NOT NULL                -- canonical JSON of the layout
) STRICT, WITHOUT ROWID;
CREATE TABLE readings (
    id TEXT NOT NULL PRIMARY KEY,
    permanence TEXT NOT NULL,
    layout TEXT NOT NULL,                -- id@version
    outcome TEXT NOT NULL,               -- accepted or review
    face TEXT NOT NULL,                  -- front or back
    source TEXT NOT NULL,                -- camera or sweep
    calibrated INTEGER NOT NULL          -- 1 when read with a machine's calibration
) STRICT, WITHOUT ROWID;
CREATE INDEX readings_by_permanence ON readings (permanence, layout);
CREATE TABLE answers (
    reading TEXT NOT NULL,
    question TEXT NOT NULL,
    value TEXT NOT NULL,                 -- one row per chosen value; '' unless answered
    state TEXT NOT NULL,                 -- answered, blank, doubtful or not_asked
    PRIMARY KEY (reading, question, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE rejections (
    id TEXT NOT NULL PRIMARY KEY,
    permanence TEXT NOT NULL,
    reasons TEXT NOT NULL                -- codes, comma-separated
) STRICT, WITHOUT ROWID;
CREATE INDEX rejections_by_permanence ON rejections (permanence);
CREATE VIEW permanences AS
    SELECT openings.*, closings.permanence IS NOT NULL AS closed, coalesce(closings.set_digest, '') AS set_digest
    FROM openings LEFT JOIN closings ON closings.permanence = openings.id;
CREATE VIEW counted AS
    SELECT answers.*, readings.permanence, readings.layout FROM answers JOIN readings ON readings.id = answers.reading
    WHERE readings.outcome = 'accepted';
"""

PROJECTED = ("openings", "closings", "layouts", "readings", "answers", "rejections")
