"""What the operator's commands print: plain text, colour only on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence


def say(text: str, *, colour: str = "") -> None:
    """Print a line."""
    typer.echo(typer.style(text, fg=colour) if colour and sys.stdout.isatty() else text)


def fail(text: str) -> typer.Exit:
    """Print a problem to standard error; returns what to raise."""
    typer.echo(typer.style(text, fg="red") if sys.stderr.isatty() else text, err=True)
    return typer.Exit(1)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as aligned columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[index]) for line in [list(header), *cells]) for index in range(len(header))]
    numeric = [bool(rows) and all(isinstance(row[index], int | float) for row in rows) for index in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [list(header), ["-" * width for width in widths], *cells]
    )
