"""`logicienne.toml`: the example is the truth, and every mistake is named with its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from reader.cli import group
from reader.config import EXAMPLE, TABLES, Config, ConfigError, DelayOptions, load_config
from reader.live import Delays


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "logicienne.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_holds_every_option_with_what_holds_without_it(tmp_path: Path) -> None:
    given = tomllib.loads(EXAMPLE)
    assert given.keys() == Config.model_fields.keys()
    assert all(given[name].keys() == table.model_fields.keys() for name, table in TABLES.items() if name)
    assert load_config(config(tmp_path, EXAMPLE)) == Config()


def test_the_page_shows_the_example() -> None:
    page = Path(__file__).parents[2] / "docs" / "run.md"
    if not page.is_file():
        pytest.skip("looks at the checkout")
    assert f"```toml\n{EXAMPLE}```" in page.read_text(encoding="utf-8")


def test_the_bounds_that_the_example_states_are_those_that_hold(tmp_path: Path) -> None:
    stated = re.findall(r"^(\w+) = [\d.]+ .*\(([\d.]+) to ([\d.]+)\)$", EXAMPLE, re.M)
    assert [name for name, _, _ in stated] == ["every_s", *DelayOptions.model_fields]
    for name, least, most in stated:
        table = "sync" if name == "every_s" else "delays"
        for value in (least, most):
            load_config(config(tmp_path, f"[{table}]\n{name} = {value}\n"))
        for value in (float(least) - 0.01, float(most) + 1):
            number = int(value) if "." not in least + most and value > float(most) else value
            with pytest.raises(ConfigError):
                load_config(config(tmp_path, f"[{table}]\n{name} = {number}\n"))


def test_without_a_file_everything_holds_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config() == Config() and load_config().delays.delays() == Delays()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('sorce = "sim:"', r"logicienne\.toml:1: sorce: no such option; did you mean source\?"),
        ('[sync]\ntoo = "x"', r"toml:2: sync\.too: .*did you mean to\?"),
        ('source = "sim:"\n\n[delays]\nsetle_s = 0.3', r"toml:4: delays\.setle_s: .*did you mean settle_s\?"),
        ("[delays]\nlooks = 1", r"toml:2: delays\.looks: .*greater than or equal to 2, not 1"),
        ('language = "de"', r"toml:1: language: .*'nl', 'fr' or 'en'"),
        ("source = 3", r"toml:1: source: .*string"),
        ("layouts = []", r"toml:1: layouts: .*at least 1"),
        ("[delay]\nlooks = 2", r"toml:1: delay: no such option; did you mean delays\?"),
        ("zzz = 1", r"no such option; there are: source, layouts"),
        ("source = ", r"not TOML"),
        ("delays.looks = true", r"delays\.looks"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(config(tmp_path, text))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(config(tmp_path, 'sorce = "x"\nlanguage = "de"\n[delays]\nlooks = 99\n'))
    assert len(str(error.value).splitlines()) == 3


def test_a_file_that_is_named_and_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--example-config"):
        load_config(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "logicienne.toml"
    path.write_bytes(b"\xff\xfe\x00source")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(path)


def test_the_command_prints_the_example_and_starts_nothing() -> None:
    shown = CliRunner().invoke(group, ["run", "--example-config"])
    assert shown.exit_code == 0 and shown.output == EXAMPLE


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path = config(tmp_path, 'source = "camera:99"\nlanguage = "fr"\nplace = "Zenne"\n')
    args = ["run", "--config", str(path), "--source", "sim:?cards=0&width=320&height=240", "--language", "nl"]
    shown = CliRunner().invoke(group, args)
    assert shown.exit_code == 0, shown.output
    assert "Zenne: 0 geteld" in shown.output and "simulated: a store of its own" in shown.output


def test_a_simulated_sitting_never_reaches_the_real_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "real.db"
    monkeypatch.setenv("LOGICIENNE_STORE", str(real))
    shown = CliRunner().invoke(group, ["run", "--source", "sim:?cards=0&width=320&height=240"])
    assert shown.exit_code == 0 and not real.exists()
