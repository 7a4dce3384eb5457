"""`marketmesh demo`: tell the main story through the gateway, then prove that nothing was lost or doubled."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from deploy.cli.console import fail, say
from deploy.cli.own_stack import stack_of_this_checkout
from deploy.tools.checks import StoryBroken
from deploy.tools.connection import refuse_real_people, use_environment
from deploy.tools.people import Cast
from deploy.tools.prove import prove_everything
from deploy.tools.rest_client import Unexpected
from deploy.tools.story import Story
from deploy.tools.text_table import table
from deploy.tools.waiting import TookTooLong


def demo(
    url: Annotated[
        str, typer.Option(help="The gateway; the mesh of this checkout when empty, started if it is not running.")
    ] = "",
) -> None:
    """Sell from a licensed vendor to a licensed buyer, from registration to payout, every step a REST call."""
    if url:
        use_environment()
        refuse_real_people("demo")
        _tell(url)
    else:
        with stack_of_this_checkout() as own:
            refuse_real_people("demo")
            _tell(own)


def _tell(url: str) -> None:
    cast = Cast(url)
    started = time.perf_counter()
    say(f"demo: the story of {cast.tag} at {cast.base_url}")
    try:
        Story(cast).tell()
    except (StoryBroken, TookTooLong, Unexpected) as error:
        _print_steps(cast)
        raise fail(f"demo: {error}") from None
    _print_steps(cast)
    say(f"demo: {len(cast.journal.steps)} calls in {time.perf_counter() - started:.1f} s")
    problems = prove_everything()
    if problems:
        raise fail("prove: " + "\n       ".join(problems))
    say("prove: all invariants hold", colour="green")


def _print_steps(cast: Cast) -> None:
    rows = [
        (number, step.title, step.route, step.status, round(step.ms, 1))
        for number, step in enumerate(cast.journal.steps, start=1)
    ]
    say(table(("#", "step", "route", "status", "ms"), rows))
