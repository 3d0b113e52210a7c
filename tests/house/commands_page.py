"""`docs/commands.md`, made from the commands' own help: `python -m tests.house.commands_page --write | --check`."""

# ruff: noqa: E501  (rows of a table)

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reader.cli import group

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
HEAD = """\
# Commands

Made from `--help` by `python -m tests.house.commands_page --write`; do not edit the lists below.

Exit codes: 0 all went well · 1 something was wrong with what was given (one line says what, and what to do next) ·
2 the command was called the wrong way.

## One JSON object a file

`logicienne read … --format jsonl` prints one object for each file, in the order given, and nothing else:

| field | what it holds |
|---|---|
| `file` | the path as given |
| `verdict` | `accepted`, `review` or `rejected` |
| `reasons` | a list of `{code, question, position, message}`; `message` is in the language asked for |
| `layout` | `id@version`; `null` when no layout could be told |
| `face` | `front` or `back`: which face the camera saw |
| `corners_px` | the card's own top-left, top-right, bottom-right, bottom-left as seen from its front; `[x, y]` in pixels, the first pixel's centre is `[0, 0]`; the corners of the uncut rectangle |
| `positions` | by name: `question.choice`, for `number` and `text` columns `question.column.digit-or-row` |
| … `punch` | `punched`, `clear` or `uncertain` |
| … `at_mm` | the nominal place on the front, from its top-left corner, x right, y down |
| … `open` | share of the nominal hole's area that shows the bed; a hole larger than nominal may exceed 1 |
| … `offset_mm` | how far from there the hole lies; `[0, 0]` without one |
| … `doubts` | what speaks against believing `open`; any makes the position uncertain |
| `strays` | holes at no position: `x_mm`, `y_mm`, `area_mm2` |
| `answers` | question → choice, list of choices (`many`), digits or text; only questions that were answered beyond doubt |
"""


def page() -> str:
    """The page's text."""
    return HEAD + "".join(_command(command, path) for path, command in _walk(group, ("logicienne",)))


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if len(path) > 1:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=" ".join(path))
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _walk(below, (*path, name))


def _command(command: click.Command, path: tuple[str, ...]) -> str:
    context = click.Context(command, info_name=" ".join(path), terminal_width=110, max_content_width=110)
    return f"\n## `{' '.join(path)}`\n\n```\n{command.get_help(context).rstrip()}\n```\n"


def main(arguments: list[str]) -> int:
    """`--write` or `--check`."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if arguments == ["--check"] and PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE.name} is not what the commands say; run: python -m tests.house.commands_page --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
