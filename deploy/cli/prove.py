"""`marketmesh prove`: recompute over all databases that no stock, order, cent or event is lost or doubled."""

from __future__ import annotations

from deploy.cli.console import fail, say
from deploy.tools.connection import use_environment
from deploy.tools.prove import prove_everything


def prove() -> None:
    """Check the ledger, stock, order and event invariants over all databases."""
    use_environment()
    problems = prove_everything()
    for problem in problems:
        say(f"  {problem}", colour="red")
    if problems:
        raise fail(f"prove: {len(problems)} violations")
    say("prove: all invariants hold", colour="green")
