"""`marketmesh admin`: administrators are created by the operator, not over the API."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from deploy.cli.console import fail, say
from deploy.tools.connection import transactions_of, use_environment
from marketmesh.identity.v1 import auth_service_pb2
from meshkit import audit
from meshkit.call import Call
from meshkit.errors import MeshError
from meshkit.grpc.guard import validate
from meshkit.ids import new_id
from meshkit.principal import Principal
from services.identity.accounts.usecases.create_system_user import create_system_user
from services.identity.outbound.passwords import Passwords

app = typer.Typer(help="Administrators of the platform.", no_args_is_help=True)


@app.callback()
def administrators() -> None:
    """Administrators of the platform."""


@app.command()
def create(
    email: Annotated[str, typer.Option(help="What the administrator signs in with.")],
    first_name: Annotated[str, typer.Option()],
    last_name: Annotated[str, typer.Option()],
) -> None:
    """Make an administrator in identity's database, audited.

    The password is asked for, or read from standard input: never an argument, which every user of the machine can see.
    """
    request = auth_service_pb2.AdminRegisterRequest(email=email, first_name=first_name, last_name=last_name)
    try:
        use_environment()
        request.password = _password()
        user_id = _create(request)
    except MeshError as error:
        reasons = [f"{each.field} {each.description}" for each in error.violations] or [f"{error.message} {error.fix}"]
        raise fail("admin create: " + "; ".join(reasons)) from None
    say(f"admin create: {email} is an administrator ({user_id})")


def _create(request: auth_service_pb2.AdminRegisterRequest) -> str:
    validate(request)
    password_hash = Passwords(workers=1, waiting=0).hash_new(request.password, email=request.email)
    transactions = transactions_of("identity")
    try:
        operator = Principal(service="operator", origin=getpass.getuser())
        with transactions.write(Call(principal=operator, request_id=f"admin-create-{new_id().hex}")) as tx:
            user = create_system_user(
                tx,
                email=request.email,
                password_hash=password_hash,
                first_name=request.first_name,
                last_name=request.last_name,
                system_role="admin",
            )
            change = audit.Change(user.id, after={"user_id": str(user.id), "system_role": "admin"})
            audit.write_rows(tx, action="admin.create", changes=[change])
    finally:
        transactions.database.close()
    return str(user.id)


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")
