"""The commands that documents tell people to type, taken from the documents: whole blocks, and spans of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.docs.reading import ROOT, name_of

_PROGRAMS = (
    "marketmesh",
    "make",
    "python",
    "curl",
    "grpcurl",
    "envoy",
    "pg_dump",
    "pg_restore",
    "psql",
    "token=$(curl",
)
_COMMAND = re.compile(rf"(?:\.venv/bin/)?(?:{'|'.join(map(re.escape, _PROGRAMS))})(?= )")
_SQL = re.compile(r"(?:SELECT|UPDATE|INSERT|DELETE) .* ?(?:FROM|SET|INTO) ", re.DOTALL)
_FENCED = re.compile(r"^ *```(?:sh|bash|shell|console|sql)?\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^ {4,}\S.*\n)+", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
# A remark behind a command: two blanks before its sign.
_REMARK = re.compile(r"  +(?:#|--) .*$", re.MULTILINE)
# What stands for something of the reader's own, and something that is there. EVENT_ID is whoever runs it to fill.
_PLACEHOLDERS = (
    ("SERVICE", "identity"),
    ("<name>", "identity"),
    ("<service>", "identity"),
    ("'<time of the dump>'", "'2026-01-01'"),
    ("event_id = '…'", "event_id = '00000000-0000-0000-0000-000000000000'"),
    ("topic = '…'", "topic = 'commerce.order.v1'"),
    ("seq = …", "seq = 1"),
    ("subject_number = N", "subject_number = 1"),
)

# What the tests do not run, and why. All of it is parsed where there is a parser.
NOT_RUN = {
    "make .*": "starts what has its own tests; tests/docs/test_documents.py looks that the targets exist",
    "marketmesh dev": "is the stack that the others run on",
    "marketmesh demo": "tests/e2e/test_mesh.py tells the same story on the same stack",
    "marketmesh (admin create|dlq|topology)": "is named only; it is run elsewhere with what belongs to it",
    "marketmesh psql identity": "opens a session; with -c it is run",
    "marketmesh identity": "stands for any command",
    r"[^|]*\S\|\S.*": "stands for several commands",
    "python -m deploy.cli.main.*": "is marketmesh dev",
    "python -m services.identity relay": "runs until it is stopped",
    "python -m (gateway.render|tests.contracts.golden|scripts)\\b.*": "writes into the checkout",
    "curl --data-binary .*": "is half a command; tests/e2e/test_sheets.py imports the same file",
    "grpcurl .*": "is not installed with us; tests/e2e/test_clients.py calls gRPC",
    "envoy .*": "is started by the stack",
    "pg_restore .*": "needs a dump and an empty database",
}


@dataclass(frozen=True)
class Command:
    """A command or statement as a document tells it, and with its placeholders filled."""

    document: str
    text: str

    @property
    def filled(self) -> str:
        """Return what can be run."""
        text = self.text
        for placeholder, value in _PLACEHOLDERS:
            text = text.replace(placeholder, value)
        return text.removeprefix(".venv/bin/")

    @property
    def is_sql(self) -> bool:
        """Return whether a database runs it."""
        return bool(_SQL.match(self.text))

    @property
    def not_run(self) -> str:
        """Return why no test runs it; empty when one does."""
        found = [reason for pattern, reason in NOT_RUN.items() if re.fullmatch(pattern, self.filled)]
        return found[0] if found else ""


def commands() -> list[Command]:
    """Return every command and statement of every document, each once, in order."""
    found = [
        Command(name_of(path), text)
        for path in sorted(ROOT.rglob("*.md"))
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        for text in _of(path)
    ]
    return list({command.text: command for command in found}.values())


def _of(path: Path) -> list[str]:
    text = path.read_text()
    blocks = [match[1] for match in _FENCED.finditer(text)]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks += _INDENTED.findall(prose)
    told = [command for block in blocks for command in _of_block(block)]
    spans = [" ".join(span.split()) for span in _SPAN.findall(_INDENTED.sub("\n", prose))]
    return told + [span for span in spans if _is_command(span)]


def _of_block(block: str) -> list[str]:
    """Return a block's commands; a script that keeps a value for its later lines stays whole."""
    plain = "\n".join(line.strip() for line in _REMARK.sub("", block).replace("\\\n", " ").splitlines())
    if plain.startswith("token=$("):
        return [plain]
    if _SQL.match(plain):
        return [" ".join(statement.split()) for statement in plain.split(";") if statement.strip()]
    return [" ".join(line.split()) for line in plain.splitlines() if _is_command(line)]


def _is_command(text: str) -> bool:
    return bool(_COMMAND.match(text) or _SQL.match(text))
