"""The command `logicienne`. One module per command, loaded only when it is called; no rule of the machine lives here.

Begin with `main`. Known errors are one line and code 1; a missing or wrong option is click's code 2.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from cards.errors import LogicienneError

# numpy's library would start threads for matrices of a few rows; on a busy machine they wait for each other far longer
# than the work takes. Set before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {
    "demo": "Read a deck of sample cards, store, show and export them.",
    "run": "Run the machine: read what lies under the camera, keep it, show it.",
    "read": "Read picture files of cards.",
    "permanence": "Open, close and list permanences.",
    "review": "Settle the doubtful cards, undo the last one.",
    "story": "Write down, list and erase what residents told.",
    "status": "Say how it stands: the sitting, what waits, what is safe.",
    "sync": "Send what was kept to the organisation, with receipts.",
    "bundle": "Write what is not safe yet to a stick.",
    "export": "Write a day's answers as CSV files.",
    "backup": "Copy the store to another medium.",
    "store": "Look after the store: info, check, rebuild, recover.",
    "collect": "Run the collector, the server that machines sync to.",
    "collector": "Look after the collector: machines, enrolment, exports over all.",
    "cards": "Check and draw card layouts.",
    "doctor": "Try each part of the machine: pins, lamps, button, sensors, camera.",
    "calibrate": "Teach the machine its camera: sheet, camera, check.",
    "head": "Look after a sensor head: console, levels, flash, simulate.",
    "simulate": "Make pictures of cards, to try things out.",
}


class Lazy(click.Group):
    """A group that imports a command's module when it is called: `--help` stays quick on a Raspberry Pi."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"reader.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="logicienne")
def group() -> None:
    """Reads hand-punched survey cards, keeps every answer, exports the day.

    Begin with: logicienne demo
    """


def main() -> None:
    """Run the command line."""
    try:
        # Without click's own mode a command's `ctx.exit(1)` comes back as a value.
        sys.exit(group.main(prog_name="logicienne", standalone_mode=False) or 0)
    except click.Abort:
        click.echo("stopped; what was acknowledged is kept", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LogicienneError as error:
        click.echo(f"logicienne: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
