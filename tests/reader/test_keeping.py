"""Reviews, stories, evidence, what closing wipes, copies and recovery: the promises of the store."""

from __future__ import annotations

import csv
import re
import sqlite3
from contextlib import closing
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from cards.layout import Layout
from cards.load import find_layout
from reader.decode import decode
from reader.export import export, select
from reader.reading import Answer, Score
from reader.store import Store, StoreError, open_store
from reader.store.backup import backup, copies, erase_in_copies, is_damaged
from reader.store.check import check
from reader.store.migrations import MIGRATIONS
from reader.store.reviews import first_answers, review, undo_last, waiting
from reader.store.stories import erase, stories, tell
from tests.builders import add, complete, reading, told

DAY = date(2024, 12, 5)
SECRET = "Mijn buurvrouw brengt alles met de bakfiets, elke dinsdag."


def double(layout: Layout) -> list[str]:
    return [*complete(layout), "groceries_how.car"]


def value(store: Store, sitting: str, layout: Layout, card: str, question: str) -> str | None:
    found = [a.value for a in store.counted([sitting], layout.identity) if (a.reading, a.question) == (card, question)]
    return found[0] if found else None


# --- reviews ---------------------------------------------------------------------------------------------------------


def test_a_corrected_card_counts_with_the_correction_and_the_first_reading_stays(
    store: Store, sitting: str, campaign: Layout
) -> None:
    card = add(store, sitting, campaign, double(campaign))
    assert [w.reading for w in waiting(store)] == [card]
    review(store, card, "correct", "asked", {"groceries_how": Answer("answered", "car")})
    assert value(store, sitting, campaign, card, "groceries_how") == "car"
    assert value(store, sitting, campaign, card, "city_how") == "on_foot"
    assert first_answers(store, card)["groceries_how"] == Answer("doubtful")
    assert waiting(store) == [] and check(store) == []


def test_a_later_review_replaces_an_earlier_one(store: Store, sitting: str, campaign: Layout) -> None:
    card = add(store, sitting, campaign)
    for k in range(5):
        review(store, card, "void" if k % 2 else "accept", f"{k}")
    assert value(store, sitting, campaign, card, "city_how") == "on_foot"
    review(store, card, "void")
    assert value(store, sitting, campaign, card, "city_how") is None
    assert store.rows("SELECT count(*) FROM reviews") == [(6,)]
    assert [(p.counted, p.void) for p in store.permanences()] == [(0, 1)]


def test_undo_voids_the_last_card_then_the_one_before(store: Store, sitting: str, campaign: Layout) -> None:
    cards = [add(store, sitting, campaign) for _ in range(3)]
    assert [undo_last(store, sitting) for _ in range(4)] == [*cards[::-1], None]


@pytest.mark.parametrize(
    ("decision", "answers"),
    [
        ("perhaps", None),
        ("correct", None),
        ("accept", {"groceries_how": Answer("answered", "car")}),
        ("correct", {"nothing": Answer("blank")}),
        ("correct", {"groceries_how": Answer("answered", "rocket")}),
        ("correct", {"groceries_how": Answer("answered", ("car", "bike"))}),
        ("correct", {"groceries_how": Answer("answered", None)}),
    ],
)
def test_a_review_that_makes_no_sense_changes_nothing(
    store: Store, sitting: str, campaign: Layout, decision: str, answers: dict[str, Answer] | None
) -> None:
    card = add(store, sitting, campaign, double(campaign))
    with pytest.raises(ValueError, match=r".+"):
        review(store, card, decision, answers=answers)  # type: ignore[arg-type]
    assert store.rows("SELECT count(*) FROM reviews") == [(0,)]


def test_a_review_of_no_card_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="review list"):
        review(store, "nobody", "void")


# --- evidence and recent cards ---------------------------------------------------------------------------------------


def test_evidence_is_there_until_the_card_is_settled(store: Store, sitting: str, campaign: Layout) -> None:
    card = add(store, sitting, campaign, double(campaign), evidence={"groceries_how.car": b"jpeg"})
    assert waiting(store)[0].evidence == {"groceries_how.car": b"jpeg"}
    review(store, card, "void")
    assert store.rows("SELECT count(*) FROM evidence") == [(0,)]


def test_evidence_stays_where_the_organisation_says_so(store: Store, sitting: str, campaign: Layout) -> None:
    store.set("keep_evidence", "yes")
    card = add(store, sitting, campaign, double(campaign), evidence={"x": b"jpeg"})
    review(store, card, "void")
    assert store.rows("SELECT count(*) FROM evidence") == [(1,)]


def test_evidence_is_bounded_and_never_costs_the_card(store: Store, sitting: str, campaign: Layout) -> None:
    card = add(store, sitting, campaign, evidence={f"p{k}": bytes(150_000) for k in range(5)})
    assert store.rows("SELECT count(*) FROM evidence WHERE reading = ?", card) == [(2,)]


