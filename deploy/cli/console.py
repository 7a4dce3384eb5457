"""What the operator's commands print: plain text, colour only on a terminal."""

from __future__ import annotations

import sys

import typer


def say(text: str, *, colour: str = "") -> None:
    """Print a line."""
    typer.echo(typer.style(text, fg=colour) if colour and sys.stdout.isatty() else text)


def fail(text: str) -> typer.Exit:
    """Print a problem to standard error; returns what to raise."""
    typer.echo(typer.style(text, fg="red") if sys.stderr.isatty() else text, err=True)
    return typer.Exit(1)
