"""Every command that a document tells can be typed: its program, commands and options exist, and something runs it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import shlex
from typing import Any

import pytest
from typer.main import get_command

from deploy.cli.commands import HOMES
from deploy.cli.main import app
from meshkit.cli import service_app
from tests.docs.commands import NOT_RUN, Command, commands

ALTERNATIVES = re.compile(r"([\w-]*\|[\w|-]*)")
EVENT_ID = "00000000-0000-0000-0000-000000000000"


def spelled_out(command: Command) -> list[list[str]]:
    """Return the words of a command; of `serve|run`, those of each; of `one && another`, those of both."""
    each = [_alternatives(text) for text in command.filled.replace("EVENT_ID", EVENT_ID).split(" && ")]
    return [words for alternatives in each for words in alternatives]


def _alternatives(text: str) -> list[list[str]]:
    found = ALTERNATIVES.search(text)
    if found is None:
        return [shlex.split(text)]
    return [shlex.split(text.replace(found[1], word)) for word in found[1].split("|")]


def parse(command: Any, words: list[str]) -> None:
    """Parse words as the command line would, down to the last command, and run nothing.

    A command that is only named need not have what it requires.
    """
    named_only = all(re.fullmatch("[a-z-]+", word) and not word.startswith("-") for word in words)
    context = None
    while words:
        name, rest = words[0], words[1:]
        context = command.make_context(
            name, list(rest), parent=context, resilient_parsing=named_only or "--help" in rest
        )
        if not hasattr(command, "resolve_command"):
            return
        words = rest[len(rest) - len([*context._protected_args, *context.args]) :]
        if words and words != ["--help"]:
            _, command, left = command.resolve_command(context, words)
            assert command is not None, words
            words = [words[0], *left]
        else:
            return


OURS = [
    command for command in commands() if command.filled.startswith("marketmesh ") and " identity" not in command.filled
]  # fmt: skip


class TestCommands:
    @pytest.mark.parametrize("command", OURS, ids=lambda command: command.text)
    def test_of_marketmesh_are_understood(self, command: Command) -> None:
        for words in spelled_out(command):
            parse(get_command(app), words)

    @pytest.mark.parametrize("name", HOMES)
    def test_have_the_line_in_the_list_that_their_own_help_begins_with(self, name: str) -> None:
        command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]

        assert inspect.cleandoc(command.help).split("\n\n")[0] == HOMES[name].line

    def test_of_modules_are_understood(self) -> None:
        modules = [each for each in commands() if each.filled.startswith("python -m ")]
        for command in modules:
            for _, _, module, *rest in spelled_out(command):
                assert importlib.util.find_spec(module), command
                if module.startswith("services."):
                    spec = importlib.import_module(f"{module}.service").SPEC
                    parse(get_command(service_app(spec)), [module, *rest])
        assert len(modules) > 5

    def test_that_are_not_run_are_told_somewhere(self) -> None:
        reasons = {command.not_run for command in commands()}

        assert [reason for reason in NOT_RUN.values() if reason not in reasons] == []

    def test_are_found_in_blocks_and_in_sentences(self) -> None:
        told = {command.text for command in commands()}

        assert "marketmesh dlq show EVENT_ID" in told
        assert any(text.startswith("UPDATE outbox") and text.endswith("WHERE event_id = '…'") for text in told)
        assert [text for text in told if text.startswith("token=$(curl") and text.count("curl") == 2]
