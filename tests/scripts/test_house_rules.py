"""Rules about statements and edges: what breaks them and what does not."""

from __future__ import annotations

import ast

import pytest

from scripts import house_rules
from scripts.house_rules import ROOT

DATA = ROOT / "services" / "ads" / "data" / "campaigns.py"
EDGE = ROOT / "services" / "ads" / "api" / "mapping.py"


def broken(rule: str, code: str, path: object = DATA) -> bool:
    return bool(list(getattr(house_rules, rule)(path, ast.parse(code))))


class TestColumnsAreNamed:
    @pytest.mark.parametrize(
        "text",
        [
            "SELECT * FROM ads", "select\n  * FROM ads", "SELECT a.* FROM ads a", "DELETE FROM ads RETURNING *",
            "UPDATE ads a RETURNING a.*", "SELECT DISTINCT * FROM ads", "SELECT a.id, b.* FROM ads a",
        ],
    )  # fmt: skip
    def test_a_star_is_found(self, text: str) -> None:
        assert broken("columns_are_named", f"X = {text!r}")
        assert broken("columns_are_named", f'X = f"{{y}} {text.replace(chr(10), " ")}"')

    @pytest.mark.parametrize(
        "text", ["SELECT count(*) FROM ads", "SELECT 2 * bid FROM ads", "SELECT a.x * 3 FROM ads a"]
    )
    def test_counting_and_multiplying_are_not(self, text: str) -> None:
        assert not broken("columns_are_named", f"X = {text!r}")

    def test_bigquery_prepares_nothing(self) -> None:
        path = ROOT / "services" / "analytics" / "outbound" / "bigquery_warehouse.py"
        assert not broken("columns_are_named", "X = 'SELECT * FROM events'", path)


class TestStatementsAreMadeAtImport:
    def test_one_in_a_function_is_found(self) -> None:
        assert broken("statements_are_made_at_import", "def f(tx):\n    return tx.execute(sql('SELECT 1'))")

    def test_one_in_a_module_is_not(self) -> None:
        assert not broken("statements_are_made_at_import", "X = {'a': sql('SELECT 1')}")


class TestEdgesTranslate:
    @pytest.mark.parametrize(
        "line", ["from services.ads.data import campaigns", "import services.ads.store_gates.data.store_gates"]
    )
    def test_an_import_of_data_is_found(self, line: str) -> None:
        assert broken("edges_translate", line, EDGE)
        assert not broken("edges_translate", line, DATA)

    def test_the_class_of_a_row_for_the_type_checker_is_not(self) -> None:
        code = "if TYPE_CHECKING:\n    from services.ads.campaigns.data.campaigns import Ad"
        assert not broken("edges_translate", code, EDGE)


CAPABILITY = ROOT / "services" / "ads" / "campaigns"


class TestRooms:
    @pytest.mark.parametrize(
        ("rule", "room", "line"),
        [
            ("sql_stays_in_data", "usecases", "import sqlalchemy as sa"),
            ("sql_stays_in_data", "usecases", "from meshkit.db import sql"),
            ("sql_stays_in_data", "jobs", "from sqlalchemy import select"),
            ("jobs_ask_use_cases", "jobs", "from services.ads.campaigns import data"),
            ("jobs_ask_use_cases", "jobs", "import services.ads.campaigns.data.campaigns"),
            ("flows_speak_their_own_language", "flows", "import marketmesh.catalog.v1.product_pb2"),
            ("flows_speak_their_own_language", "flows", "from marketmesh.catalog.v1 import product_pb2"),
        ],
    )
    def test_what_belongs_elsewhere_is_found_in_whatever_form(self, rule: str, room: str, line: str) -> None:
        assert broken(rule, line, CAPABILITY / room / "one.py")
        assert not broken(rule, line, CAPABILITY / "data" / "one.py")

    def test_refusals_of_the_database_may_be_caught(self) -> None:
        line = "from sqlalchemy.exc import IntegrityError"

        assert not broken("sql_stays_in_data", line, CAPABILITY / "usecases" / "one.py")

    def test_a_use_case_of_another_name_is_found(self) -> None:
        path = CAPABILITY / "usecases" / "serve_ad.py"

        assert broken("use_case_files_tell_one_story", "def serve_ad(tx): ...\ndef bill(tx): ...", path)
        assert broken("use_case_files_tell_one_story", "def serve_ads(tx): ...", path)
        assert not broken("use_case_files_tell_one_story", "def serve_ad(tx): ...", path)

    def test_a_public_function_beside_it_is_used_by_others(self) -> None:
        path, code = CAPABILITY / "usecases" / "serve_ad.py", "def serve_ad(tx): ...\ndef {}(tx): ..."

        assert broken("use_case_files_tell_one_story", code.format("serve_ad_that_nobody_knows"), path)
        assert not broken("use_case_files_tell_one_story", code.format("create_ad"), path)
        assert not broken("use_case_files_tell_one_story", code.format("_bill"), path)


class TestArgumentsAreNamed:
    @pytest.mark.parametrize(
        "arguments",
        [
            "tx, order, agent",
            "flow, order, agent, *, respond",
            "tx, amount_cents: int",
            "tx, reason: str | None",
            "tx, order, only: bool",
        ],
    )
    @pytest.mark.parametrize("room", ["usecases", "flows"])
    def test_more_than_the_object_of_the_verb_by_position_is_found(self, arguments: str, room: str) -> None:
        assert broken("arguments_are_named", f"def serve_ad({arguments}): ...", CAPABILITY / room / "serve_ad.py")

    @pytest.mark.parametrize(
        "arguments",
        [
            "tx",
            "tx, order",
            "tx, *, only: bool",
            "tx, order: Order, *, agent: Agent",
            "transactions, call, *, limit: int",
        ],
    )
    def test_the_transaction_and_the_object_are_not(self, arguments: str) -> None:
        path = CAPABILITY / "usecases" / "serve_ad.py"

        assert not broken("arguments_are_named", f"def serve_ad({arguments}): ...", path)
        assert not broken("arguments_are_named", "def _row(a, b, c): ...", path)


class TestPrivateNamesAreUsed:
    @pytest.mark.parametrize("code", ["_LIMIT = 3", "def _row(): ...", "class _Row: ..."])
    def test_one_that_is_not_is_found(self, code: str) -> None:
        assert broken("private_names_are_used", code)

    @pytest.mark.parametrize(
        "code",
        [
            "_LIMIT = 3\ndef f(): return _LIMIT",
            "@app.callback()\ndef _main(): ...",
            "def f(row: _Row): ...\nclass _Row: ...",
        ],
    )
    def test_one_that_is_used_or_handed_on_is_not(self, code: str) -> None:
        assert not broken("private_names_are_used", code)
