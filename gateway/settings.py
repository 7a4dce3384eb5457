"""The gateway's deployment settings, read once from the environment.

Invariant: an unknown GATEWAY_ variable, a bad number, an unknown environment and, where real people are served, a missing
address stop the rendering.
Called by gateway.render.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshkit.environment import Environment


class SettingsInvalid(Exception):
    """The environment does not describe a gateway; the message names the variable."""


@dataclass(frozen=True)
class Address:
    """Where one process listens."""

    host: str
    port: int


@dataclass(frozen=True)
class GatewaySettings:
    """Everything a rendering depends on besides the contracts."""

    environment: Environment
    descriptor_path: Path
    bind: str = "127.0.0.1"
    port: int = 8080
    admin_port: int = 9901
    access_log: str = "/dev/stdout"
    body_bytes_max: int = 262_144
    rate_per_second: int = 2_000
    auth_rate_per_second: int = 200
    timeout_s: float = 10.0
    flow_timeout_s: float = 20.0
    trusted_hops: int = 0
    cors_origins: tuple[str, ...] = ()
    addresses: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)


# Variable -> (field, how to read it). The whole list of what GATEWAY_ may say.
_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "GATEWAY_BIND": ("bind", str),
    "GATEWAY_PORT": ("port", int),
    "GATEWAY_ADMIN_PORT": ("admin_port", int),
    "GATEWAY_ACCESS_LOG": ("access_log", str),
    "GATEWAY_MAX_BODY_BYTES": ("body_bytes_max", int),
    "GATEWAY_RATE_PER_SECOND": ("rate_per_second", int),
    "GATEWAY_AUTH_RATE_PER_SECOND": ("auth_rate_per_second", int),
    "GATEWAY_TIMEOUT_SECONDS": ("timeout_s", float),
    "GATEWAY_FLOW_TIMEOUT_SECONDS": ("flow_timeout_s", float),
    "GATEWAY_TRUSTED_HOPS": ("trusted_hops", int),
    "GATEWAY_CORS_ORIGINS": ("cors_origins", lambda text: _words(text)),
}


def read_settings(*, environment: str, descriptor_path: Path, variables: Mapping[str, str]) -> GatewaySettings:
    """Read the settings from environment variables.

    Raises: SettingsInvalid naming the variable.
    """
    unknown = sorted(name for name in variables if name.startswith("GATEWAY_") and name not in _VARIABLES)
    if unknown:
        raise SettingsInvalid(f"unknown variable {unknown[0]}; known are {', '.join(sorted(_VARIABLES))}")
    values = {
        name: _read(variables, variable, read) for variable, (name, read) in _VARIABLES.items() if variable in variables
    }
    return GatewaySettings(
        environment=_environment(environment),
        descriptor_path=descriptor_path.resolve(),
        addresses=_addresses(variables),
        **values,
    )


def _environment(word: str) -> Environment:
    try:
        return Environment(word)
    except ValueError:
        known = ", ".join(Environment)
        raise SettingsInvalid(f"MESH_ENVIRONMENT or --environment must be one of {known}; it is {word!r}") from None


def _read(given: Mapping[str, str], variable: str, read: Callable[[str], Any]) -> Any:
    try:
        value = read(given[variable])
    except ValueError as error:
        raise SettingsInvalid(f"{variable}={given[variable]!r} is not a number") from error
    # Zero hops is the safe default; every other number here is a bound, and a bound of zero serves nobody.
    if isinstance(value, int | float) and value < (0 if variable == "GATEWAY_TRUSTED_HOPS" else 0.001):
        raise SettingsInvalid(f"{variable}={given[variable]!r} must be positive")
    return value


def _addresses(variables: Mapping[str, str]) -> dict[str, tuple[Address, ...]]:
    found = {}
    for variable, text in variables.items():
        if variable.startswith("MESH_") and variable.endswith("_ADDRESS") and text.strip():
            owner = variable.removeprefix("MESH_").removesuffix("_ADDRESS").lower()
            found[owner] = tuple(_address(variable, word) for word in _words(text))
    return found


def _address(variable: str, text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise SettingsInvalid(f"{variable}: {text!r} is not host:port")
    return Address(host=host.strip("[]"), port=int(port))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word)
