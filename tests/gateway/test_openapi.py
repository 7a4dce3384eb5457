"""The OpenAPI document is valid and says what the contracts say."""

from __future__ import annotations

import json
import re

import pytest
from google.protobuf.message_factory import GetMessageClass
from openapi_spec_validator import validate
from protovalidate import collect_violations

from deploy.tools.contracts import files
from gateway.contracts import load_contracts
from gateway.openapi import build_openapi, read_examples
from gateway.openapi_schemas import component_name
from gateway.reference_page import write_pages
from scripts import gen_protos


@pytest.fixture(scope="module")
def document(contracts):
    return build_openapi(contracts=load_contracts(descriptor_path=contracts.descriptor_path))


@pytest.fixture(scope="module")
def real():
    return build_openapi(contracts=contracts_of_the_mesh())


def contracts_of_the_mesh():
    return load_contracts(descriptor_path=gen_protos.GEN / "descriptors.binpb")


def requests_of(contracts):
    """Return every message class that a request holds, by full name."""
    found, todo = {}, [GetMessageClass(message).DESCRIPTOR for message in messages_named(contracts)]
    while todo:
        message = todo.pop()
        if message.full_name in found or not message.full_name.startswith("marketmesh."):
            continue
        found[message.full_name] = GetMessageClass(message)
        todo += [field.message_type for field in message.fields if field.message_type]
    return found


def messages_named(contracts):
    """Return the descriptors of all requests that the gateway takes."""
    inputs = {method.input_type for method in contracts.methods}
    every = [message for file in files() for message in file.message_types_by_name.values()]
    return [message for message in every if message.full_name in inputs]


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
        assert document["components"]["schemas"]["probe.v1.Color"]["enum"] == ["dark_red"]

    def test_lists_the_words_of_texts_that_are_words(self, real):
        schemas = real["components"]["schemas"]
        decision = schemas["finance.v1.PayoutDecision"]["properties"]["decision"]
        warnings = schemas["commerce.v1.RejectedVendor"]["properties"]["warnings"]

        assert decision == {"type": "string", "enum": ["request", "approve", "reject", "return", ""]}
        assert warnings["items"] == {"type": "string", "enum": ["not_available", "insufficient_inventory"]}
        assert schemas["finance.v1.AccountKind"]["enum"], "those of enums stay as they are"

    def test_carries_constraints(self, document):
        text = document["components"]["schemas"]["probe.v1.EchoRequest"]["properties"]["text"]

        assert text == {"type": "string", "maxLength": 100}

    @pytest.mark.parametrize(
        ("verb", "path", "security"),
        [
            ("get", "/api/v1/probe/items/{item_id}", [{"store": []}]),
            ("get", "/api/v1/probe/shared/{item_id}", [{"agent": []}, {"store": []}]),
            ("get", "/api/v1/admin/probe/{item_id}", [{"admin": []}]),
            ("post", "/api/v1/probe/echo", []),
        ],
    )
    def test_says_whose_token_is_needed(self, document, verb, path, security):
        assert document["paths"][path][verb].get("security") == security

    def test_names_the_status_and_the_headers_that_a_contract_declares(self, real):
        paths = real["paths"]

        assert "content" not in paths["/api/v1/cart"]["delete"]["responses"]["204"]
        assert [status for status in paths["/api/v1/checkout"]["post"]["responses"] if status < "300"] == ["201"]
        assert "202" in paths["/api/v1/orders/{order_id}/nudge"]["post"]["responses"]
        login = paths["/api/v1/auth/login"]["post"]["responses"]
        assert {"x-access-token", "x-refresh-token", "x-request-id"} == set(login["200"]["headers"])
        assert "401" in login

    def test_names_every_refusal_everywhere(self, real):
        always = {"400", "401", "403", "404", "409", "414", "429", "431", "500", "503", "504"}

        for verbs in real["paths"].values():
            for operation in verbs.values():
                wanted = always | ({"413", "415"} if "requestBody" in operation else set())
                assert {status for status in operation["responses"] if status >= "400"} == wanted

    def test_names_media_types_of_raw_bytes(self, real):
        paths = real["paths"]

        assert set(paths["/api/v1/vendor/products:import"]["post"]["requestBody"]["content"]) == {
            "text/csv", "multipart/form-data",
        }  # fmt: skip
        assert set(paths["/api/v1/vendor/products:export"]["get"]["responses"]["200"]["content"]) == {"text/csv"}
        assert "*/*" not in json.dumps(real)

    def test_has_one_short_name_per_operation(self, real):
        names = [operation["operationId"] for verbs in real["paths"].values() for operation in verbs.values()]

        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9]*", name) for name in names)
        assert real["paths"]["/api/v1/checkout"]["post"]["operationId"] == "checkout"

    def test_has_no_word_for_what_nobody_said(self, real):
        assert [
            name for name, each in real["components"]["schemas"].items() if "unspecified" in each.get("enum", [])
        ] == []

    def test_requires_what_the_services_refuse_to_miss(self, real):
        """Against protovalidate, which every service asks, for every message that a request holds."""
        wrong = {}
        for name, message in requests_of(contracts_of_the_mesh()).items():
            fields = (item.proto.field for item in collect_violations(message()))
            refused = {field.elements[0].field_name for field in fields if field is not None and field.elements}
            schema = real["components"]["schemas"].get(component_name(name), {})
            if set(schema.get("required", [])) != refused and schema:
                wrong[name] = set(schema.get("required", [])) ^ refused
        assert wrong == {}

    @pytest.mark.parametrize(("path", "required"), [("/api/v1/probe/behave", True), ("/api/v1/probe/echo", False)])
    def test_asks_for_an_idempotency_key_where_the_policy_does(self, document, path, required):
        names = [each["name"] for each in document["paths"][path]["post"].get("parameters", [])]

        assert ("Idempotency-Key" in names) == required

    def test_lists_the_stable_reasons_of_errors(self, document):
        text = document["components"]["schemas"]["google.rpc.ErrorInfo"]["properties"]["reason"]["description"]

        assert "`IDEMPOTENCY_KEY_REUSED` (FAILED_PRECONDITION)" in text


class TestPages:
    def test_load_nothing_from_elsewhere(self, tmp_path):
        files = write_pages(folder=tmp_path, stem="envoy")

        pages = [files[address].read_text() for address in ("/", "/docs")]
        loaded = [found for page in pages for found in re.findall(r'(?:src|href)="([^"]+)"', page)]
        assert {each for each in loaded if not each.startswith(("/", "data:"))} == set()
        assert {each for each in loaded if each.startswith("/docs/")} <= set(files)
        assert "SwaggerUIBundle" in files["/docs/swagger-ui-bundle.js"].read_text()


class TestExamples:
    def test_fill_bodies_parameters_and_answers(self, contracts):
        document = build_openapi(contracts=contracts_of_the_mesh(), examples=read_examples())
        bodies = [
            operation["requestBody"]["content"]["application/json"]
            for verbs in document["paths"].values()
            for operation in verbs.values()
            if "application/json" in operation.get("requestBody", {}).get("content", {})
        ]

        checkout = document["paths"]["/api/v1/checkout"]["post"]
        assert checkout["requestBody"]["content"]["application/json"]["example"]["payment_method"] == "cash"
        assert checkout["responses"]["201"]["content"]["application/json"]["example"]["vendor_orders"]
        assert [body for body in bodies if "example" not in body and body["schema"].get("properties")] == []
        validate(document)
