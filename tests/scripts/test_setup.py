"""`make setup` takes a well built interpreter when there is a choice, and trusts whom the system trusts."""

from __future__ import annotations

import http.server
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.dev.environment import REPOSITORY

_PARTS = REPOSITORY / "scripts" / "setup_parts.sh"
_CHOOSE = 'choose_python && echo "$PYTHON $PYTHON_WHY"'
_PEM = serialization.Encoding.PEM
# The real interpreter, which says of its build what it is told.
_PRETENDS = """#!/bin/sh
exec {real} -c "import sys, sysconfig; sysconfig.get_config_vars().update({variables}); exec(sys.argv[1])" "$2"
"""
_FOREIGN = {"CONFIG_ARGS": "--prefix=/opt", "PGO_PROF_GEN_FLAG": "-g", "PGO_PROF_USE_FLAG": "-u"}
_GUIDED = {**_FOREIGN, "CONFIG_ARGS": "--prefix=/opt --enable-optimizations"}
_DISTRIBUTION = {**_FOREIGN, "PGO_PROF_USE_FLAG": ""}


def shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script with what setup.sh sources, and these variables alone."""
    argv = ["/bin/bash", "-c", f". {_PARTS}\n{script}"]
    return subprocess.run(argv, env=variables, capture_output=True, text=True, check=False)


def pretend(folder: Path, name: str, variables: dict[str, str]) -> None:
    path = folder / name
    path.write_text(_PRETENDS.format(real=sys.executable, variables=variables))
    path.chmod(0o755)


def broken(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\necho 'version is not installed' >&2\nexit 127\n")
    path.chmod(0o755)


class TestInterpreter:
    @pytest.mark.parametrize("built", [_GUIDED, _DISTRIBUTION], ids=["by option", "by a distribution"])
    def test_that_was_built_with_optimisation_is_taken(self, tmp_path: Path, built: dict[str, str]) -> None:
        pretend(tmp_path, "python3", _FOREIGN)
        broken(tmp_path, "python3.11")
        pretend(tmp_path, "python3.12", built)

        chosen = shell(_CHOOSE, PATH=str(tmp_path))

        assert chosen.stdout.startswith(f"{tmp_path}/python3.12 Python 3."), chosen.stderr
        assert chosen.stdout.endswith(", built with optimisation\n")

    def test_is_the_usual_one_where_none_was(self, tmp_path: Path) -> None:
        pretend(tmp_path, "python3", _FOREIGN)
        pretend(tmp_path, "python3.12", _FOREIGN)

        chosen = shell(_CHOOSE, PATH=str(tmp_path))

        assert chosen.stdout.startswith(f"{tmp_path}/python3 Python 3."), chosen.stderr
        assert "none on the PATH was built with optimisation" in chosen.stdout

    def test_that_is_given_is_taken(self, tmp_path: Path) -> None:
        pretend(tmp_path, "python3", _GUIDED)
        pretend(tmp_path, "mine", _FOREIGN)

        chosen = shell(_CHOOSE, PATH=str(tmp_path), PYTHON=str(tmp_path / "mine"))

        assert chosen.stdout == f"{tmp_path}/mine as PYTHON says\n"

    def test_is_missing_where_none_can_be_used(self, tmp_path: Path) -> None:
        broken(tmp_path, "python3")

        assert shell(_CHOOSE, PATH=str(tmp_path)).returncode == 1


def certificate(
    key: ec.EllipticCurvePrivateKey, *, signed_by: ec.EllipticCurvePrivateKey, name: str, is_ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, "company"))
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(signed_by, hashes.SHA256())
    )


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve an empty package index with a certificate that only a company knows; return address and certificate."""
    company, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = certificate(company, signed_by=company, name="company", is_ca=True)
    its_own = certificate(server_key, signed_by=company, name="index", is_ca=False)
    pem, chain = tmp_path / "company.pem", tmp_path / "server.pem"
    pem.write_bytes(authority.public_bytes(_PEM))
    private = server_key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + its_own.public_bytes(_PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/simple", pem
    server.shutdown()
    thread.join()
    server.server_close()


class TestTrust:
    @pytest.mark.parametrize("program", ["-m pip install", "-m uv pip install --cache-dir cache"])
    def test_is_the_systems(self, index: tuple[str, Path], tmp_path: Path, program: str) -> None:
        address, authority = index
        install = f"cd {tmp_path}; {sys.executable} {program} --index-url {address} nothing-of-that-name"
        variables = {
            "PYTHON": sys.executable, "SSL_CERT_FILE": str(authority), "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "VIRTUAL_ENV": sys.prefix,
        }  # fmt: skip

        said = shell(f"trust_system\n{install}", **variables).stderr.lower()

        # It was asked, and has no such package.
        assert "certificate" not in said
        assert "nothing-of-that-name" in said

    def test_is_found_where_the_system_keeps_it(self, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.pem"
        bundle.touch()

        found = shell(
            f'SYSTEM_BUNDLES="/nowhere {bundle}"\ntrust_system; echo "$PIP_CERT $UV_SYSTEM_CERTS"', PYTHON="false"
        )

        assert found.stdout == f"{bundle} true\n"

    def test_of_somebody_who_said_whom_stays(self) -> None:
        kept = shell(
            'trust_system; echo "$PIP_CERT $UV_SYSTEM_CERTS"', PYTHON="false", PIP_CERT="/mine", UV_SYSTEM_CERTS="0"
        )

        assert kept.stdout == "/mine 0\n"


class TestLock:
    def test_has_one_version_of_all_that_belongs_to_grpc(self) -> None:
        lock = (REPOSITORY / "requirements.lock").read_text()

        versions = dict(re.findall(r"^(grpcio[\w-]*)==(\S+)", lock, re.MULTILINE))

        assert "grpcio-reflection" in versions
        assert len(set(versions.values())) == 1, versions
