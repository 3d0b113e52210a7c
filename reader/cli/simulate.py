"""`logicienne simulate`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import track

from cards.load import find_layout
from device.simulator.deck import make_deck, write_card
from device.simulator.hand import Hand
from reader.cli.options import DEFAULT_LAYOUT, screen


@click.group("simulate", epilog="Example: logicienne simulate deck --count 50 --to try/")
def command() -> None:
    """Make pictures of cards that nobody punched, with their truth beside them."""


@command.command("deck", epilog="Example: logicienne simulate deck --layout my-card/ --count 50 --seed 3 --to try/")
@click.option("--layout", "name", default=DEFAULT_LAYOUT, show_default=True, metavar="LAYOUT")
@click.option("--count", type=click.IntRange(1, 100_000), default=24, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same cards.")
@click.option("--careless", type=click.FloatRange(0, 1), default=0.1, show_default=True,
              help="How often a hole is half punched or lies astray.")  # fmt: skip
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
def deck(name: str, count: int, seed: int, careless: float, folder: Path) -> None:
    """Print, punch and photograph COUNT cards; then try: logicienne read FOLDER --no-store."""
    layout = find_layout(name)
    hand = Hand(hanging=careless / 2, half=careless / 4, stray=careless)
    for card in track(make_deck(layout, count, seed, hand), "photographing", total=count, console=screen()):
        write_card(card, folder)
    click.echo(f"{count} cards of {layout.identity} in {folder}")
