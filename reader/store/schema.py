"""The store's tables. `TRUTH` is what was kept; `PROJECTIONS` is made from it and can be made again.

No table keeps the order of cards: ids are random, tables have no row number, and a card knows its day but no time. The
one exception is `recent`, which closing wipes. A table's key columns come first in it: the integrity check of SQLite
3.40 (Debian 12) sees damage where there is none when they do not.
"""

from __future__ import annotations

RECORDS = """
CREATE TABLE records (
    id TEXT NOT NULL PRIMARY KEY,        -- random UUID4
    kind TEXT NOT NULL,                  -- permanence, layout, reading, rejection, review, story, … (facts.Kind)
    permanence TEXT NOT NULL,            -- the permanence it belongs to; '' for a layout or a campaign
    body TEXT NOT NULL,                  -- canonical JSON
    digest TEXT NOT NULL                 -- SHA-256 of kind, permanence and body, hex
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_permanence ON records (permanence, kind);
CREATE TRIGGER records_keep_update BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are only ever added'); END;
CREATE TRIGGER records_keep_delete BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are only ever added'); END;
"""

BESIDE = """
CREATE TABLE texts (
    record TEXT NOT NULL PRIMARY KEY,    -- the story or follow-up whose words these are
    text TEXT NOT NULL,                  -- what was told; gone after an erasure
    salt TEXT NOT NULL                   -- hex; the record holds SHA-256(salt + text), so that the words stay erasable
) STRICT, WITHOUT ROWID;
CREATE TABLE evidence (
    reading TEXT NOT NULL,
    position TEXT NOT NULL,              -- what the picture shows: a position's name, or stray-1, stray-2, …
    jpeg BLOB NOT NULL,
    PRIMARY KEY (reading, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE recent (                    -- what the operator needs during the sitting; closing wipes it
    number INTEGER NOT NULL PRIMARY KEY,
    permanence TEXT NOT NULL,
    reading TEXT NOT NULL,               -- the card, or the rejection
    picture TEXT NOT NULL                -- SHA-256 of the picture's bytes, so that none counts twice; '' from sensors
) STRICT;
CREATE INDEX recent_by_picture ON recent (permanence, picture);
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,      -- keep_evidence (yes or no), sync_machine, sync_collector, …
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

SYNC = """
CREATE TABLE outbox (                    -- what no receipt of the collector covers yet
    permanence TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (permanence, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (                  -- the newest for each permanence; '' for layouts and campaigns
    permanence TEXT NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,              -- the records it covers
    set_digest TEXT NOT NULL,            -- SHA-256 over their sorted digests, hex
    receipt TEXT NOT NULL                -- as the collector signed it, JSON
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (                  -- what the collector would not take; still in the outbox
    record TEXT NOT NULL PRIMARY KEY,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE elsewhere (                 -- what the collector has under a machine id that this store had before
    record TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO outbox SELECT permanence, id FROM records;
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
    records INTEGER NOT NULL,            -- how many facts the permanence held when it was closed
    set_digest TEXT NOT NULL             -- SHA-256 over their sorted digests, hex
) STRICT, WITHOUT ROWID;
CREATE TABLE campaigns (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    target_cards INTEGER NOT NULL,       -- how many counted cards are hoped for
    first_day TEXT NOT NULL,             -- YYYY-MM-DD
    last_day TEXT NOT NULL               -- YYYY-MM-DD, included
) STRICT, WITHOUT ROWID;
CREATE TABLE layouts (
    identity TEXT NOT NULL PRIMARY KEY,  -- id@version
    digest TEXT NOT NULL,
    content TEXT NOT NULL                -- canonical JSON of the layout
) STRICT, WITHOUT ROWID;
CREATE TABLE readings (
    permanence TEXT NOT NULL,
    layout TEXT NOT NULL,                -- id@version
    id TEXT NOT NULL,
    outcome TEXT NOT NULL,               -- accepted or review
    face TEXT NOT NULL,                  -- front or back
    source TEXT NOT NULL,                -- camera or sweep
    calibrated INTEGER NOT NULL,         -- 1 when read with a machine's calibration
    PRIMARY KEY (permanence, layout, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX readings_by_id ON readings (id);
CREATE TABLE answers (                   -- of the first reading; no review ever changes them
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
CREATE TABLE reviews (
    id TEXT NOT NULL PRIMARY KEY,
    reading TEXT NOT NULL,
    decision TEXT NOT NULL,              -- accept, correct or void
    reason TEXT NOT NULL,                -- in the operator's words
    supersedes TEXT NOT NULL             -- the review it replaces; '' for a first one
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_by_reading ON reviews (reading);
CREATE INDEX reviews_by_superseded ON reviews (supersedes);
CREATE TABLE corrections (               -- all answers of a card as a review gave them
    review TEXT NOT NULL,
    question TEXT NOT NULL,
    value TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (review, question, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE told (                      -- stories and follow-up answers, without their words
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,                  -- story or follow_up
    permanence TEXT NOT NULL,
    language TEXT NOT NULL,
    reading TEXT NOT NULL,               -- '' when it belongs to no card
    question TEXT NOT NULL,              -- a question's or follow-up's id; '' for none
    level TEXT NOT NULL,                 -- consent: inside, quote or public
    consent TEXT NOT NULL                -- the words that were agreed to
) STRICT, WITHOUT ROWID;
CREATE TABLE erasures (
    record TEXT NOT NULL PRIMARY KEY,    -- whose words were erased
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIEW permanences AS
    SELECT openings.*, closings.permanence IS NOT NULL AS closed, coalesce(closings.set_digest, '') AS set_digest
    FROM openings LEFT JOIN closings ON closings.permanence = openings.id;
CREATE VIEW cards AS                     -- every reading and what became of it
    SELECT readings.*, coalesce(reviews.id, '') AS review, coalesce(reviews.decision, '') AS decision,
        CASE WHEN reviews.decision IN ('accept', 'correct') THEN 'counted' WHEN reviews.decision = 'void' THEN 'void'
             WHEN readings.outcome = 'accepted' THEN 'counted' ELSE 'waiting' END AS state
    FROM readings LEFT JOIN reviews ON reviews.id = (
        SELECT max(r.id) FROM reviews AS r WHERE r.reading = readings.id
        AND NOT EXISTS (SELECT 1 FROM reviews AS later WHERE later.supersedes = r.id));
CREATE VIEW counted AS                   -- the answers that count, after reviews
    SELECT answers.reading, answers.question, answers.value, answers.state, cards.permanence, cards.layout,
        cards.decision, cards.state AS card_state
    FROM cards JOIN answers ON answers.reading = cards.id
    WHERE cards.state = 'counted' AND cards.decision <> 'correct'
    UNION ALL
    SELECT cards.id, corrections.question, corrections.value, corrections.state, cards.permanence, cards.layout,
        cards.decision, cards.state
    FROM cards JOIN corrections ON corrections.review = cards.review
    WHERE cards.state = 'counted' AND cards.decision = 'correct';
CREATE VIEW first_answers AS             -- the answers of every first reading, whatever became of the card
    SELECT answers.reading, answers.question, answers.value, answers.state, cards.permanence, cards.layout,
        cards.decision, cards.state AS card_state
    FROM cards JOIN answers ON answers.reading = cards.id;
CREATE VIEW stories AS                   -- with their words; an erased one has none
    SELECT told.*, texts.text, erasures.record IS NOT NULL AS erased FROM told
    LEFT JOIN texts ON texts.record = told.id LEFT JOIN erasures ON erasures.record = told.id;
CREATE VIEW progress AS
    SELECT campaigns.*, (
        SELECT count(*) FROM cards JOIN openings ON openings.id = cards.permanence
        WHERE cards.state = 'counted' AND openings.day BETWEEN campaigns.first_day AND campaigns.last_day
    ) AS counted_cards FROM campaigns;
"""

VIEWS = ("progress", "stories", "first_answers", "counted", "cards", "permanences")
PROJECTED = (
    "openings", "closings", "campaigns", "layouts", "readings", "answers", "rejections", "reviews", "corrections",
    "told", "erasures",
)  # fmt: skip
