"""Requirements about what is not there: read from the source, the contracts and the tables, nothing runs."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from sqlalchemy import CheckConstraint, UniqueConstraint

from deploy.dev import environment, keys
from deploy.dev.environment import Addresses
from deploy.dev.ports import Ports
from deploy.tools.contracts import grpc_services, services_present
from marketmesh.commerce.v1 import cart_service_pb2
from meshkit.grpc import wire
from meshkit.grpc.interceptor import PolicyInterceptor
from meshkit.grpc.policy import Effect, read_policy
from scripts import house_rules
from tests.docs.reading import ROOT

ROOMS = {"api", "data", "domain", "events", "flows", "jobs", "usecases"}
FILES = {"__init__.py", "__main__.py", "errors.py", "service.py", "settings.py"}
# A folder or, while it is small, a file.
SHARED = {"migrations", "outbound", "schema"}
WRITES = [
    method
    for service in grpc_services()
    for method in service.methods
    if read_policy(method).effect != Effect.EFFECT_READ
]


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def imports_of(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def importing(pattern: str, *folders: str) -> list[str]:
    return [
        path.relative_to(ROOT).as_posix()
        for path, tree in sources(*folders)
        if any(re.match(pattern, name) for name in imports_of(tree))
    ]


def passes_on(function: ast.FunctionDef) -> bool:
    """Return whether all it does is call a function of another module with what it was given."""
    body = [line for line in function.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return | ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and all(isinstance(given, ast.Name) for given in (*call.args, *(word.value for word in call.keywords)))
    )


def broken(rule: str) -> list[str]:
    return [
        str(finding)
        for path, tree in sources("meshkit", "services", "gateway", "deploy", "scripts")
        for finding in getattr(house_rules, rule)(path, tree)
    ]


class TestLayout:
    @pytest.mark.parametrize("service", services_present())
    def test_every_service_is_capabilities_and_what_they_share(self, service: str) -> None:
        inside = [item for item in (ROOT / "services" / service).iterdir() if item.name != "__pycache__"]
        files = {item.name for item in inside if item.is_file()} - {"README.md", "schema.py"}
        capabilities = [item for item in inside if item.is_dir() and item.name not in SHARED]

        assert files == FILES
        assert {"migrations", "schema"} <= {item.stem for item in inside}
        assert capabilities
        for capability in capabilities:
            rooms = {item.stem for item in capability.iterdir() if item.name != "__pycache__"} - {"__init__"}
            assert {"usecases"} <= rooms <= ROOMS, capability

    def test_services_do_not_import_each_other(self) -> None:
        found = [
            f"{path}: {name}"
            for path, tree in sources("services")
            for name in imports_of(tree)
            if name.startswith("services.") and name.split(".")[1] != path.relative_to(ROOT).parts[1]
        ]

        assert found == []


class TestNeutralGround:
    """What tests, benchmarks and commands share is in deploy/tools (decision 34); import-linter watches the packages."""

    def test_only_tests_of_commands_import_commands(self) -> None:
        of_commands = {"tests/deploy/cli", "tests/docs/test_commands.py", "tests/docs/test_documents.py"}
        found = importing(r"deploy\.cli\b", "tests", "benchmarks", "scripts")

        assert [path for path in found if not any(path.startswith(home) for home in of_commands)] == []

    def test_nobody_but_tests_imports_tests(self) -> None:
        found = importing(r"tests\b", "benchmarks", "deploy", "gateway", "meshkit", "scripts", "services")

        assert found == []


class TestUseCases:
    def test_that_only_pass_on_are_doors(self) -> None:
        """What only passes on to data is there for an edge or a sibling; its own capability calls data itself."""
        used: dict[str, set[str]] = {}
        for path, tree in sources("services"):
            for name in imports_of(tree):
                used.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
        found = []
        for path, tree in sources("services"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            for function in tree.body if "usecases" in parts else ():
                if isinstance(function, ast.FunctionDef) and not function.name.startswith("_") and passes_on(function):
                    users = used.get(".".join((*parts, function.name)), set())
                    capability = "/".join(parts[:3])
                    inner = [f"{capability}/usecases/", f"{capability}/flows/"]
                    if all(user.startswith(tuple(inner)) for user in users):
                        found.append(f"{'/'.join(parts)}: {function.name}")

        assert found == []


class TestInterceptor:
    def test_takes_its_steps_in_the_declared_order(self) -> None:
        tree = ast.parse((ROOT / "meshkit" / "grpc" / "interceptor.py").read_text())
        (run,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_run")

        calls = [node.func for node in ast.walk(run) if isinstance(node, ast.Call)]
        steps = sorted((call.lineno, ast.unparse(call)) for call in calls if "self." in ast.unparse(call))

        assert [step for _, step in steps] == [
            "self.guard.authenticate",
            "self.guard.rate_limit",
            "self.guard.authorise",
            "self.guard.validate",
            "self.unit_of_work.run",
        ]

    def test_hides_the_cause_of_a_defect(self) -> None:
        refusal = PolicyInterceptor._refusal(None, RuntimeError("the secret of the house"))  # type: ignore[arg-type]

        status = wire.status_of(refusal, service="commerce")
        assert refusal.reason == "INTERNAL_ERROR"
        assert b"secret" not in status.SerializeToString()


class TestTables:
    def test_no_process_migrates_by_itself(self) -> None:
        found = [
            str(path.relative_to(ROOT))
            for path, tree in sources("meshkit", "services")
            if "migrations" not in path.parts and "meshkit.db.migrate" in imports_of(tree)
        ]

        assert found == ["meshkit/cli.py"]

    def test_memberships_are_one_per_person_and_store_with_a_known_role(self) -> None:
        memberships = _tables("identity")["memberships"]

        unique = [set(item.columns.keys()) for item in memberships.constraints if isinstance(item, UniqueConstraint)]
        (roles,) = (str(item.sqltext) for item in memberships.constraints if "role" in str(item.name))
        assert {"store_id", "user_id"} in unique
        assert re.findall(r"'(\w+)'", roles) == ["owner", "admin", "manager", "viewer", "agent", "staff", "ops"]

    def test_stock_is_never_negative(self) -> None:
        checks = {
            str(item.sqltext)
            for item in _tables("catalog")["inventory_items"].constraints
            if isinstance(item, CheckConstraint)
        }

        assert {f"{name}_qty >= 0" for name in ("available", "reserved", "consumed")} <= checks


class TestEvents:
    def test_only_the_relay_publishes(self) -> None:
        found = [
            str(path.relative_to(ROOT))
            for path, tree in sources("meshkit", "services", "gateway", "deploy/cli", "deploy/tools")
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "publish"
        ]

        assert found == ["meshkit/events/bus.py", "meshkit/events/relay.py"]

    def test_jobs_know_no_bus(self) -> None:
        jobs = [
            (path, tree)
            for path, tree in sources("services")
            if {"jobs", "jobs.py"} & set(path.relative_to(ROOT).parts)
        ]
        jobs.append((ROOT / "meshkit/jobs.py", ast.parse((ROOT / "meshkit/jobs.py").read_text())))

        found = [
            path for path, tree in jobs for name in imports_of(tree) if re.match(r"google\.|meshkit\.events", name)
        ]

        assert found == []


class TestCart:
    def test_is_written_by_quote_checkout_and_clearing_only(self) -> None:
        assert {m.name for m in WRITES if m.containing_service.name == "CartService"} == {
            "QuoteCart", "Checkout", "ClearCart",
        }  # fmt: skip

    def test_has_one_way_to_check_out(self) -> None:
        assert [method.full_name for method in WRITES if method.name.startswith("Checkout")] == [
            "marketmesh.commerce.v1.CartService.Checkout"
        ]
        callers = [path.name for path, tree in sources("services/commerce") if "convert_cart" in _called(tree)]
        assert callers == ["checkout.py"]

    def test_takes_no_money_from_the_client(self) -> None:
        # A tip is what the buyer likes to give, not what anything costs.
        fields = [name for name in _fields(cart_service_pb2.QuoteCartRequest.DESCRIPTOR) if name != "tip_cents"]

        assert [name for name in fields if re.search(r"cents|price|total|amount|percent", name)] == []


class TestSearch:
    def test_brings_both_sides_to_one_form_in_one_place(self) -> None:
        """Text that people search is compared by meshkit.db.searching; a type of file is no such text."""
        by_themselves = re.compile(r"(?i)\b(?:ilike|i?contains\(|i?like\(|istartswith|iendswith)")
        found = {
            (path.relative_to(ROOT).as_posix(), line.strip())
            for path, _ in sources("services")
            for line in path.read_text().splitlines()
            if by_themselves.search(line) and not re.search(r"\bcontains\(\"|\bcontains\(f\"", line)
        }

        assert found == {
            (
                "services/media/files/data/media.py",
                "statement = statement.where(media.c.mime_type.istartswith(mime_type, autoescape=True))",
            )
        }


class TestLedger:
    def test_is_only_appended(self) -> None:
        path = ROOT / "services" / "finance" / "ledger" / "data" / "ledger.py"
        tree = ast.parse(path.read_text())

        assert not _called(tree) & {"update", "delete"}
        assert not re.search(r"\b(UPDATE|DELETE FROM|TRUNCATE)\b", path.read_text())


def _environments(more: dict[str, Path]) -> dict[str, dict[str, str]]:
    """Return what each service's process is told in the embedded stack."""
    names = [f"{service}_{kind}" for service in services_present() for kind in ("app", "owner")]
    addresses = Addresses(ports=Ports(), passwords=dict.fromkeys([*names, keys.SUPERUSER, keys.REDIS_USER], "x"))
    owners = (*services_present(), keys.OPERATOR)
    files = {keys.private_key_of(owner): Path(f"{owner}.pem") for owner in owners}
    files |= {"MESH_DIGEST_KEY_FILE": Path("digest"), **more}
    return {
        service: environment.service(service, addresses=addresses, key_files=files) for service in services_present()
    }


