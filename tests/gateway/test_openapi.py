"""The OpenAPI document is valid and says what the contracts say."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from gateway.contracts import load_contracts
from gateway.openapi import build_openapi
from gateway.reference_page import build_reference_page
from scripts import gen_protos


@pytest.fixture(scope="module")
def document(contracts):
    return build_openapi(contracts=load_contracts(descriptor_path=contracts.descriptor_path))


class TestBuildOpenapi:
    def test_is_valid(self, document):
        validate(document)

    def test_is_valid_for_the_real_contracts(self):
        validate(build_openapi(contracts=load_contracts(descriptor_path=gen_protos.GEN / "descriptors.binpb")))

    def test_has_every_rest_spelling_of_every_method(self, document, contracts):
        loaded = load_contracts(descriptor_path=contracts.descriptor_path)

        wanted = {(binding.verb.lower(), binding.path) for method in loaded.methods for binding in method.bindings}
        found = {(verb, path) for path, verbs in document["paths"].items() for verb in verbs}
        assert found == wanted

    def test_leaves_out_what_only_the_mesh_may_call(self, document):
        assert not {"/api/v1/probe/reveal", "/api/v1/probe/internal"} & set(document["paths"])

    def test_writes_long_numbers_as_strings_with_their_limits(self, document):
        schema = document["components"]["schemas"]["probe.v1.EchoRequest"]["properties"]["amount_cents"]

        assert (schema["type"], schema["format"]) == ("string", "int64")
        assert "Minor units." in schema["description"]
        assert "minimum 0" in schema["description"]

    def test_writes_enums_as_words(self, document):
        assert document["components"]["schemas"]["probe.v1.Color"]["enum"] == ["unspecified", "dark_red"]

    def test_carries_constraints(self, document):
        text = document["components"]["schemas"]["probe.v1.EchoRequest"]["properties"]["text"]

        assert text == {"type": "string", "maxLength": 100}

    @pytest.mark.parametrize(
        ("verb", "path", "security"),
        [
            ("get", "/api/v1/probe/items/{item_id}", [{"store": []}]),
            ("get", "/api/v1/probe/shared/{item_id}", [{"agent": []}, {"store": []}]),
            ("get", "/api/v1/admin/probe/{item_id}", [{"admin": []}]),
            ("post", "/api/v1/probe/echo", None),
        ],
    )
    def test_says_whose_token_is_needed(self, document, verb, path, security):
        assert document["paths"][path][verb].get("security") == security

    @pytest.mark.parametrize(("path", "required"), [("/api/v1/probe/behave", True), ("/api/v1/probe/echo", False)])
    def test_asks_for_an_idempotency_key_where_the_policy_does(self, document, path, required):
        names = [each["name"] for each in document["paths"][path]["post"].get("parameters", [])]

        assert ("Idempotency-Key" in names) == required

    def test_lists_the_stable_reasons_of_errors(self, document):
        text = document["components"]["schemas"]["google.rpc.ErrorInfo"]["properties"]["reason"]["description"]

        assert "`IDEMPOTENCY_KEY_REUSED` (FAILED_PRECONDITION)" in text


class TestBuildReferencePage:
    def test_shows_every_operation_with_a_form(self, document):
        page = build_reference_page(document=document)

        for path, verbs in document["paths"].items():
            for verb in verbs:
                assert f'data-verb="{verb.upper()}" data-path="{path}"' in page

    def test_loads_nothing_from_elsewhere(self, document):
        page = build_reference_page(document=document)

        assert "http://" not in page
        assert "https://" not in page
        assert " src=" not in page

    def test_escapes_what_contracts_say(self, document):
        hostile = {**document, "info": {**document["info"], "description": "<script>alert(1)</script>"}}

        assert "<script>alert" not in build_reference_page(document=hostile)
