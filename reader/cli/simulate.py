"""`logicienne simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
from rich.progress import track

from cards.load import find_layout
from device.simulator.deck import make_deck, write_card
from device.simulator.hand import HANDS
from device.simulator.scene import BEDS, LIGHTS, Bed
from reader.cli.options import DEFAULT_LAYOUT, screen


@click.group("simulate", epilog="Example: logicienne simulate deck --cards 50 --out try/")
def command() -> None:
    """Make pictures of cards that nobody punched, with their truth beside them."""


EXAMPLE = "logicienne simulate deck my-card/ --cards 500 --hand shaky --bed felt --light window --seed 7 --out try/"


@command.command("deck", epilog=f"Example: {EXAMPLE}")
@click.argument("name", metavar="[LAYOUT]", default=DEFAULT_LAYOUT)
@click.option("--cards", "count", type=click.IntRange(1, 100_000), default=24, show_default=True)
@click.option("--hand", type=click.Choice(list(HANDS)), default="usual", show_default=True,
              help="Who punched: careless ones leave half holes and strays.")  # fmt: skip
@click.option("--bed", type=click.Choice([*BEDS, "mixed"]), default="mixed", show_default=True,
              help="What lies under the card: black felt, a lit panel, green paint, beech.")  # fmt: skip
@click.option("--light", type=click.Choice([*LIGHTS, "mixed"]), default="mixed", show_default=True,
              help="A machine's lamp, a table at a window, the same table in the evening.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same cards.")
@click.option("--out", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder.")
def deck(name: str, count: int, hand: str, bed: str, light: str, seed: int, folder: Path) -> None:
    """Print, punch and photograph cards of LAYOUT; then try: logicienne read FOLDER --no-store."""
    layout = find_layout(name)
    made = make_deck(
        layout,
        count,
        seed,
        HANDS[hand],
        None if bed == "mixed" else cast(Bed, bed),
        None if light == "mixed" else light,
    )
    for card in track(made, "photographing", total=count, console=screen()):
        write_card(card, folder)
    click.echo(f"{count} cards of {layout.identity} in {folder}")
