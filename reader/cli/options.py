"""Options and small habits that commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from cards.layout import Layout
from cards.load import find_layout

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_LAYOUT = "stadslogistiek"
LANGUAGES = ("nl", "fr", "en")


def screen() -> Console:
    """Where people look: standard error, so that standard output stays clean for programs."""
    return Console(stderr=True)


def layouts_of(names: Sequence[str]) -> list[Layout]:
    """The layouts named, or the campaign's own."""
    return [find_layout(name) for name in names or (DEFAULT_LAYOUT,)]


class Day(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only from click 8.2
    """A day as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day, or click's complaint."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as 2024-12-05", param, ctx)


def store_option(command: F) -> F:
    """`--store`."""
    return click.option(
        "--store", "store_path", type=click.Path(path_type=Path),
        help="The store's file. Default: $LOGICIENNE_STORE, else data/logicienne.db.",
    )(command)  # fmt: skip


def layout_option(command: F) -> F:
    """`--layout`, as often as there are cards in use."""
    return click.option(
        "--layout", "layout_names", multiple=True, metavar="LAYOUT",
        help=f"A layout file, its folder, or a shipped layout's id; may be given again. Default: {DEFAULT_LAYOUT}.",
    )(command)  # fmt: skip


def profile_option(command: F) -> F:
    """`--profile`, for commands that read without one too."""
    return click.option(
        "--profile", "profile_path", type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="The profile of the machine that took the pictures (logicienne calibrate camera). Default: none.",
    )(command)  # fmt: skip


def language_option(default: str) -> Callable[[F], F]:
    """`--language`."""
    return click.option("--language", default=default, show_default=True, help="nl, fr or en.", metavar="CODE")
