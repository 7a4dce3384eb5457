"""Each service signs with a key of its own, and nobody is believed to be another."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from structlog.testing import CapturingLogger

from marketmesh.options.v1 import policy_pb2
from meshkit import service_keys
from meshkit.auth import Authenticator, KeySet
from meshkit.clock import FixedClock
from meshkit.errors import ServiceNotAllowed, Unauthenticated
from meshkit.grpc.guard import Guard
from meshkit.grpc.policy import PolicyError, callers_without_key, read_policy
from meshkit.principal import Principal
from meshkit.service import Process
from meshkit.service_keys import KEYS_KEPT_SECONDS, PublicHalves, ServiceKey, own_key
from meshkit.settings import SettingsInvalid
from tests.support.mesh_harness import MeshHarness

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


@dataclass
class Mesh:
    """A folder with the public halves of two services, and what checks tokens against it."""

    folder: Path
    commerce: ServiceKey
    ads: ServiceKey
    clock: FixedClock

    def publish(self, key: ServiceKey, name: str = "") -> Path:
        file = self.folder / f"{name or key.service}.pem"
        file.write_bytes(pem_of(key.private))
        return file

    @property
    def authenticator(self) -> Authenticator:
        services = KeySet(PublicHalves(self.folder).read_or_last, KEYS_KEPT_SECONDS)
        return Authenticator(people=KeySet(dict), services=services, clock=self.clock)

    def who(self, token: str) -> str:
        return self.authenticator.principal(token).service

    def cause(self, token: str) -> str:
        with pytest.raises(Unauthenticated) as refused:
            self.authenticator.principal(token)
        return refused.value.metadata["cause"]


@pytest.fixture
def mesh_of_two(tmp_path: Path) -> Mesh:
    commerce, ads = ServiceKey("commerce", new_key()), ServiceKey("ads", new_key())
    mesh = Mesh(tmp_path, commerce, ads, FixedClock(NOW))
    mesh.publish(commerce)
    mesh.publish(ads)
    return mesh


def forged(key: ServiceKey, *, key_id: str = "", **claims: Any) -> str:
    payload = {**jwt.decode(key.token(NOW), options={"verify_signature": False}), **claims}
    return jwt.encode(payload, key.private, algorithm="ES256", headers={"kid": key_id or key.key_id})


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def handmade(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """Return what a library would refuse to make."""
    head = f"{segment(header)}.{segment(claims)}"
    digest = hmac.new(secret, head.encode(), hashlib.sha256).digest() if secret else b""
    return f"{head}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


class TestServiceToken:
    def test_says_who_signed_it(self, mesh_of_two: Mesh) -> None:
        assert mesh_of_two.who(mesh_of_two.commerce.token(NOW)) == "commerce"
        assert mesh_of_two.who(mesh_of_two.ads.token(NOW)) == "ads"

    def test_of_one_that_says_it_is_another_is_refused(self, mesh_of_two: Mesh) -> None:
        assert mesh_of_two.cause(forged(mesh_of_two.ads, sub="commerce")) == "token_invalid"

    def test_signed_by_one_under_the_key_id_of_another_is_refused(self, mesh_of_two: Mesh) -> None:
        token = forged(mesh_of_two.ads, sub="commerce", key_id=mesh_of_two.commerce.key_id)

        assert mesh_of_two.cause(token) == "token_invalid"

    @pytest.mark.parametrize("key_id", ["commerce/0000000000000000", "commerce/", "nobody/1", "", "commerce"])
    def test_under_an_unknown_key_id_is_refused(self, mesh_of_two: Mesh, key_id: str) -> None:
        token = forged(mesh_of_two.commerce, key_id=key_id or "x")

        assert mesh_of_two.cause(token) == "token_invalid"

    @pytest.mark.parametrize(
        "claims", [{"aud": "marketmesh.store"}, {"aud": "marketmesh.admin", "sub": str(uuid.uuid4())}]
    )
    def test_speaks_for_no_person(self, mesh_of_two: Mesh, claims: dict[str, str]) -> None:
        assert mesh_of_two.cause(forged(mesh_of_two.commerce, **claims)) == "token_invalid"

    def test_of_the_key_of_people_is_refused(self, mesh_of_two: Mesh) -> None:
        identity = new_key()
        authenticator = Authenticator(
            people=KeySet(lambda: {"people": identity.public_key()}), services=KeySet(dict), clock=mesh_of_two.clock
        )

        with pytest.raises(Unauthenticated, match="not valid"):
            authenticator.principal(forged(ServiceKey("commerce", identity), key_id="people"))

    def test_without_signature_is_refused(self, mesh_of_two: Mesh) -> None:
        claims = jwt.decode(mesh_of_two.commerce.token(NOW), options={"verify_signature": False})
        header = {"alg": "none", "typ": "JWT", "kid": mesh_of_two.commerce.key_id}

        assert mesh_of_two.cause(handmade(header, claims, None)) == "token_invalid"

    def test_with_the_public_half_for_a_shared_secret_is_refused(self, mesh_of_two: Mesh) -> None:
        claims = jwt.decode(mesh_of_two.commerce.token(NOW), options={"verify_signature": False})
        header = {"alg": "HS256", "typ": "JWT", "kid": mesh_of_two.commerce.key_id}
        secret = (mesh_of_two.folder / "commerce.pem").read_bytes()

        assert mesh_of_two.cause(handmade(header, claims, secret)) == "token_invalid"

    def test_expires(self, mesh_of_two: Mesh) -> None:
        token = mesh_of_two.commerce.token(NOW)
        mesh_of_two.clock.advance(timedelta(seconds=60))

        assert mesh_of_two.cause(token) == "token_expired"


class TestRotation:
    def test_a_service_may_have_two_keys(self, mesh_of_two: Mesh) -> None:
        successor = ServiceKey("commerce", new_key())
        authenticator = mesh_of_two.authenticator
        authenticator.principal(mesh_of_two.commerce.token(NOW))

        mesh_of_two.publish(successor, "commerce.2")

        fresh = mesh_of_two.authenticator
        assert fresh.principal(successor.token(NOW)).service == "commerce"
        assert fresh.principal(mesh_of_two.commerce.token(NOW)).service == "commerce"

    def test_a_running_process_learns_the_next_key_by_itself(
        self, mesh_of_two: Mesh, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = 0.0
        monkeypatch.setattr("meshkit.auth.time.monotonic", lambda: seconds)
        running, successor = mesh_of_two.authenticator, ServiceKey("commerce", new_key())
        running.principal(mesh_of_two.commerce.token(NOW))
        mesh_of_two.publish(successor, "commerce.2")

        seconds += 3

        assert running.principal(successor.token(NOW)).service == "commerce"

    def test_a_running_process_forgets_a_key_that_was_taken_away(
        self, mesh_of_two: Mesh, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = 0.0
        monkeypatch.setattr("meshkit.auth.time.monotonic", lambda: seconds)
        running = mesh_of_two.authenticator
        running.principal(mesh_of_two.commerce.token(NOW))
        (mesh_of_two.folder / "commerce.pem").unlink()

        seconds += KEYS_KEPT_SECONDS + 1

        with pytest.raises(Unauthenticated, match="unknown key"):
            running.principal(mesh_of_two.commerce.token(NOW))

    def test_a_token_that_would_outlive_its_key_is_refused(self, mesh_of_two: Mesh) -> None:
        claims = jwt.decode(mesh_of_two.commerce.token(NOW), options={"verify_signature": False})
        claims["exp"] += 1
        token = jwt.encode(
            claims, mesh_of_two.commerce.private, algorithm="ES256", headers={"kid": mesh_of_two.commerce.key_id}
        )

        assert mesh_of_two.cause(token) == "token_invalid"

    def test_a_folder_that_is_away_leaves_the_keys_of_before(self, mesh_of_two: Mesh) -> None:
        halves = PublicHalves(mesh_of_two.folder)
        before = halves.read()
        mesh_of_two.folder.rename(mesh_of_two.folder.with_name("away"))

        assert halves.read_or_last() == before


class TestUnusableFiles:
    """A file in the folder that is no key counts as missing, for its owner and for nobody else."""

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is no public key"),
            (b"half a ", "is no public key"),
            (pem_of(ed25519.Ed25519PrivateKey.generate()), "is no P-256 public key"),
            (pem_of(ec.generate_private_key(ec.SECP384R1())), "is no P-256 public key"),
            (None, "directory"),
        ],
        ids=["empty", "torn", "ed25519", "p-384", "folder"],
    )
    def test_are_named_and_skipped(
        self, mesh_of_two: Mesh, content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = CapturingLogger()
        monkeypatch.setattr(service_keys, "get_logger", lambda: log)
        halves = PublicHalves(mesh_of_two.folder)
        before = halves.read()
        file = mesh_of_two.folder / "media.pem"
        file.mkdir() if content is None else file.write_bytes(content)

        assert (halves.read(), halves.read_or_last()) == (before, before)
        assert (list(halves.unusable), [line.kwargs["file"] for line in log.calls]) == (["media.pem"], ["media.pem"])
        assert reason in log.calls[0].kwargs["error"]

    def test_end_the_key_that_they_held(self, mesh_of_two: Mesh) -> None:
        halves = PublicHalves(mesh_of_two.folder)
        halves.read()
        (mesh_of_two.folder / "ads.pem").write_text("x")

        assert list(halves.read_or_last()) == [mesh_of_two.commerce.key_id]

    def test_hold_up_no_key_that_is_taken_away(self, mesh_of_two: Mesh) -> None:
        halves = PublicHalves(mesh_of_two.folder)
        halves.read()
        (mesh_of_two.folder / "media.pem").write_text("x")
        (mesh_of_two.folder / "ads.pem").unlink()

        assert list(halves.read_or_last()) == [mesh_of_two.commerce.key_id]

    def test_alone_are_a_folder_without_keys(self, tmp_path: Path) -> None:
        (tmp_path / "media.pem").write_text("x")

        with pytest.raises(SettingsInvalid, match="no key <service>.pem"):
            PublicHalves(tmp_path).read()


class TestKeyFiles:
    def private(self, folder: Path, key: Any) -> Path:
        file = folder / "private.key"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return file

    def test_take_the_half_that_others_know(self, mesh_of_two: Mesh) -> None:
        file = self.private(mesh_of_two.folder, mesh_of_two.ads.private)
        known = PublicHalves(mesh_of_two.folder).read()

        assert own_key(file, service="ads", known=known).key_id == mesh_of_two.ads.key_id

    def test_of_another_service_do_not_start(self, mesh_of_two: Mesh) -> None:
        file = self.private(mesh_of_two.folder, mesh_of_two.ads.private)
        known = PublicHalves(mesh_of_two.folder).read()

        with pytest.raises(SettingsInvalid, match="MESH_SERVICE_KEY_FILE.*under the name of commerce"):
            own_key(file, service="commerce", known=known)

    @pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())])
    def test_of_another_kind_do_not_start(self, mesh_of_two: Mesh, key: Any) -> None:
        file = self.private(mesh_of_two.folder, key)

        with pytest.raises(SettingsInvalid, match="P-256"):
            own_key(file, service="ads", known={})

    @pytest.mark.parametrize("text", ["", "no key at all"])
    def test_that_are_no_keys_say_so(self, mesh_of_two: Mesh, text: str) -> None:
        (mesh_of_two.folder / "media.pem").write_text(text)

        with pytest.raises(SettingsInvalid, match="holds no private key"):
            own_key(mesh_of_two.folder / "media.pem", service="media", known={})

    def test_that_are_missing_say_so(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsInvalid, match="MESH_SERVICE_KEYS_FOLDER"):
            PublicHalves(tmp_path / "nowhere").read()
        with pytest.raises(SettingsInvalid, match="MESH_SERVICE_KEY_FILE"):
            own_key(tmp_path / "nothing", service="ads", known={})


def method_of(**policy: Any) -> MethodDescriptor:
    """Return a method that declares this policy."""
    file = descriptor_pb2.FileDescriptorProto(name="asked.proto", package="asked", syntax="proto3")
    file.message_type.add(name="Empty")
    service = file.service.add(name="AskedService")
    method = service.method.add(name="Do", input_type=".asked.Empty", output_type=".asked.Empty")
    declared = policy_pb2.MethodPolicy(
        effect=policy_pb2.EFFECT_READ, idempotency=policy_pb2.IDEMPOTENCY_NATURAL, **policy
    )
    method.options.Extensions[policy_pb2.policy].CopyFrom(declared)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName("asked.AskedService").methods_by_name["Do"]


class TestCallers:
    @pytest.mark.parametrize(
        "policy",
        [
            {"caller": policy_pb2.CALLER_SERVICE},
            {"caller": policy_pb2.CALLER_USER, "audiences": [policy_pb2.AUDIENCE_STORE, policy_pb2.AUDIENCE_SERVICE]},
        ],
        ids=["service", "user with service tokens"],
    )
    def test_must_be_named_where_service_tokens_are_taken(self, policy: dict[str, Any]) -> None:
        with pytest.raises(PolicyError, match=r"AskedService\.Do: takes service tokens without saying of which"):
            read_policy(method_of(**policy))

        assert read_policy(method_of(**policy, callers=["ads"])).callers == {"ads"}

    def test_of_people_are_a_contradiction(self) -> None:
        with pytest.raises(PolicyError, match="callers of a method that takes no service token"):
            read_policy(method_of(caller=policy_pb2.CALLER_USER, callers=["ads"]))

    def test_without_a_key_are_named(self) -> None:
        policy = read_policy(method_of(caller=policy_pb2.CALLER_SERVICE, callers=["ads", "adds"]))

        assert callers_without_key([policy], known=["ads"]) == ["adds"]

    @pytest.mark.parametrize("broken", [False, True], ids=["taken away", "no key"])
    def test_whose_key_is_missing_stop_nobody_elses_start(
        self, mesh: MeshHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
    ) -> None:
        catalog = mesh.process("catalog")
        own = mesh._key_files["MESH_SERVICE_KEYS_FOLDER"] / "catalog.pem"
        (tmp_path / own.name).write_bytes(own.read_bytes())

        said: list[list[str]] = []
        monkeypatch.setattr(
            "meshkit.service.get_logger", lambda: SimpleNamespace(error=lambda _, callers: said.append(callers))
        )

        if broken:
            (tmp_path / "ads.pem").write_text("no key")

        process = Process(catalog.spec, catalog.mesh.model_copy(update={"service_keys_folder": tmp_path}))

        process.database.close()
        assert said == [["ads", "commerce"]]

    def test_others_are_refused(self) -> None:
        guard = Guard(None, None, None)  # type: ignore[arg-type]
        policy = read_policy(method_of(caller=policy_pb2.CALLER_SERVICE, callers=["ads"]))
        guard.authorise(policy, Principal(service="ads"))

        with pytest.raises(ServiceNotAllowed) as refused:
            guard.authorise(policy, Principal(service="media"))

        assert (refused.value.code, refused.value.metadata) == ("PERMISSION_DENIED", {"service": "media"})