class TestSecrets:
    def test_only_media_is_given_the_object_stores_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Other tests of this process put everything into the environment.
        monkeypatch.delenv("MEDIA_SIGNING_KEY_FILE", raising=False)
        environments = _environments({"MEDIA_SIGNING_KEY_FILE": Path("media.json")})

        given = {service for service, told in environments.items() if "MEDIA_SIGNING_KEY_FILE" in told}

        assert given == {"media"}
        assert broken("sdks_stay_home") == []

    def test_a_service_is_told_where_its_own_key_is_and_no_others(self) -> None:
        environments = _environments({})

        for service, told in environments.items():
            private = {str(Path(f"{owner}.pem")) for owner in (*services_present(), keys.OPERATOR)}
            assert private & set(told.values()) == {f"{service}.pem"}
            assert told["MESH_SERVICE_KEY_FILE"] == f"{service}.pem"


class TestRemovedThings:
    def test_tokens_are_verified_in_one_place(self) -> None:
        assert broken("one_token_verifier") == []

    def test_removed_names_stay_away(self) -> None:
        assert broken("no_removed_names") == []

    def test_there_is_no_checkout_groups_table(self) -> None:
        tables = [name for service in services_present() for name in _tables(service)]

        assert "checkout_groups" not in tables
        assert "cart_records" in tables

    def test_the_group_is_a_plain_anchor(self) -> None:
        tables = _tables("commerce")
        order, cart = (tables[name].c.checkout_group_id for name in ("vendor_orders", "cart_records"))

        assert (order.nullable, cart.nullable) == (False, True)
        assert not order.foreign_keys
        assert not cart.foreign_keys

    def test_users_hold_no_stores(self) -> None:
        assert [column.name for column in _tables("identity")["users"].columns if "store" in column.name] == []


def _tables(service: str) -> dict[str, Any]:
    metadata = importlib.import_module(f"services.{service}.service").SPEC.metadata
    return dict(metadata.tables)


def _called(tree: ast.Module) -> set[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {function.id for function in calls if isinstance(function, ast.Name)}
    return names | {function.attr for function in calls if isinstance(function, ast.Attribute)}


def _fields(message: Descriptor) -> list[str]:
    found = []
    for field in message.fields:
        found.append(field.name)
        if field.message_type:
            found += _fields(field.message_type)
    return found
