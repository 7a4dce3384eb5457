"""The errors in code are the errors in the contracts."""

from __future__ import annotations

import importlib
import inspect

import grpc
import pytest

from deploy.tools.contracts import files, services_present
from marketmesh.options.v1 import error_pb2
from meshkit import errors
from meshkit.errors import MeshError, Violation
from meshkit.grpc import wire


def reasons_of(service: str) -> list[str]:
    enum = next(file.enum_types_by_name["ErrorReason"] for file in files() if file.package == f"marketmesh.{service}.v1"
                and "ErrorReason" in file.enum_types_by_name)  # fmt: skip
    return [value.name for value in enum.values if value.number]


def classes_of(service: str) -> list[type[MeshError]]:
    module = importlib.import_module(f"services.{service}.errors")
    found = [item for _, item in inspect.getmembers(module, inspect.isclass) if item.__module__ == module.__name__]
    return sorted(found, key=lambda item: inspect.getsourcelines(item)[1])


class TestServiceErrors:
    @pytest.mark.parametrize("service", services_present())
    def test_has_one_class_per_reason_in_the_same_order(self, service: str) -> None:
        assert [item.reason for item in classes_of(service)] == reasons_of(service)

    @pytest.mark.parametrize("service", services_present())
    def test_every_reason_has_a_code_and_says_what_would_fix_it(self, service: str) -> None:
        for item in classes_of(service):
            assert item.code in grpc.StatusCode.__members__
            assert item.fix
            assert item.domain == f"{service}.marketmesh"


class TestCommonErrors:
    def test_cover_the_canonical_codes_with_their_grpc_status(self) -> None:
        found = {
            item.reason: item.code
            for _, item in inspect.getmembers(errors, inspect.isclass)
            if issubclass(item, MeshError) and item is not MeshError
        }

        assert found == {
            "VALIDATION_ERROR": "INVALID_ARGUMENT",
            "UNAUTHORIZED": "UNAUTHENTICATED",
            "FORBIDDEN": "PERMISSION_DENIED",
            "NOT_FOUND": "NOT_FOUND",
            "CONFLICT": "ALREADY_EXISTS",
            "IDEMPOTENCY_KEY_REUSED": "FAILED_PRECONDITION",
            "STATE_CONFLICT": "FAILED_PRECONDITION",
            "RATE_LIMIT_EXCEEDED": "RESOURCE_EXHAUSTED",
            "INTERNAL_ERROR": "INTERNAL",
            "DEPENDENCY_ERROR": "UNAVAILABLE",
            "IDEMPOTENCY_KEY_MISSING": "INVALID_ARGUMENT",
            "IDEMPOTENCY_IN_PROGRESS": "ABORTED",
            "SERVICE_NOT_ALLOWED": "PERMISSION_DENIED",
        }

    def test_equal_refusals_are_equal_bytes(self) -> None:
        first, second = (wire.status_of(errors.NotFound(), service="commerce") for _ in range(2))

        assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)

    def test_status_carries_reason_violations_and_retry(self) -> None:
        refusal = errors.ValidationError("bad", violations=(Violation("a.b", "is wrong"),), retry_after_s=7)

        status = wire.status_of(refusal, service="media")

        kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
        assert kinds == ["ErrorInfo", "BadRequest", "RetryInfo"]
        assert wire.headers_of(refusal) == {"retry-after": "7"}


class TestEnumOptions:
    def test_every_reason_of_every_catalogue_declares_its_spec(self) -> None:
        bare = [
            value.name
            for file in files()
            for enum in file.enum_types_by_name.values()
            if enum.name in {"ErrorReason", "CommonReason"}
            for value in enum.values
            if value.number and not value.GetOptions().HasExtension(error_pb2.error)
        ]

        assert bare == []
