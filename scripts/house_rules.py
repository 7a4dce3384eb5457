"""House rules no general linter knows: `python -m scripts.house_rules`. Each rule tells why it exists."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CODE = ("meshkit", "services", "gateway", "deploy", "scripts", "benchmarks")
_FUNCTION_MAX = 70
_FILE_MAX = 400
_SDK_HOMES = {
    "stripe": "services/finance/outbound",
    "google.cloud.bigquery": "services/analytics/outbound",
    "google.cloud.storage": "services/media/outbound",
    "argon2": "services/identity/outbound",
}
# Arguments that open a transaction, or are one.
_EDGES = {"tx", "flow", "transactions", "call"}
_FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py"}

_STAR = re.compile(r"\b(SELECT|RETURNING)\s+((DISTINCT|ALL)\s+)?(\w+\.)?\*|,\s*\w+\.\*", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """A broken rule at a place."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


def only_meshkit_commits(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A transaction is opened and ended at the edge: a commit below it would tear effect and outbox apart."""
    if path.is_relative_to(ROOT / "services"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}:
                yield Finding(path, node.lineno, f"only meshkit may call .{node.attr}()")


def time_is_injected(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """Services take the time from their transaction; reading the machine's clock makes rules untestable."""
    if not path.is_relative_to(ROOT / "services"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else ""
            if (name, node.func.attr) in {
                ("datetime", "now"),
                ("datetime", "utcnow"),
                ("time", "time"),
                ("date", "today"),
            }:
                yield Finding(path, node.lineno, f"{name}.{node.func.attr}() reads the machine's clock; use tx.now")


def functions_are_short(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A function that does not fit a screen hides what it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > _FUNCTION_MAX:
                yield Finding(path, node.lineno, f"{node.name} has {length} lines (limit {_FUNCTION_MAX})")


def files_are_short(path: Path, tree: ast.AST) -> Iterator[Finding]:  # noqa: ARG001
    """God files are how good repositories rot. Tables of data and migrations are exempt."""
    lines = len(path.read_text().splitlines())
    if lines > _FILE_MAX and "migrations" not in path.parts:
        yield Finding(path, 1, f"has {lines} lines (limit {_FILE_MAX})")


def names_say_something(path: Path, tree: ast.AST) -> Iterator[Finding]:  # noqa: ARG001
    """A file called utils grows without end."""
    if path.name in _FORBIDDEN_NAMES:
        yield Finding(path, 1, f"{path.name} says nothing; name what it is about")


def one_token_verifier(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """There is exactly one function that verifies tokens (S3-1.13). Those Google's client makes are none of ours."""
    if path in (ROOT / "meshkit" / "auth.py", ROOT / "deploy" / "dev" / "objects" / "gate.py"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "jwt.decode":
            yield Finding(path, node.lineno, "tokens are verified by meshkit.auth.verify_token only")


def sdks_stay_home(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """An SDK is imported by the outbound room of its one service, so that no other image has to carry it."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in imports:
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.module else ""
        names = [f"{module}{alias.name}" for alias in node.names]
        for sdk, home in _SDK_HOMES.items():
            if any(f"{name}.".startswith(f"{sdk}.") for name in names) and not path.is_relative_to(ROOT / home):
                yield Finding(path, node.lineno, f"{sdk} is imported only in {home}")


def no_removed_names(path: Path, tree: ast.AST) -> Iterator[Finding]:  # noqa: ARG001
    """The checkout_groups table and AttributedAdClickID are gone for good (PF-296)."""
    if path.name == "house_rules.py":
        return
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if re.search(r"\bcheckout_groups\b|AttributedAdClickID", line):
            yield Finding(path, number, "a removed name is back")


def sql_stays_in_data(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """All statements about a table are found in `data`, beside their row classes."""
    place = _place(path)
    if place is None or place.room == "data":
        return
    for line, name in _imported(tree):
        is_sql = name.startswith(("meshkit.db.sql.", "sqlalchemy.")) and not name.startswith("sqlalchemy.exc.")
        if is_sql:
            yield Finding(path, line, f"{name} is for data; ask a function there")


def use_case_files_tell_one_story(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A rule is looked for by the name of its file: that is a function in it, and what else is public has a word of it and is used."""
    place = _place(path)
    if place is None or path.parent.name != "usecases" or path.name == "__init__.py":
        return
    public = {node.name: node.lineno for node in _public_functions(tree)}
    if path.stem not in public:
        yield Finding(path, 1, f"no public function is called {path.stem}")
    for name, line in public.items():
        if not _words(path.stem) & _words(name):
            yield Finding(path, line, f"{name} is not what {path.name} is called after; give it a file")
        elif name != path.stem and not any(name in words for other, words in _words_of_code().items() if other != path):
            yield Finding(path, line, f"nobody else uses {name}; begin it with _")


def arguments_are_named(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """At most one stands by position behind the transaction: what the verb is about, never a bare text, number or boolean.

    In `hold(tx, one, other, True)` nobody sees what is held.
    """
    place = _place(path)
    if place is None or place.room not in {"usecases", "flows"}:
        return
    for node in _public_functions(tree):
        given = [argument for argument in node.args.args if argument.arg not in _EDGES]
        if any(_is_bare(argument.annotation) for argument in given) or len(given) > 1:
            yield Finding(path, node.lineno, f"{node.name} takes too much by position; put a * before it")


def _public_functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def _is_bare(annotation: ast.expr | None) -> bool:
    return annotation is not None and bool({"bool", "int", "str"} & set(ast.unparse(annotation).split(" | ")))


def flows_speak_their_own_language(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """What a neighbour says becomes ours in `outbound`: its contract may change without the flow."""
    place = _place(path)
    if place is None or place.room != "flows":
        return
    ours = ("marketmesh.type.", "marketmesh.options.", f"marketmesh.{place.service}.")
    for line, name in _imported(tree):
        if name.startswith("marketmesh.") and not name.startswith(ours):
            yield Finding(path, line, f"{name} belongs to outbound")


def jobs_ask_use_cases(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A job says when; what is done is a use case or a flow that a test can call."""
    place = _place(path)
    if place is None or place.room != "jobs":
        return
    for line, name in _imported(tree):
        if name.startswith("services.") and "data" in name.split("."):
            yield Finding(path, line, "a job asks use cases and flows, not data")


def docstrings_say_something(path: Path, tree: ast.AST) -> Iterator[Finding]:  # noqa: ARG001
    """A docstring that only points elsewhere is read for nothing, over and over."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if path.name != "house_rules.py" and re.search(r'"""See (the|its) \w+\."""', line):
            yield Finding(path, number, "say what it does, or nothing")


@dataclass(frozen=True)
class _Place:
    service: str
    capability: str
    room: str


def _place(path: Path) -> _Place | None:
    """Return where in a capability a file stands, or None."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) < 4 or parts[0] != "services" or parts[2] in {"outbound", "schema", "migrations"}:
        return None
    return _Place(parts[1], parts[2], parts[3])


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name, with a dot behind it, of everything that is imported, in whatever form."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"{alias.name}.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}.") for alias in node.names)


@cache
def _words_of_code() -> dict[Path, set[str]]:
    """Return every word of the files that may call a use case."""
    folders = (ROOT / "services", ROOT / "deploy")
    return {path: set(re.findall(r"\w+", path.read_text())) for folder in folders for path in folder.rglob("*.py")}


def _words(name: str) -> set[str]:
    return {word.removesuffix("s") for word in name.split("_")}


def private_names_are_used(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """What nothing uses is read, moved and mended for nothing."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for line, name in _defined(tree):
        if re.match("_[^_]", name) and name not in used:
            yield Finding(path, line, f"nothing uses {name}")


def _defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of a module's constants, and of functions and classes that no decorator hands on."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
            yield node.lineno, node.name
        elif isinstance(node, ast.Assign):
            yield from ((node.lineno, target.id) for target in node.targets if isinstance(target, ast.Name))


def columns_are_named(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A `*` means other columns as soon as a migration adds one: prepared statements are refused, and their row classes are wrong.

    BigQuery prepares nothing.
    """
    if not any(path.is_relative_to(ROOT / folder) for folder in ("services", "meshkit", "deploy")):
        return
    if "outbound" in path.parts:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _STAR.search(node.value):
            yield Finding(path, node.lineno, "name the columns instead of *")


def statements_are_made_at_import(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """A plain statement that a function makes is prepared anew each time, and no test compares its row class."""
    if path == ROOT / "meshkit" / "db" / "tx.py" or "deploy" in path.parts:
        return
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"sql", "compiled"}
                ):
                    yield Finding(
                        path, node.lineno, f"{node.func.id}(…) belongs to the module, not into {function.name}"
                    )


def edges_translate(path: Path, tree: ast.AST) -> Iterator[Finding]:
    """Edges ask use cases; they import the classes of rows for the type checker only."""
    if path.is_relative_to(ROOT / "services") and {"api", "api.py", "events", "events.py"} & set(
        path.relative_to(ROOT).parts
    ):
        for node in _imports_at_run_time(tree):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [f"{module}.{alias.name}".lstrip(".") for alias in node.names]
            if any(name.startswith("services.") and "data" in name.split(".") for name in names):
                yield Finding(path, node.lineno, "an edge asks use cases, not data")


def _imports_at_run_time(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imports_at_run_time(node)


RULES: tuple[Callable[[Path, ast.AST], Iterator[Finding]], ...] = (
    only_meshkit_commits,
    time_is_injected,
    functions_are_short,
    files_are_short,
    names_say_something,
    one_token_verifier,
    sdks_stay_home,
    no_removed_names,
    sql_stays_in_data,
    use_case_files_tell_one_story,
    arguments_are_named,
    flows_speak_their_own_language,
    jobs_ask_use_cases,
    docstrings_say_something,
    private_names_are_used,
    columns_are_named,
    edges_translate,
    statements_are_made_at_import,
)


def findings() -> list[Finding]:
    """Return every broken rule of the tree."""
    found = []
    for folder in _CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            found += [finding for rule in RULES for finding in rule(path, tree)]
    return found


if __name__ == "__main__":
    broken = findings()
    sys.stdout.writelines(f"{finding}\n" for finding in broken)
    raise SystemExit(bool(broken))
