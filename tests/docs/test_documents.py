"""The documents say what is there: files, commands, tests and numbers."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from deploy.cli.contracts import grpc_services
from meshkit.grpc.policy import Effect, read_policy
from services.media.files.domain.attachments import PROTECTED, AttachmentEntity
from tests.docs.commands import commands
from tests.docs.reading import ROOT, documents, is_missing, name_of, tables

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "gen")))
# Something with a folder of ours in front, or a file of the root by its ending.
PATH = re.compile(rf"^(?:(?:{'|'.join(FOLDERS)})/[\w./*-]*|\.ci/\w+|[\w-]+\.(?:md|toml|lock))$")
UNITS = {"ms": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
NUMBERS = [
    (name_of(path), row) for path in documents() for table in tables(path.read_text()) if table[0][-1] == "Constant"
    for row in table[1:]
]  # fmt: skip
EXPECTED_NUMBERS = {
    "meshkit.events.relay.MAX_ATTEMPTS", "meshkit.events.relay.BATCH", "meshkit.events.consume.MAX_ATTEMPTS",
    "meshkit.events.consume.BATCH", "meshkit.settings.RetentionSettings.published_events_days",
    "services.commerce.settings.CommerceSettings.quote_minutes",
    "services.media.settings.MediaSettings.upload_url_minutes",
}  # fmt: skip


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def named_paths(path: Path) -> list[str]:
    words = [word.partition("::")[0].partition(":")[0] for word in CODE.findall(prose(path))]
    return [word for word in words if PATH.match(word)]


@pytest.mark.parametrize("document", documents(), ids=name_of)
class TestEveryDocument:
    def test_links_to_what_exists(self, document: Path) -> None:
        inside = [link.partition("#")[0] for link in LINK.findall(prose(document)) if "://" not in link]

        assert [link for link in inside if link and not (document.parent / link).exists()] == []

    def test_names_files_that_exist(self, document: Path) -> None:
        assert [word for word in named_paths(document) if not list(ROOT.glob(word.rstrip("/")))] == []

    def test_names_tests_that_exist(self, document: Path) -> None:
        named = [word for word in CODE.findall(prose(document)) if re.match(r"tests/\S+\.py::", word)]

        assert [test for test in named if is_missing(test)] == []

    def test_draws_something_in_every_picture(self, document: Path) -> None:
        text = document.read_text()
        pictures = re.findall(r"^```mermaid\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)

        assert len(pictures) == text.count("```mermaid")
        for picture in pictures:
            lines = [line for line in picture.splitlines() if line.strip()]
            assert re.match(r"(flowchart|sequenceDiagram|stateDiagram-v2|classDiagram|erDiagram)\b", lines[0])
            assert len(lines) > 2

    def test_names_no_place_outside(self, document: Path) -> None:
        outside = re.findall(r"(?<![\w.])/(?:work|home|root|Users|tmp|opt)/\S+", document.read_text())

        assert outside == []


class TestCommands:
    def test_of_make_are_targets(self) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
        named = {
            word
            for path in documents()
            for word in re.findall(r"(?:`|^ {4})make ([a-z-]+)", path.read_text(), re.MULTILINE)
        }

        assert {"run", "test", "demo"} <= named <= targets

    def test_of_marketmesh_are_registered(self) -> None:
        from deploy.cli.commands import HOMES

        registered = set(HOMES)
        named: set[str] = set()
        for path in documents():
            for words in re.findall(r"`(?:\.venv/bin/)?marketmesh ([a-z][a-z|-]*)", path.read_text()):
                named |= set(words.split("|"))

        assert {"doctor", "migrate", "seed", "demo", "prove", "dlq", "topology"} <= named <= registered

    def test_that_migrate_down_come_up_again_in_the_same_line(self) -> None:
        """Somebody who stops reading behind the first command has no half of a database."""
        down = [command.text for command in commands() if " --down " in command.text]

        assert down
        assert [
            text
            for text in down
            if not re.fullmatch(r"marketmesh migrate (\w+) --down \d+ && marketmesh migrate \1", text)
        ] == []

    def test_ports_are_the_defaults(self) -> None:
        from deploy.dev.ports import Ports

        readme = (ROOT / "README.md").read_text()
        ports = Ports()

        assert f"127.0.0.1:{ports.gateway}" in readme
        assert f"127.0.0.1:{ports.mail}" in readme


class TestNumbers:
    def test_are_those_of_the_code(self) -> None:
        assert {row[-1].strip("`") for _, row in NUMBERS} >= EXPECTED_NUMBERS
        wrong = [(document, row[0]) for document, row in NUMBERS if not _fits(row)]
        assert wrong == []


class TestAttachmentRules:
    def test_name_the_protected_set_of_the_code(self) -> None:
        text = (ROOT / "docs" / "architecture" / "media.md").read_text()
        (rules,) = (table[1:] for table in tables(text) if table[0][:2] == ["Entity", "Protected"])

        told = {row[0].strip("`"): row[1] == "yes" for row in rules}

        assert told == {entity.value: entity in PROTECTED for entity in AttachmentEntity}


class TestCheckoutInvariants:
    def test_each_names_a_test_that_exists(self) -> None:
        text = (ROOT / "docs" / "architecture" / "checkout.md").read_text()
        (invariants,) = (table[1:] for table in tables(text) if table[0] == ["Invariant", "Test"])

        assert len(invariants) >= 15
        assert [row[0] for row in invariants if is_missing(row[1].strip("`"))] == []


class TestDecisions:
    def test_are_numbered_without_gap_and_have_three_parts(self) -> None:
        records = sorted((ROOT / "docs" / "decisions").glob("*.md"))

        assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
        for path in records[1:]:
            parts = re.findall(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
            assert parts == ["Context", "Decision", "Consequences"], path.name


def _fits(row: list[str]) -> bool:
    """Return whether the documented number, in its unit, is the constant's."""
    told, unit, constant = float(row[-3]), row[-2], _value(row[-1].strip("`"))
    if isinstance(constant, timedelta):
        return told * UNITS[unit] == constant.total_seconds()
    return told == float(constant)


def _value(name: str) -> Any:
    """Return a constant, a settings field's default (`…Settings.field`) or the time of a retention rule (`…[0]`)."""
    plain, _, index = name.rstrip("]").partition("[")
    owner, _, attribute = plain.rpartition(".")
    try:
        value = getattr(importlib.import_module(owner), attribute)
    except ModuleNotFoundError:
        module, _, settings = owner.rpartition(".")
        found: type[BaseSettings] = getattr(importlib.import_module(module), settings)
        return found.model_fields[attribute].default
    return value[int(index)][-1] if index else value


class TestFlows:
    def test_stand_in_the_table_of_what_may_happen_half_way(self) -> None:
        (rows,) = (
            table[1:]
            for table in tables((ROOT / "docs/architecture/transactions-and-flows.md").read_text())
            if table[0][0] == "RPC"
        )

        assert sorted(rpc for row in rows for rpc in CODE.findall(row[0])) == sorted(
            method.name
            for service in grpc_services()
            for method in service.methods
            if read_policy(method).effect == Effect.EFFECT_FLOW
        )
        assert [row[0] for row in rows if is_missing(row[-1].strip("`"))] == []
