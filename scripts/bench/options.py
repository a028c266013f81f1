"""Options that the benchmarks share, and the one way they hand over their results.

In: a command line. Out: JSON on standard output; progress goes to standard error.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

WORK = Path(tempfile.gettempdir()) / "mipdns-bench"


def work(command: Command) -> Command:
    """Where what is made is kept for the next time."""
    option = click.option(
        "--work",
        type=click.Path(file_okay=False, path_type=Path),
        default=WORK,
        show_default=True,
        help="Folder for what is made; kept for the next time, safe to delete.",
    )
    return option(command)


def say(text: str) -> None:
    """Tell how far it is."""
    click.echo(text, err=True)


def hand_over(document: object) -> None:
    """Print the result."""
    json.dump(document, sys.stdout, indent=2)
    print()
