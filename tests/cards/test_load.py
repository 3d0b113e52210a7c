"""A layout file becomes plain data, or every error in it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.canonical import from_json, to_json
from cards.load import LayoutError, find_layout, load_layout, record_printed, shipped

GOOD = """\
layout: small
version: 1
title: {en: Small}
languages: [en]
card: {width_mm: 100.0, height_mm: 60.0, corner_cut: {corner: top-left, dx_mm: 6.0, dy_mm: 9.0}}
hole: {shape: circle, diameter_mm: 5.0, tolerance_mm: 1.5}
questions:
  - id: how
    answer: one
    text: {en: How?}
    choices:
      - {id: a, at: {x_mm: 20.0, y_mm: 30.0}, text: {en: A}}
      - {id: b, at: {x_mm: 40.0, y_mm: 30.0}, text: {en: B}}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "layout.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> list[str]:
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    return [str(p) for p in caught.value.problems]


def test_a_good_file_loads(tmp_path: Path) -> None:
    layout = load_layout(write(tmp_path, GOOD))
    assert layout.identity == "small@1"
    assert [p.name for p in layout.positions] == ["how.a", "how.b"]
    assert (layout.positions[1].x_mm, layout.positions[1].y_mm) == (40.0, 30.0)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_layout_is_in_order(name: str) -> None:
    assert find_layout(name).positions


def test_the_campaigns_card_pairs_at_least_six_hows_with_feels_in_three_languages() -> None:
    layout = find_layout("stadslogistiek")
    hows = {q.id for q in layout.questions if q.ask == "how"}
    felt = {q.about for q in layout.questions if q.ask == "feel"}
    assert len(hows) >= 6 and hows == felt
    assert len({q.theme for q in layout.questions}) == 3
    for q in layout.questions:
        for text in (q.text, *(c.text for c in q.choices)):
            assert {"nl", "fr", "en"} <= set(text)


def test_ten_errors_are_reported_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("version: 1", "version: zero").replace("title: {en: Small}", "title: Small")
    text = text.replace("width_mm: 100.0", "width_mm: -1").replace("corner: top-left", "corner: upper")
    text = text.replace("shape: circle", "shape: star").replace("answer: one", "answer: maybe")
    text = text.replace("id: how", "id: 'How much?'").replace("x_mm: 20.0, y_mm: 30.0", "x_mm: 20.0")
    text = text.replace("{id: b,", "{id: b, colour: red,").replace("languages: [en]", "languages: [english!]")
    found = problems_of(write(tmp_path, text))
    assert len(found) >= 10
    lines = [int(p.removeprefix(str(tmp_path / "layout.yaml")).split(":")[1]) for p in found]
    assert lines == sorted(lines) and len(set(lines)) >= 8


def test_form_errors_and_overlapping_holes_come_together(tmp_path: Path) -> None:
    text = GOOD.replace("version: 1", "version: 0").replace("x_mm: 40.0", "x_mm: 22.0")
    found = "\n".join(problems_of(write(tmp_path, text)))
    assert "version" in found
    assert "mm between edges, 2.0 needed); move it" in found


def test_a_misspelt_key_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    (found,) = problems_of(write(tmp_path, GOOD.replace("tolerance_mm: 1.5", "tolerance_mm: 1.5, colour: red")))
    assert ":6:" in found and "colour" in found


def test_a_missing_translation_says_which(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, GOOD.replace("languages: [en]", "languages: [en, nl]")))
    assert any("no text in nl" in p for p in found)


def test_about_a_question_that_does_not_exist_suggests_the_nearest(tmp_path: Path) -> None:
    text = GOOD + (
        "  - id: feel\n    answer: one\n    about: hwo\n    text: {en: Feel?}\n"
        "    choices:\n      - {id: a, at: {x_mm: 60.0, y_mm: 30.0}, text: {en: A}}\n"
    )
    assert any("hwo" in p and "how" in p for p in problems_of(write(tmp_path, text)))


def test_a_yaml_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + k)}: &{chr(98 + k)} [" + ", ".join([f"*{chr(97 + k)}"] * 9) + "]\n" for k in range(9)
    )
    (found,) = problems_of(write(tmp_path, bomb))
    assert "anchors and aliases" in found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "begins with `layout:"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"- just\n- a list\n", "begins with `layout:"),
        (b"layout: [unclosed\n", "not YAML here"),
        (b"[" * 5000, "nested"),
        (b"x: 1\n" * 80_000, "kB"),
        (b"layout: a\nlayout: b\n", "duplicate"),
        (b"layout: !!python/object/apply:os.system ['true']\n", "layout.yaml"),
    ],
)
def test_damaged_files_say_what_is_wrong(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "layout.yaml"
    path.write_bytes(content)
    assert says in "\n".join(problems_of(path))


def test_a_file_that_is_not_there_lists_what_there_is() -> None:
    with pytest.raises(LayoutError, match="stadslogistiek"):
        find_layout("nowhere")


def test_a_printed_version_may_not_change_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    path = write(folder, GOOD)
    record_printed(path)
    load_layout(path)
    write(folder, GOOD.replace("en: A}", "en: Always}"))
    (found,) = problems_of(path)
    assert "has been printed" in found and "version 2" in found
    write(folder, GOOD.replace("en: A}", "en: Always}").replace("version: 1", "version: 2"))
    assert load_layout(path).version == 2


def test_comments_and_spacing_do_not_change_the_digest(tmp_path: Path) -> None:
    first = load_layout(write(tmp_path, GOOD)).digest
    second = load_layout(write(tmp_path, "# studio note\n" + GOOD.replace("{en: How?}", "{ en:  How? }"))).digest
    assert first == second


@pytest.mark.parametrize("name", sorted(shipped()))
def test_canonical_json_brings_back_the_same_layout(name: str) -> None:
    layout = find_layout(name)
    back = from_json(to_json(layout))
    assert (back.identity, back.digest, back.positions) == (layout.identity, layout.digest, layout.positions)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_text_whatever_makes_the_loader_fail_otherwise(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layout.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass" if text.isascii() else "replace")
        with pytest.raises(LayoutError):
            load_layout(path)