def test_the_same_picture_twice_in_a_sitting_is_one_card(store: Store, sitting: str, campaign: Layout) -> None:
    first, again = (add(store, sitting, campaign, picture="ab" * 32) for _ in range(2))
    assert first == again and store.permanences()[0].counted == 1
    assert add(store, sitting, campaign, picture="cd" * 32) != first


def test_after_closing_the_file_tells_neither_order_nor_pictures_nor_times(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "s.db"
    pictures = [f"{k:064x}" for k in range(1000, 1060)]
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        for k, picture in enumerate(pictures):
            # Every card measures a little differently, as real ones do: so each can be told in the bytes, by its digest.
            seen = reading(campaign, complete(campaign), scores={"city_how.taxi": Score(k / 1000)})
            store.append_reading(sitting, seen, decode(seen, campaign), campaign, picture=picture)
        in_order = [
            store.rows("SELECT digest FROM records WHERE id = ?", i)[0][0]
            for (i,) in store.rows("SELECT reading FROM recent ORDER BY number")
        ]
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        before = all_bytes(path)
        assert all(p.encode() in before for p in pictures), "they are there while the sitting lasts"
        assert order_share(before, in_order) > 0.9, "and so is the order, by where the cards lie in the file"
        store.close_permanence(sitting)
        after = all_bytes(path)
    assert not any(p.encode() in after for p in pictures)
    assert order_share(after, in_order) < 0.75
    assert not re.search(rb"\d\d:\d\d", after)


def all_bytes(path: Path) -> bytes:
    return b"".join(p.read_bytes() for p in path.parent.iterdir() if p.name.startswith(path.name))


def order_share(data: bytes, in_order: list[str]) -> float:
    """Of neighbouring cards in the file, how many lie there in the order in which they were read; chance is one half."""
    places = [data.find(digest.encode()) for digest in in_order]
    assert min(places) >= 0
    rank = sorted(range(len(places)), key=places.__getitem__)
    return sum(a < b for a, b in pairwise(rank)) / (len(rank) - 1)


def test_progress_counts_towards_a_target_what_counts_in_its_days(store: Store, sitting: str, campaign: Layout) -> None:
    store.add_campaign("Nulmeting", 80, DAY, date(2025, 2, 28))
    add(store, sitting, campaign)
    review(store, add(store, sitting, campaign), "void")
    add(store, store.open_permanence("Café", date(2025, 3, 1)), campaign)
    assert store.rows("SELECT name, target_cards, counted_cards FROM progress") == [("Nulmeting", 80, 1)]
    with pytest.raises(ValueError, match="last day"):
        store.add_campaign("x", 1, DAY, date(2020, 1, 1))


# --- stories ---------------------------------------------------------------------------------------------------------


def test_a_story_is_kept_with_its_consent(store: Store, sitting: str, campaign: Layout) -> None:
    card = add(store, sitting, campaign)
    tell(store, sitting, SECRET, language="nl", level="public", consent="Ja", reading=card, question="city_how")
    (story,) = stories(store)
    assert (story.text, story.level, story.consent, story.reading) == (SECRET, "public", "Ja", card)
    assert SECRET not in str(store.rows("SELECT body FROM records")), "the words lie beside the record"


def test_an_erased_story_is_gone_from_the_bytes_and_everything_else_still_holds(
    tmp_path: Path, campaign: Layout
) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
        story, other = told(store, sitting, SECRET), told(store, sitting, "Een ander verhaal.")
        store.close_permanence(sitting)
        backup(store, tmp_path / "stick")
        assert SECRET.encode() in all_bytes(path)
        erase(store, story)
        assert SECRET.encode() not in all_bytes(path)
        assert erase_in_copies(tmp_path / "stick", story) == 1
        assert not any(SECRET.encode() in c.read_bytes() for c in copies(tmp_path / "stick"))
        assert {s.id: s.text for s in stories(store)} == {story: None, other: "Een ander verhaal."}
        assert check(store) == [] and is_damaged(copies(tmp_path / "stick")[0]) is None
        erase(store, story)  # twice does no harm


@pytest.mark.parametrize(
    "change",
    [{"level": "everywhere"}, {"consent": " "}, {"language": "Dutch!"}, {"text": "  "}, {"text": "x" * 20_001}],
)
def test_a_story_without_consent_level_language_or_words_is_refused(
    store: Store, sitting: str, change: dict[str, str]
) -> None:
    given = {"text": "Een verhaal", "language": "nl", "level": "inside", "consent": "Ja"} | change
    with pytest.raises(ValueError, match=r".+"):
        tell(store, sitting, given.pop("text"), **given)  # type: ignore[arg-type]
    assert stories(store) == []


# --- check, migrations -----------------------------------------------------------------------------------------------

TAMPERINGS: dict[str, str] = {
    "digest": "UPDATE records SET body = replace(body, 'on_foot', 'car') WHERE kind = 'reading'",
    "table": "UPDATE answers SET value = 'car' WHERE question = 'city_how'",
    "story": "UPDATE texts SET text = 'changed'",
    "words are gone": "DELETE FROM texts",
}


@pytest.mark.parametrize("what", list(TAMPERINGS))
def test_tampering_is_noticed(tmp_path: Path, campaign: Layout, what: str) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        add(store, sitting, campaign)
        told(store, sitting, SECRET)
        assert check(store) == []
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER records_keep_update")
        other.execute(TAMPERINGS[what])
        other.commit()
    with open_store(path) as store:
        assert check(store) != []


def test_a_store_of_the_first_version_is_brought_up_to_date_after_a_copy(tmp_path: Path, campaign: Layout) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        sitting = store.open_permanence("Café", DAY)
        card = add(store, sitting, campaign)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for kind, name in old.execute("SELECT type, name FROM sqlite_schema").fetchall():
            if kind in ("view", "table") and name != "records":
                old.execute(f"DROP {kind} {name}")
        old.execute("PRAGMA user_version = 1")
    with open_store(path) as store:
        assert store.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
        assert value(store, sitting, campaign, card, "city_how") == "on_foot"
        assert check(store) == []
    assert is_damaged(tmp_path / "s.db.version-1") is None


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reader.store import migrations
    from reader.store.migrations import Migration

    path = tmp_path / "s.db"
    open_store(path).close()
    broken = Migration(3, "broken", "CREATE TABLE half (x TEXT); CREATE TABLE records (x TEXT);")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    monkeypatch.setattr("reader.store.opening.VERSION", 3)
    with pytest.raises(StoreError):
        open_store(path)
    monkeypatch.undo()
    with open_store(path) as store:
        assert store.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == [(0,)]
        assert check(store) == []


# --- any sequence equals a simple model ------------------------------------------------------------------------------


class Model(RuleBasedStateMachine):
    """The store against dictionaries."""

    cards = Bundle("cards")
    told = Bundle("told")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "s.db"
        self.layout = find_layout("stadslogistiek")
        self.store = open_store(self.path)
        self.sitting = self.store.open_permanence("Café", DAY)
        self.state: dict[str, str] = {}
        self.values: dict[str, str | None] = {}
        self.words: dict[str, str | None] = {}

    @rule(target=cards, doubtful=st.booleans())
    def read(self, doubtful: bool) -> str:
        card = add(self.store, self.sitting, self.layout, double(self.layout) if doubtful else None)
        self.state[card] = "waiting" if doubtful else "counted"
        self.values[card] = None if doubtful else "on_foot"
        return card

    @rule(card=cards, decision=st.sampled_from(["accept", "correct", "void"]))
    def settle(self, card: str, decision: str) -> None:
        answers = {"groceries_how": Answer("answered", "bike")} if decision == "correct" else None
        review(self.store, card, decision, answers=answers)  # type: ignore[arg-type]
        self.state[card] = "void" if decision == "void" else "counted"
        first = first_answers(self.store, card)["groceries_how"]
        self.values[card] = "bike" if decision == "correct" else str(first.value) if first.value else None

    @rule(target=told, text=st.text(min_size=1, max_size=30).filter(lambda t: bool(t.strip())))
    def story(self, text: str) -> str:
        new = tell(self.store, self.sitting, text, language="fr", level="inside", consent="Oui")
        self.words[new] = text
        return new

    @rule(story=told)
    def forget(self, story: str) -> None:
        erase(self.store, story)
        self.words[story] = None

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.path)

    @rule()
    def rebuild(self) -> None:
        self.store.rebuild()

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "store"):
            return
        assert dict(self.store.rows("SELECT id, state FROM cards")) == self.state
        counted = {c for c, s in self.state.items() if s == "counted"}
        answers = list(self.store.counted([self.sitting], self.layout.identity))
        assert {a.reading for a in answers} == counted
        how = {a.reading: a.value or None for a in answers if a.question == "groceries_how"}
        assert how == {c: self.values[c] for c in counted}
        assert {s.id: s.text for s in stories(self.store)} == self.words

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert check(self.store) == []
            self._exported()
            self.store.close()
            self.folder.cleanup()

    def _exported(self) -> None:
        """The file of counted answers says what the model says."""
        folder = Path(self.folder.name) / "out"
        export(self.store, select(self.store), folder)
        found = {}
        for path in folder.glob("*-wide.csv"):
            with path.open(newline="", encoding="utf-8") as file:
                found = {row["card"]: row["groceries_how"] or None for row in csv.DictReader(file)}
        assert found == {c: self.values[c] for c, s in self.state.items() if s == "counted"}


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
